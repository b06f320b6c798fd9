"""Reading over HTTP: backlogs, pages, pollers, single items and the tree."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.net.clients import items_path
from tests.net.station import NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Another collection's cursor: well-formed, and of no use here.
FOREIGN_CURSOR = "AYofDFVrAJGoAAAAAwAA"
BAD_CURSORS = ["", "x", "a" * 20, "AYofDFVrAJGoAAAAAwA", "é" * 20, "A" * 5_000]


async def test_the_backlog_is_newest_first_and_twenty_items_long(
    station: Station, channel: str
) -> None:
    """The rest is on the following pages."""
    published = await station.posts(channel, 25)

    answer = await station.http.items(channel)

    assert set(answer.json) == {"items", "next", "cursor"}
    assert ids(answer.json["items"]) == published[:4:-1]
    assert answer.json["next"]
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"


async def test_an_item_published_late_takes_its_place_by_date(
    station: Station, channel: str
) -> None:
    """The date orders what people see, not the time of publishing."""
    await station.publish(channel, post("today-1", NOON), post("today-2", NOON))
    await station.publish(channel, post("last-week", NOON - timedelta(days=7)))

    assert await station.seen(channel) == ["today-2", "today-1", "last-week"]


async def test_pages_follow_each_other_to_the_end(
    station: Station, channel: str
) -> None:
    """Each item once; the last page has no next one."""
    published = await station.posts(channel, 10)

    first = (await station.http.items(channel, limit=4)).json
    second = (await station.http.items(channel, limit=4, before=first["next"])).json
    third = (await station.http.items(channel, limit=4, before=second["next"])).json

    pages = [ids(page["items"]) for page in (first, second, third)]
    assert [*pages[0], *pages[1], *pages[2]] == published[::-1]
    assert [len(page) for page in pages] == [4, 4, 2]
    assert third["next"] is None


async def test_a_last_page_that_is_full_has_no_next_one(
    station: Station, channel: str
) -> None:
    """Nobody is sent to an empty page."""
    await station.posts(channel, 4)

    answer = await station.http.items(channel, limit=4)

    assert answer.json["next"] is None


async def test_pages_are_stable_while_items_arrive_and_go(
    station: Station, channel: str
) -> None:
    """What comes above the page or leaves it moves nothing below."""
    published = await station.posts(channel, 6)
    first = (await station.http.items(channel, limit=3)).json

    await station.posts(channel, 9)
    await station.publisher.delete(published[3])
    second = (await station.http.items(channel, limit=3, before=first["next"])).json

    assert ids(second["items"]) == published[2::-1]


async def test_items_of_one_date_are_paged_in_one_order(
    station: Station, channel: str
) -> None:
    """By id, on each door the same; no item is lost between two pages."""
    names = [f"{channel}:{name}" for name in ("b", "a", "d", "é", "c", "🎵")]
    await station.publish(channel, *[post(name, NOON) for name in names])

    found: list[str] = []
    page: str | None = ""
    while page is not None:
        query = {"before": page} if page else {}
        answer = (await station.http.items(channel, limit=1, **query)).json
        found += ids(answer["items"])
        page = answer["next"]
    live = await station.live()
    subscribed = await live.subscribe(channel)

    assert found == sorted(names, reverse=True)
    assert ids(subscribed["items"]) == found


@pytest.mark.parametrize("limit", ["501", "1000000"])
async def test_a_limit_above_500_is_clamped(
    station: Station, channel: str, limit: str
) -> None:
    """It is a request for much, not a mistake."""
    await station.posts(channel, 501)

    answer = await station.http.items(channel, limit=limit)

    assert len(answer.json["items"]) == 500
    assert answer.json["next"]


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        ("-1", "must be 0 or more"),
        ("ten", "must be a whole number"),
        ("1.5", "must be a whole number"),
        ("9" * 5_000, "must be a whole number"),
    ],
)
async def test_other_limits_are_refused(
    station: Station, channel: str, limit: str, rule: str
) -> None:
    """The error names the parameter and the rule, on each door."""
    items = await station.http.items(channel, limit=limit)
    events = await station.http.ask(
        "GET", f"/api/channels/{channel}/events", backlog=limit
    )

    assert items.error == events.error == (400, "bad_message")
    assert items.text == f"limit: {rule}"
    assert events.text == f"backlog: {rule}"


async def test_a_limit_of_zero_is_no_item(station: Station, channel: str) -> None:
    """That is how to get only a cursor."""
    await station.posts(channel, 1)

    answer = await station.http.items(channel, limit=0)

    assert answer.json["items"] == []
    assert answer.json["next"] is None
    assert answer.json["cursor"]


@pytest.mark.parametrize("types", ["post,track", ["post", "track"], " track , post"])
async def test_types_are_comma_separated_or_repeated(
    station: Station, channel: str, types: object
) -> None:
    """Both ways are in use."""
    track = {"type": "track", "id": f"{channel}:t", "title": "Tide", "artist": "Ada"}
    news = {"type": "article", "id": f"{channel}:a", "title": "News"}
    await station.publish(channel, track, news, post(f"{channel}:p"))

    answer = await station.http.items(channel, types=types)

    assert {item["type"] for item in answer.json["items"]} == {"track", "post"}


async def test_pages_of_some_types_have_only_those(
    station: Station, channel: str
) -> None:
    """The next page too."""
    await station.posts(channel, 5)
    await station.publish(
        channel,
        *[
            {
                "type": "article",
                "id": f"{channel}:a{n}",
                "title": "News",
                "date": (NOON + timedelta(minutes=n)).isoformat(),
            }
            for n in range(4)
        ],
    )

    first = (await station.http.items(channel, types="article", limit=2)).json
    second = await station.http.items(
        channel, types="article", limit=2, before=first["next"]
    )

    assert ids(first["items"]) == [f"{channel}:a3", f"{channel}:a2"]
    assert ids(second.json["items"]) == [f"{channel}:a1", f"{channel}:a0"]
    assert second.json["next"] is None


async def test_types_that_do_not_exist_are_refused(
    station: Station, channel: str
) -> None:
    """The error lists those that do."""
    answer = await station.http.items(channel, types="post,tweet")

    assert answer.error == (400, "bad_message")
    assert answer.text == "types: must be of post, article, event, track, episode"


async def test_a_channel_shows_all_that_is_below_it_and_nothing_beside_it(
    station: Station, channel: str
) -> None:
    """Whole segments are compared, not letters."""
    await station.publish(f"{channel}.artist", post(f"{channel}:1", NOON))
    await station.publish(f"{channel}.artist.live", post(f"{channel}:2", NOON))
    await station.publish(f"{channel}.artistry", post(f"{channel}:3", NOON))

    assert await station.seen(f"{channel}.artist") == [f"{channel}:2", f"{channel}:1"]
    assert await station.seen(f"{channel}.artistry") == [f"{channel}:3"]
    assert len(await station.seen(channel)) == 3


async def test_a_star_stands_for_exactly_one_segment(
    station: Station, channel: str
) -> None:
    """And what is below the pattern belongs to it."""
    for path in ("ada.news", "bo.news.late", "cy.tour", "news"):
        await station.publish(f"{channel}.{path}", post(f"{channel}:{path}", NOON))

    found = await station.seen(f"{channel}.*.news")
    paged = (await station.http.items(f"{channel}.*.news", limit=1)).json
    rest = await station.seen(f"{channel}.*.news", before=paged["next"])

    assert found == [f"{channel}:bo.news.late", f"{channel}:ada.news"]
    assert rest == [f"{channel}:ada.news"]
    assert (await station.http.items(f"{channel}.*.*.*.*")).error == (404, "not_found")


async def test_a_star_in_front_needs_the_right_to_read_all(
    station: Station, channel: str
) -> None:
    """It would show more than any one subtree."""
    await station.publish(channel, post(f"{channel}:1", NOON + timedelta(days=365)))
    everything = station.token(read=["*"])
    news = station.token(read=[channel])

    anyone = await station.http.items("*.news")
    some = await station.http.items("*.news", token=news)
    all_of_it = await station.http.items("*.news", token=everything)

    assert anyone.error == some.error == (400, "bad_channel")
    assert ids(all_of_it.json["items"])[0] == f"{channel}:1"


async def test_a_channel_without_items_is_not_found(
    station: Station, channel: str
) -> None:
    """Channels need no creation, so one without items does not exist."""
    plain = await station.http.items(channel)
    polled = await station.http.items(channel, after=FOREIGN_CURSOR)

    assert plain.error == polled.error == (404, "not_found")
    assert plain.text == f"no such channel: {channel}"


async def test_a_channel_whose_items_are_all_removed_is_empty(
    station: Station, channel: str
) -> None:
    """A poller that knew it goes on."""
    await station.posts(channel, 1)
    await station.publisher.delete(f"{channel}:p000")

    answer = await station.http.items(channel)

    assert answer.json["items"] == []


# Pollers.


async def test_a_poller_gets_what_changed_in_the_order_of_commits(
    station: Station, channel: str
) -> None:
    """Each item once at its newest revision, the removed ones as tombstones."""
    await station.publish(channel, post("a", NOON), post("b", NOON), post("c", NOON))
    known = (await station.http.items(channel)).json
    await station.publish(channel, post("old", NOON - timedelta(days=7)))
    await station.publish(channel, post("a", NOON, title="Once"))
    await station.publisher.delete("b")
    await station.publish(channel, post("a", NOON, title="Twice"))

    answer = (await station.http.items(channel, after=known["cursor"])).json
    nothing = (await station.http.items(channel, after=answer["cursor"])).json

    assert set(answer) == {"items", "cursor", "resumed"}
    assert answer["resumed"] is True
    assert ids(answer["items"]) == ["old", "b", "a"]
    assert answer["items"][1] == {
        "id": "b",
        "channel": channel,
        "rev": 2,
        "removed": True,
    }
    assert answer["items"][2]["title"] == "Twice"
    assert nothing == {**nothing, "items": [], "resumed": True}
    for name in ("a", "c", "old"):
        await station.publisher.delete(name)


async def test_a_poller_gets_only_its_types(station: Station, channel: str) -> None:
    """As the backlog that it began with."""
    await station.posts(channel, 1)
    cursor = (await station.http.items(channel)).json["cursor"]
    track = {"type": "track", "id": f"{channel}:t", "title": "Tide", "artist": "Ada"}
    await station.publish(channel, track, post(f"{channel}:p"))

    answer = (await station.http.items(channel, after=cursor, types="track")).json

    assert ids(answer["items"]) == [f"{channel}:t"]


async def test_a_poller_with_an_unknown_cursor_gets_a_fresh_backlog(
    station: Station, channel: str
) -> None:
    """And is told so; its next cursor is a good one."""
    published = await station.posts(channel, 30)

    answer = (await station.http.items(channel, after=FOREIGN_CURSOR, limit=5)).json
    again = (await station.http.items(channel, after=answer["cursor"])).json

    assert answer["resumed"] is False
    assert ids(answer["items"]) == published[:-6:-1]
    assert (again["resumed"], again["items"]) == (True, [])


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_malformed_cursor_is_refused_on_every_door(
    station: Station, channel: str, cursor: str
) -> None:
    """400, never taken for the beginning or the end."""
    await station.posts(channel, 1)
    live = await station.live()
    ask, events = station.http.ask, f"/api/channels/{channel}/events"
    header = cursor.encode("ascii", "replace").decode() or "?"

    answers = [
        await station.http.items(channel, after=cursor),
        await station.http.items(channel, before=cursor),
        await ask("GET", events, since=cursor),
        await ask("GET", events, headers={"Last-Event-ID": header}),
    ]
    codes = [
        await live.refusal("subscribe", channel=channel, since=cursor),
        await live.refusal("backlog", channel=channel, before=cursor),
    ]

    assert [answer.error for answer in answers] == [(400, "bad_cursor")] * 4
    assert codes == ["bad_cursor"] * 2
    assert [answer.text.partition(":")[0] for answer in answers] == [
        "after",
        "before",
        "since",
        "Last-Event-ID",
    ]


@pytest.mark.parametrize("cursor", [5, 1.5, True, [], {}])
async def test_a_cursor_that_is_no_text_is_refused(
    station: Station, channel: str, cursor: object
) -> None:
    """JSON can hold more than a query."""
    live = await station.live()

    codes = [
        await live.refusal("subscribe", channel=channel, since=cursor),
        await live.refusal("backlog", channel=channel, before=cursor),
    ]

    assert codes == ["bad_cursor"] * 2


# Caches.


async def test_an_unchanged_backlog_is_answered_with_304(
    station: Station, channel: str
) -> None:
    """The ETag is one of the items: a cursor alone is no news."""
    await station.posts(channel, 2)
    first = await station.http.items(channel)
    tag = {"If-None-Match": first.headers["ETag"]}
    await station.publish("elsewhere.news", post())

    same = await station.http.ask("GET", items_path(channel), headers=tag)
    await station.posts(channel, 1, "q")
    changed = await station.http.ask("GET", items_path(channel), headers=tag)

    assert (same.status, same.body) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert changed.status == 200


async def test_public_answers_may_be_kept_and_private_ones_may_not(
    station: Station, channel: str
) -> None:
    """A cache in between must not hand a token's answer to others."""
    await station.posts(channel, 1)
    await station.posts("radio.staff.plans", 1)
    token = station.token(read=["radio.staff"])

    public = await station.http.items(channel)
    private = await station.http.items("radio.staff", token=token)

    assert public.headers["Cache-Control"].startswith("public, max-age=")
    assert private.headers["Cache-Control"] == "private, no-store"
    assert "Authorization" in private.headers["Vary"]
    assert "Authorization" in public.headers["Vary"]


