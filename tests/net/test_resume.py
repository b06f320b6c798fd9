"""Resuming: what changed after a cursor, on any process and transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.net.clients import FramedSocket
from tests.net.station import FOREIGN_CURSOR, NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_resuming_brings_what_changed_in_the_order_of_commits(
    station: Station, channel: str
) -> None:
    """Each item once at its newest revision, removed ones as tombstones."""
    live = await station.live()
    await station.publish(channel, post("ra", NOON), post("rb", NOON))
    known = await live.subscribe(channel)
    await live.close()
    await station.publish(channel, post("rold", NOON - timedelta(days=7)))
    await station.publish(channel, post("ra", NOON, title="Once"))
    await station.publish(channel, post("ra", NOON, title="Twice"))
    await station.publisher.delete("rb")
    await station.publish(f"{channel}.below", post("rc", NOON))
    await station.publish(f"{channel}-beside", post("rx", NOON))

    again = await station.live()
    answer = await again.subscribe(channel, since=known["cursor"], backlog=1)
    await station.publisher.publish(channel, post("rd"))

    assert (answer["resumed"], answer["more"]) == (True, False)
    assert ids(answer["items"]) == ["rold", "ra", "rb", "rc"]
    assert answer["items"][1]["title"] == "Twice"
    assert answer["items"][2] == {
        "id": "rb",
        "channel": channel,
        "rev": 2,
        "removed": True,
    }
    assert ids(await again.next_items(1)) == ["rd"]


async def test_the_cursor_of_any_message_can_be_resumed_from(
    station: Station, channel: str
) -> None:
    """On another transport too."""
    live = await station.live()
    await live.subscribe(channel)
    for number in range(3):
        await station.publisher.publish(channel, post(f"{channel}:{number}"))
    messages = [await live.next() for _ in range(3)]

    framed = await station.open(FramedSocket)
    answer = await framed.subscribe(channel, since=messages[0]["cursor"])
    polled = await station.http.items(channel, after=messages[1]["cursor"])
    nothing = await framed.subscribe(channel, since=messages[2]["cursor"])

    assert ids(answer["items"]) == [f"{channel}:1", f"{channel}:2"]
    assert ids(polled.json["items"]) == [f"{channel}:2"]
    assert (nothing["resumed"], nothing["items"]) == (True, [])


async def test_resuming_survives_a_restart_of_the_service(start: Start) -> None:
    """Whatever happened before, in between and after it."""
    first = await start()
    live = await first.live()
    await first.publish("radio.news", post("one"))
    cursor = (await live.subscribe("radio"))["cursor"]
    await first.publish("radio.news", post("two"))

    second = await start()  # another process on the same database
    await second.publish("radio.news", post("three"))
    answer = await (await second.live()).subscribe("radio", since=cursor)

    assert answer["resumed"] is True
    assert ids(answer["items"]) == ["two", "three"]


async def test_an_unknown_cursor_brings_a_fresh_backlog(
    station: Station, channel: str
) -> None:
    """Never silence: the client replaces what it has."""
    published = await station.posts(channel, 3)
    live = await station.live()

    answer = await live.subscribe(channel, since=FOREIGN_CURSOR, backlog=2)

    assert (answer["resumed"], answer["more"]) == (False, True)
    assert ids(answer["items"]) == published[:0:-1]


async def test_a_cursor_older_than_the_memory_brings_a_fresh_backlog(
    start: Start,
) -> None:
    """The ring is bounded, and says so."""
    station = await start(limits={"ring_changes": 5})
    live = await station.live()
    cursor = (await live.subscribe("radio.news"))["cursor"]
    await station.posts("radio.news", 10)

    answer = await (await station.live()).subscribe("radio.news", since=cursor)

    assert answer["resumed"] is False
    assert len(answer["items"]) == 10


async def test_nothing_falls_between_the_backlog_and_what_follows(
    station: Station, channel: str
) -> None:
    """Subscribers that come while items are published miss none and get none twice."""
    publishing = asyncio.create_task(_publish_slowly(station, channel, 60))
    readers = []
    for _ in range(15):
        live = await station.live()
        readers.append((live, await live.subscribe(channel, backlog=500)))
    await publishing
    await station.publisher.publish(channel, post(f"{channel}:end"))

    for live, subscribed in readers:
        found = ids(subscribed["items"])[::-1]
        while found[-1:] != [f"{channel}:end"]:
            found += ids(await live.next_items(1))
        assert found == [*(f"{channel}:{n:03}" for n in range(60)), f"{channel}:end"]


async def _publish_slowly(station: Station, channel: str, number: int) -> None:
    for n in range(number):
        at = NOON + timedelta(seconds=n)
        await station.publisher.publish(channel, post(f"{channel}:{n:03}", at))
