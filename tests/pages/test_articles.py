"""Articles: every text in its place, whatever is in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedsvc.feeds import Entry
from feedsvc.pages import Embed, View, render, speech
from feedsvc.pages.html import h, safe_url, script_text
from tests.pages.reading import Read, text_of

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WORDS = ("new", "more", "empty", "now", "cancelled", "postponed", "rescheduled")
WORDS += ("online", "doors", "tickets", "sensitive", "repost", "reply", "pinned")
WORDS += ("calendar", "allDay", "tba", "feed")
TEXTS = {"en": {name: name.capitalize() for name in WORDS}}
EVENT: dict[str, Any] = {
    "type": "event",
    "title": "Tide",
    "starts_at": "2026-12-05T19:00:00.000Z",
    "timezone": "Europe/Berlin",
}
TRACK: dict[str, Any] = {"type": "track", "title": "Kettle", "artist": "Tide"}


def entry(**fields: Any) -> Entry:
    item = {"id": "a", "channel": "radio", "type": "post", "rev": 1, "source": "api"}
    return Entry.parse(json.dumps({**item, "date": "2026-11-24T12:00:00Z", **fields}))


def page(*entries: Entry, **asked: str) -> Read:
    """Return the page that shows these items."""
    view = View.parse("radio", asked)
    embed = Embed(
        view=view,
        base="https://live.example",
        entries=entries,
        following=None,
        snapshot='{"items":[]}',
        now=NOON,
        speech=speech(view.lang, TEXTS),
        asset=lambda name: f"../{name}",
    )
    return Read(render(embed))


def said(text: str) -> str:
    """Return the text as a browser reads it, white space aside."""
    return " ".join(text.split())


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    max_size=60,
)


@given(title=TEXT, text=TEXT, name=TEXT, tag=TEXT)
@settings(max_examples=100, deadline=None)
def test_every_text_is_what_it_was(title: str, text: str, name: str, tag: str) -> None:
    """In the page, in the JSON-LD, and nowhere an element of its own."""
    fields = {"title": title, "content_text": text, "summary": text, "tags": [tag]}
    found = page(entry(type="article", authors=[{"name": name}], **fields))

    [article] = found.articles
    told = {one.get("class", ""): text_of(one) for one in article.iter()}
    if said(title):
        assert told["title"] == said(title)
        assert said(found.linked[0]["liveBlogUpdate"][0]["headline"]) == said(title)
    if said(text):
        assert told["lead text"] == said(text)
    if said(tag):
        assert told["kicker"] == said(tag)
    tags = {one.tag for one in article.iter()}
    assert tags <= {"article", "p", "bdi", "span", "time"}


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)"),
        *("java\nscript:alert(1)", "data:text/html,<script>", "vbscript:x", "//x/y"),
        *("https:", "https://", "http:/x", "mailto:a@b", "file:///etc/passwd", "x"),
        *("blob:https://x/1", "https:javascript:alert(1)", "", None, 7, {"a": 1}),
    ],
)
def test_only_web_addresses_are_links(address: object) -> None:
    """Whatever a stored item may have in it."""
    assert safe_url(address) is None

    fields = {"url": address, "external_url": address, "art": address}
    picture = {"url": address, "mime_type": "image/png"}
    who = {"name": "Ada", "url": address, "avatar": address}
    found = page(
        entry(title="A", authors=[who], attachments=[picture], **fields),
        entry(**{**TRACK, **fields}),
        entry(**{**EVENT, **fields}, offers=[who], venue=who, performers=[who]),
    )
    inside = [one for article in found.articles for one in article.iter()]
    addresses = {one.get("href") or one.get("src") for one in inside}
    calendar = "https://live.example/feeds/radio.ics?id=a"
    assert addresses == {None, calendar}


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Rain</p><script>alert(1)</script>",
        "<p onclick=alert(1) style=position:fixed class=title id=s1>Rain</p>",
        "<p>Rain<img src=x onerror=alert(1)></p><iframe srcdoc=x></iframe>",
        '<p>Rain<a href="javascript:alert(1)"></a></p><svg onload=alert(1)></svg>',
        "<p>Rain</p></article></div><form action=//x><input autofocus></form>",
        "<p>Rain</p><math><mtext><style><!--</style><img title='--&gt;&lt;img src=1>'>",
        "</template></noscript></textarea><p>Rain</p><!-- --!><base href=//x>",
    ],
)
def test_html_of_an_item_is_cleaned_again(markup: str) -> None:
    """Though it was when it came in: stored items may be older than a rule."""
    found = page(entry(content_html=markup, content_text="Rain"))

    prose = found.one("div", class_="prose")
    kept = list(prose.iter())[1:]
    assert text_of(prose).startswith("Rain")
    assert {one.tag for one in kept} <= {"p", "a"}
    assert {name for one in kept for name in one.attrib} <= {"rel", "target"}
    assert len(found.all("article")) == len(found.all("form")) + 1 == 1


def test_an_event_says_when_by_the_clock_of_its_place() -> None:
    """And whether it takes place, where, and where tickets are."""
    found = page(
        entry(
            **EVENT,
            status="rescheduled",
            previous_starts_at="2026-12-04T19:00:00Z",
            venue={"name": "Harbour Hall", "city": "Hamburg"},
            offers=[{"url": "https://tickets.example/1"}],
        )
    )

    when = found.one("p", class_="when")
    assert [text_of(one) for one in when] == [
        "Fri, Dec 4",
        "Sat, Dec 5 · 8:00 PM GMT+1",
    ]
    assert when[1].get("datetime") == EVENT["starts_at"]
    assert found.text("p", class_="badge") == "Rescheduled"
    assert found.text("p", class_="venue") == "Harbour Hall, Hamburg"
    assert found.one("a", class_="tickets").get("href") == "https://tickets.example/1"


def test_a_cancelled_event_sells_no_tickets() -> None:
    """However many offers its source still lists."""
    offers = [{"url": "https://tickets.example/1"}]
    found = page(entry(**EVENT, status="cancelled", offers=offers))

    assert found.all("a", class_="tickets") == []
    assert found.text("p", class_="badge") == "Cancelled"


def test_the_newest_track_plays_on_top_until_it_must_have_ended() -> None:
    """A station that stops reporting does not "play" it for hours."""
    track = {**TRACK, "duration": 100}
    running = entry(**track, date="2026-11-24T11:58:00Z")
    over = entry(**track, date="2026-11-24T11:57:00Z")

    both = page(entry(), running, over)
    late = page(entry(), over)

    first, *others = [one.get("class") for one in both.articles]
    assert (first, others) == ("item track playing", ["item post", "item track"])
    assert [one.get("class") for one in late.articles] == ["item post", "item track"]


def test_sensitive_content_is_shown_to_who_asks() -> None:
    """Scripts are not needed for that."""
    found = page(entry(content_text="Spoiler", sensitive=True, summary="The end"))

    details = found.one("details")
    assert "The end" in text_of(details[0])
    assert "Spoiler" in text_of(details)


def test_sound_and_pictures_are_there_without_scripts() -> None:
    """With their size, so that nothing moves when they come."""
    picture = {"url": "https://h/a.png", "mime_type": "image/png", "alt": "A quay"}
    sound = {"url": "https://h/a.mp3", "mime_type": "audio/mpeg"}
    found = page(
        entry(type="episode", title="One", attachments=[sound]),
        entry(attachments=[{**picture, "width": 640, "height": 480}] * 6),
    )

    audio = found.one("audio")
    assert (audio.get("src"), audio.get("preload")) == (sound["url"], "none")
    images = found.all("img")
    assert len(images) == 4
    assert {one.get("width") for one in images} == {"640"}
    assert {one.get("alt") for one in images} == {"A quay"}
    assert found.all("div", class_="n4")


@pytest.mark.parametrize("starts_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe", "../x"])
@pytest.mark.parametrize("lang", ["en", "ar", "zh", "xx", "<b>"])
def test_instants_at_the_end_of_time_are_shown(
    starts_at: str, zone: str, lang: str
) -> None:
    """Publishers may send them: one such item must not take the page away."""
    odd = {"starts_at": starts_at, "timezone": zone, "date": starts_at}
    track = {**TRACK, "started_at": starts_at, "duration": 10**12}

    found = page(entry(**{**EVENT, **odd}), entry(**track), lang=lang)

    assert len(found.articles) == 2


@pytest.mark.parametrize(
    ("lang", "shown", "direction"),
    [
        ("en-GB", "24 Nov 2026, 12:00 UTC", "ltr"),
        ("de", "24. Nov. 2026, 12:00 UTC", "ltr"),
        ("zh", "2026年11月24日, 12:00 UTC", "ltr"),
        ("he", "24 בנוב׳ 2026, 12:00 UTC", "rtl"),
        ("fa-IR", "24 نوامبر 2026, 12:00 UTC", "rtl"),
        ("javascript:", "Nov 24, 2026, 12:00\u202fPM UTC", "ltr"),
    ],
)
def test_dates_are_in_the_language_of_the_page(
    lang: str, shown: str, direction: str
) -> None:
    """English where nobody knows it; the page says which one it is."""
    found = page(entry(), lang=lang)

    html = found.root
    assert found.text("time") == said(shown)
    assert html.get("dir") == direction
    assert html.get("lang") == (lang if lang != "javascript:" else "en")


def test_articles_have_names_and_places() -> None:
    """For readers who hear them: by what is in them, and which of how many."""
    found = page(
        entry(authors=[{"name": "Ada"}]), entry(**EVENT), entry(type="episode")
    )

    ids = {one.get("id"): text_of(one) for one in found.elements if one.get("id")}
    names = [ids[one.get("aria-labelledby", "")] for one in found.articles]
    assert names[:2] == ["Ada", "Tide"]
    assert [one.get("aria-posinset") for one in found.articles] == ["1", "2", "3"]
    assert {one.get("aria-setsize") for one in found.articles} == {"3"}


@given(st.text(max_size=40))
def test_json_never_ends_its_script(text: str) -> None:
    """Nor opens a comment, in which a script would go on."""
    shown = script_text(json.dumps({"a": text}))

    assert "<" not in shown
    assert json.loads(shown) == {"a": text}


def test_attributes_that_are_none_are_left_out() -> None:
    """And empty ones are not: an empty alternative means something."""
    made = h("img.a.b", {"alt": "", "src": '"><', "width": None, "hidden": False})

    assert made == '<img class="a b" part="a b" alt="" src="&quot;&gt;&lt;">'


def test_durations_beyond_all_clocks_do_not_matter() -> None:
    """The track just goes on playing."""
    at = (NOON - timedelta(days=365)).isoformat()
    found = page(entry(**TRACK, started_at=at, duration=10**15))

    assert found.one("article").get("class") == "item track playing"
