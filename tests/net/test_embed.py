"""``/embed``: a channel as a page that needs no scripts and that scripts take over."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from tests.net.clients import Answer
from tests.net.conftest import Start
from tests.net.station import NOON, Station, ids, post
from tests.pages.reading import Read, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKUP = "</script></title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
EVERYTHING: list[dict[str, Any]] = [
    post(content_text="On air."),
    {"type": "article", "title": "Ferries"},
    {"type": "event", "title": "Tide", "starts_at": "2026-12-05T19:00:00Z"},
    {"type": "track", "title": "Kettle", "artist": "Rain"},
    {"type": "episode", "title": "Seventeen"},
]


async def fetch(station: Station, channel: str, **options: Any) -> Answer:
    method = options.pop("method", "GET")
    return await station.http.ask(method, f"/embed/{channel}", **options)


async def read(station: Station, channel: str, **query: Any) -> Read:
    answer = await fetch(station, channel, **query)
    assert answer.status == 200, answer.body
    return Read(answer.body)


def policy_of(answer: Answer) -> dict[str, list[str]]:
    """Return the content policy, by directive."""
    rules = (
        rule.split() for rule in answer.headers["Content-Security-Policy"].split(";")
    )
    return {name: values for name, *values in rules}


async def test_every_type_of_item_is_on_the_page(
    station: Station, channel: str
) -> None:
    """With its time, in the order of all doors."""
    found = await station.publish(channel, *EVERYTHING)

    page = await read(station, channel)

    assert {one.get("data-id") for one in page.articles} == set(found)
    assert all(article.find(".//time") is not None for article in page.articles)
    told = " ".join(text_of(one) for one in page.articles)
    for word in ("On air.", "Ferries", "Tide", "Kettle", "Rain", "Seventeen"):
        assert word in told


async def test_the_widget_goes_on_from_what_the_page_has(
    station: Station, channel: str
) -> None:
    """The snapshot is the API's own page, and its cursor resumes."""
    await station.posts(channel, 3)
    page = await read(station, channel, backlog=2)
    snapshot = page.snapshot
    await station.publish(channel, post(f"{channel}:new"))

    items = (await station.http.items(channel, limit=2, before=snapshot["next"])).json
    live = await station.live()
    answer = await live.subscribe(channel, since=snapshot["cursor"])

    assert ids(snapshot["items"]) == [one.get("data-id") for one in page.articles]
    assert ids(items["items"]) == [f"{channel}:p000"]
    assert answer["resumed"]
    assert ids(answer["items"]) == [f"{channel}:new"]


async def test_older_pages_are_reached_by_links(station: Station, channel: str) -> None:
    """To the last one; they have no script, as nothing new belongs there."""
    await station.posts(channel, 5)

    path, seen, pages = f"/embed/{channel}?backlog=2&layout=cards", [], []
    while path:
        page = Read((await station.http.ask("GET", path)).body)
        pages.append(page)
        seen += [one.get("data-id") for one in page.articles]
        more = page.all("a", class_="more")
        path = urljoin(path, more[0].get("href")) if more else ""

    assert seen == [f"{channel}:p00{number}" for number in (4, 3, 2, 1, 0)]
    scripts = [len(page.all("script", type="module")) for page in pages]
    assert scripts == [1, 0, 0]
    assert all(page.all("div", class_="cards") for page in pages)
    assert urljoin(path, pages[1].one("a", class_="newest").get("href")).startswith(
        channel
    )


