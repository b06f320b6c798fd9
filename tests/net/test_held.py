"""Held items at the doors: not a word before their time, and then all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.net.clients import EventStream, Message, RawSocket, Reader
from tests.net.conftest import Start
from tests.net.desk import DELAYED, HELD_RULES, submit
from tests.net.station import (
    NOON,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """A service some of whose channels are delayed."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    settings = {"rules": HELD_RULES}
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir, **settings)) as running,
    ):
        yield await lived_in(running)


def in_time(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


async def put(station: Station, channel: str, item: Message) -> Message:
    answer: Message = (await station.publisher.publish(channel, item)).json
    return answer


async def test_a_publisher_is_told_of_a_held_item_as_of_any_other(
    station: Station, channel: str
) -> None:
    """At once; the same again is unchanged, an edit is no new revision yet."""
    held = post(f"{channel}1", publish_at=in_time(hours=1))
    answers = [
        await put(station, f"later.{channel}", one)
        for one in (held, held, {**held, "content_text": "New."})
    ]

    assert [(one["status"], one["rev"]) for one in answers] == [
        ("created", 1),
        ("unchanged", 1),
        ("updated", 1),
    ]


async def test_a_held_item_is_at_no_door(station: Station, channel: str) -> None:
    """For readers it is as if it had never been; with a right to all as well."""
    top = f"later.{channel}"
    await station.publish("past", post(f"before-{channel}"))
    live = await station.live()
    before = await live.subscribe("later")
    await put(station, top, post("held-1"))
    await submit(station, top, post("held-2"))

    heard = await live.heard_by_now()
    resumed = await live.subscribe("later", since=before["cursor"])
    stream = await station.events()
    streamed = await stream.subscribe(top, last_event_id=before["cursor"])
    tree = (await station.publisher.ask("GET", "/api/channels")).body

    assert heard == []
    assert (resumed["resumed"], resumed["items"]) == (True, [])
    assert (streamed["resumed"], streamed["items"]) == (True, [])
    for item_id in ("held-1", "held-2"):
        assert (await station.publisher.item(item_id)).error == (404, "not_found")
    for path in (
        f"/api/channels/{top}/items",
        f"/api/channels/{top}/items?after={before['cursor']}",
        f"/feeds/{top}.atom",
        f"/feeds/{top}.json",
    ):
        assert (await station.publisher.ask("GET", path)).status == 404
    assert b"later" not in tree


@pytest.mark.parametrize("kind", [RawSocket, EventStream])
async def test_a_delayed_item_arrives_live_as_created(
    station: Station, channel: str, kind: type[Reader]
) -> None:
    """With its own date, on every door from then on, and for those who resume."""
    top = f"soon.{channel}"
    reader = await station.open(kind)
    before = await reader.subscribe(top)  # type: ignore[attr-defined]  # every reader can
    published = await put(station, top, post(f"{channel}1", NOON))

    told = await reader.next()  # type: ignore[attr-defined]  # as above
    other = await station.live()
    resumed = await other.subscribe(top, since=before["cursor"])

    assert published["status"] == "created"
    assert (told["change"], told["item"]["id"]) == ("created", f"{channel}1")
    assert told["item"]["date"] == "2026-11-24T12:00:00.000Z"
    assert resumed["items"] == [told["item"]]
    assert await station.seen(top) == [f"{channel}1"]


async def test_a_released_item_takes_its_place_by_date(
    station: Station, channel: str
) -> None:
    """In a backlog that was hot before, and in one that is read."""
    top = f"soon.{channel}"
    live = await station.live()
    await live.subscribe(top)
    dates = [NOON, NOON + timedelta(minutes=2), NOON + timedelta(minutes=1)]
    for n, date in enumerate(dates):
        await put(station, top, post(f"{channel}{n}", date))
    await live.next_items(3)

    again = await (await station.live()).subscribe(top)

    expected = [f"{channel}{n}" for n in (1, 2, 0)]
    assert [item["id"] for item in again["items"]] == expected
    assert await station.seen(top, types="post") == expected


async def test_a_removed_item_that_was_held_is_told_to_nobody(
    station: Station, channel: str
) -> None:
    """Live and resuming; its publisher may remove it, others can't know of it."""
    top = f"later.{channel}"
    live = await station.live()
    before = await live.subscribe(top)
    await put(station, top, post(f"{channel}1"))
    publisher = station.client(station.token(publish=[top]))
    stranger = station.client(station.token(publish=["elsewhere"]))

    unknown = await stranger.delete(f"{channel}1")
    first = await publisher.delete(f"{channel}1")
    again = await publisher.delete(f"{channel}1")

    assert unknown.error == (404, "not_found")
    assert (first.status, again.status) == (204, 204)
    assert await live.heard_by_now() == []
    resumed = await live.subscribe(top, since=before["cursor"])
    assert (resumed["resumed"], resumed["items"]) == (True, [])


async def test_an_embargo_ends_by_itself(station: Station, channel: str) -> None:
    """Its ``publish_at`` is nobody's business."""
    live = await station.live()
    await live.subscribe(channel)
    await put(station, channel, post(f"{channel}1", publish_at=in_time(seconds=1)))

    told = await live.next()

    assert told["change"] == "created"
    assert "publish_at" not in told["item"]


async def test_an_embargo_of_what_is_out_is_refused_by_name(
    station: Station, channel: str
) -> None:
    """In a list the others are written all the same."""
    await station.publish(channel, post(f"{channel}1"))
    late = post(f"{channel}1", content_text="Secret.", publish_at=in_time(hours=1))

    alone = await station.publisher.publish(channel, late)
    listed = await station.publisher.publish(channel, [late, post(f"{channel}2")])

    assert alone.error == (400, "bad_message")
    assert alone.text.startswith("publish_at: ")
    first, second = listed.json["results"]
    assert first["error"]["code"] == "bad_message"
    assert second["status"] == "created"


async def test_of_two_processes_one_releases_and_both_tell(start: Start) -> None:
    """Each its own readers, once."""
    stations = [await start(rules=DELAYED), await start(rules=DELAYED)]
    readers = [await station.live() for station in stations]
    for reader in readers:
        await reader.subscribe("soon")

    await stations[0].publisher.publish("soon.news", post("a"))
    await stations[1].publisher.publish("soon.news", post("b"))
    told = [await reader.next_items(2) for reader in readers]

    assert [await reader.heard_by_now() for reader in readers] == [[], []]
    for items in told:
        assert sorted((item["id"], item["rev"]) for item in items) == [
            ("a", 1),
            ("b", 1),
        ]
