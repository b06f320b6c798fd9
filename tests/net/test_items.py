"""Reading over HTTP: backlogs, their pages, and what caches may keep."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feedsvc.core.access import Scope
from feedsvc.store.items import ItemStore
from tests.net.clients import items_path
from tests.net.station import FOREIGN_CURSOR, NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_poll_misses_nothing_that_happens_while_it_is_answered(
    station: Station, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor is as old as the items, however long the database takes."""
    await station.publish(channel, post("before"))
    known = (await station.http.items(channel)).json
    exists = ItemStore.exists

    async def exists_late(store: ItemStore, scope: Scope) -> bool:
        await station.publish(channel, post("meanwhile"))
        return await exists(store, scope)

    monkeypatch.setattr(ItemStore, "exists", exists_late)
    first = (await station.http.items(channel, after=known["cursor"])).json
    monkeypatch.undo()
    second = (await station.http.items(channel, after=first["cursor"])).json

    assert ids([*first["items"], *second["items"]]) == ["meanwhile"]