async def test_what_is_private_is_a_page_like_one_that_does_not_exist(
    station: Station,
) -> None:
    """And its public parent shows nothing of it; who may read it gets no cache."""
    await station.publish("radio.staff.plans", post("embed-plans", NOON, title="Plans"))
    await station.publish("secret.embed", post("embed-secret", NOON))
    await station.publish("radio.open", post("embed-open", NOON))

    private = await fetch(station, "secret.embed")
    unknown = await fetch(station, "nobody.embed")
    above = await read(station, "radio", backlog=500)
    allowed = await fetch(station, "secret.embed", token=station.token(read=["secret"]))

    assert private.status == unknown.status == 404
    assert private.headers["Content-Type"] == "text/html; charset=UTF-8"
    said = text_of(Read(private.body).one("main"))
    assert said == "404no such channel: secret.embed"
    assert private.body.replace(b"secret.", b"nobody.") == unknown.body
    assert "embed-plans" not in [one.get("data-id") for one in above.articles]
    assert allowed.status == 200
    assert allowed.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("ra%20dio", 400, "channel"),
        ("%3Cscript%3E", 400, "channel"),
        ("past?backlog=-1", 400, "backlog"),
        ("past?types=cake", 400, "types"),
        ("past?before=x", 400, "before"),
        ("*", 400, "segment"),
    ],
)
async def test_a_bad_address_is_told_as_a_page(
    station: Station, path: str, status: int, told: str
) -> None:
    """People read it."""
    answer = await fetch(station, path)

    assert answer.status == status
    page = Read(answer.body)
    assert told in text_of(page.one("main"))
    assert page.all("script") == []


async def test_how_it_looks_is_as_usual_if_the_address_says_nothing_good(
    station: Station,
) -> None:
    """As with the widget: a typing error must not take the feed away."""
    odd = {"layout": "<b>", "theme": "pink", "lang": '"><', "accent": "red;}*{x:y"}

    answer = await fetch(station, "past", **odd)
    page = Read(answer.body)

    assert page.root.get("lang") == "en"
    assert page.one("feed-widget").get("layout") == "list"
    assert page.one("meta", name="color-scheme").get("content") == "light dark"
    assert page.all("style") == []


async def test_the_address_chooses_how_it_looks(station: Station, channel: str) -> None:
    """Under the names of the widget's attributes, which the page has too."""
    await station.publish(channel, *EVERYTHING)

    answer = await fetch(
        station, channel, backlog=7, types="event,post", layout="cards",
        theme="dark", lang="ar", accent="b8371a",
    )  # fmt: skip
    page = Read(answer.body)

    widget = page.one("feed-widget")
    assert {name: widget.get(name) for name in ("channel", "backlog", "types")} == {
        "channel": channel, "backlog": "7", "types": "event post",
    }  # fmt: skip
    assert {one.get("class") for one in page.articles} == {"item event", "item post"}
    assert (page.root.get("lang"), page.root.get("dir")) == ("ar", "rtl")
    assert page.one("meta", name="color-scheme").get("content") == "dark"
    style = page.one("style").text or ""
    assert "--feed-accent:#b8371a" in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy_of(answer)["style-src"] == ["'self'", f"'sha256-{digest}'"]


async def test_nothing_that_a_source_writes_leaves_its_place(
    station: Station, channel: str
) -> None:
    """Neither the page's head, nor its scripts, nor an article."""
    hostile = {
        "title": MARKUP, "summary": MARKUP, "content_text": MARKUP,
        "content_html": f"<p>{MARKUP}</p>", "tags": [MARKUP[:60]],
        "authors": [{"name": MARKUP}], "venue": {"name": MARKUP, "city": MARKUP},
        "performers": [{"name": MARKUP}], "artist": MARKUP, "album": MARKUP,
        "timezone": MARKUP[:60], "offers": [{"name": MARKUP, "availability": "x"}],
        "attachments": [
            {"url": "https://h/'\"><", "mime_type": "image/png", "alt": MARKUP}
        ],
    }  # fmt: skip
    items = [
        {**hostile, **one, "id": f"{channel}:{MARKUP}{number}", "title": MARKUP}
        for number, one in enumerate(EVERYTHING)
    ]
    await station.publish(channel, *items)

    page = await read(station, channel)

    scripts = [one.get("type") for one in page.all("script")]
    assert scripts == ["module", "application/ld+json", "application/json"]
    assert page.text("title") == channel
    names = {name for one in page.elements for name in one.attrib}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"style", "srcdoc", "srcset", "formaction"}
    schemes = {urlsplit(address).scheme for address in page.addresses}
    assert schemes <= {"", "http", "https", "data"}
    assert [a for a in page.addresses if a.startswith("data")] == ["data:,"]
    assert len(page.articles) == len(EVERYTHING)
    assert ids(page.snapshot["items"])[0].startswith(f"{channel}:{MARKUP}")
    assert page.linked[0]["liveBlogUpdate"][0]["headline"]