# One item.


async def test_an_item_is_read_and_removed_by_its_id(
    station: Station, channel: str
) -> None:
    """204 also when it has been removed already; 404 if there never was one."""
    await station.posts(channel, 1)
    item_id = f"{channel}:p000"

    read = await station.http.item(item_id)
    first = await station.publisher.delete(item_id)
    second = await station.publisher.delete(item_id)
    unknown = await station.publisher.delete("unknown")
    gone = await station.http.item(item_id)

    assert read.json["id"] == item_id
    assert (first.status, first.body) == (204, b"")
    assert second.status == 204
    assert unknown.error == gone.error == (404, "not_found")
    assert await station.seen(channel) == []


async def test_removing_needs_the_right_to_publish(
    station: Station, channel: str
) -> None:
    """A reader's token is not enough."""
    await station.posts(channel, 1)
    item_id = f"{channel}:p000"
    reader = station.token(read=[channel])
    publisher = station.token(publish=[channel])

    anyone = await station.http.delete(item_id)
    reading = await station.http.delete(item_id, token=reader)
    publishing = await station.http.delete(item_id, token=publisher)

    assert anyone.error == (401, "unauthorized")
    assert reading.error == (403, "forbidden")
    assert publishing.status == 204


# The tree.


async def test_the_tree_has_each_channel_with_its_own_and_all_items(
    station: Station, channel: str
) -> None:
    """Channels in between appear too, with no item of their own."""
    await station.posts(f"{channel}.artist.live", 2)
    await station.posts(f"{channel}.artist", 1)
    await station.publisher.delete(f"{channel}.artist.live:p000")

    answer = await station.http.ask("GET", "/api/channels")

    root = channel.partition(".")[0]
    [tree] = [one for one in answer.json["channels"] if one["channel"] == root]
    assert tree == {
        "channel": root,
        "items": 0,
        "total": 2,
        "channels": [
            {
                "channel": channel,
                "items": 0,
                "total": 2,
                "channels": [
                    {
                        "channel": f"{channel}.artist",
                        "items": 1,
                        "total": 2,
                        "channels": [
                            {
                                "channel": f"{channel}.artist.live",
                                "items": 1,
                                "total": 1,
                                "channels": [],
                            }
                        ],
                    }
                ],
            }
        ],
    }


# What is none of these.


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/channels/", "/api/channels//items", "/api/items"]
)
async def test_an_unknown_address_is_not_found(station: Station, path: str) -> None:
    """With an error like every other."""
    answer = await station.http.ask("GET", path)

    assert answer.error == (404, "not_found")
    assert answer.text == f"no such page: {path}"


async def test_a_method_that_an_address_has_not_is_told(
    station: Station, channel: str
) -> None:
    """405 with the methods that it has."""
    answer = await station.publisher.ask("DELETE", items_path(channel))

    assert answer.error == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST, OPTIONS"


async def test_an_address_that_is_no_utf_8_is_refused(station: Station) -> None:
    """A fault of the caller's, and told as one."""
    path = await station.http.ask("GET", "/api/items/%ff")
    query = await station.http.ask("GET", "/api/channels/radio/items?types=%ff")

    assert path.error == query.error == (400, "bad_message")