async def test_the_policy_lets_in_nothing_but_ours(station: Station) -> None:
    """And any page may show it, if the service is open to all."""
    policy = policy_of(await fetch(station, "past"))

    assert policy["default-src"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["frame-ancestors"] == ["*"]


async def test_only_pages_of_allowed_origins_may_show_it(start: Start) -> None:
    """The service's own is one of them, so that the page in the frame is live."""
    station = await start(
        server={
            "origins": ("https://radio.example",),
            "public_url": "https://live.radio.example/feed",
        }
    )

    answer = await fetch(station, "past")
    own = await station.live(origin="https://live.radio.example")
    subscribed = await own.subscribe("past")

    allowed = ["'self'", "https://radio.example", "https://live.radio.example"]
    assert policy_of(answer)["frame-ancestors"] == allowed
    assert ids(subscribed["items"]) == ["past"]
    page = Read(answer.body)
    canonical = page.one("link", rel="canonical").get("href")
    assert canonical == "https://live.radio.example/feed/embed/past"


async def test_the_page_tells_others_where_everything_is(
    station: Station, channel: str
) -> None:
    """Feeds, oEmbed, and its own address, however it was asked to look."""
    await station.publish(channel, *EVERYTHING)
    headers = {"Host": "live.example"}

    page = await read(station, channel, layout="cards", headers=headers)

    links = {
        one.get("type"): one.get("href") for one in page.all("link", rel="alternate")
    }
    base = "http://live.example"
    assert links["application/atom+xml"] == f"{base}/feeds/{channel}.atom"
    assert links["application/feed+json"] == f"{base}/feeds/{channel}.json"
    assert links["text/calendar"] == f"{base}/feeds/{channel}.ics"
    assert links["application/json+oembed"].startswith(f"{base}/oembed?url=")
    assert "format=xml" in links["text/xml+oembed"]
    canonical = f"{base}/embed/{channel}"
    assert page.one("link", rel="canonical").get("href") == canonical
    assert page.one("meta", property="og:url").get("content") == canonical
    told = await station.http.ask(
        "GET", links["application/json+oembed"].removeprefix(base), headers=headers
    )
    assert f'src="{base}/embed/{channel}?layout=cards"' in told.json["html"]


async def test_an_unchanged_page_is_answered_with_304(
    station: Station, channel: str
) -> None:
    """Until an item of it changes; what is elsewhere, and the cursor, are no news."""
    await station.posts(channel, 1)
    first = await fetch(station, channel)
    tag = {"If-None-Match": first.headers["ETag"]}

    await station.publish(f"other.{channel}", post())
    same = await fetch(station, channel, headers=tag)
    head = await fetch(station, channel, method="HEAD")
    another = await fetch(station, channel, headers=tag, layout="cards")
    await station.publish(channel, post())
    changed = await fetch(station, channel, headers=tag)

    assert (same.status, same.body) == (304, b"")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["ETag"] == first.headers["ETag"]
    assert another.status == changed.status == 200
    assert first.headers["Cache-Control"] == same.headers["Cache-Control"]
    assert first.headers["Cache-Control"].startswith("public, max-age=1, s-maxage=5, ")


async def test_a_channel_without_such_items_says_so(
    station: Station, channel: str
) -> None:
    """Instead of nothing at all."""
    await station.posts(channel, 1)

    page = await read(station, channel, types="track")

    assert page.articles == []
    assert page.text("p", class_="empty") == "Nothing here yet"
    assert page.linked == []
