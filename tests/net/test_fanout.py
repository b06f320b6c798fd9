"""From a publisher to every subscriber of the subtree, and to nobody else.

The same promises on each transport.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.net.clients import EventStream, FramedSocket, Polling, RawSocket, Reader
from tests.net.station import NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRANSPORTS = [RawSocket, FramedSocket, Polling, EventStream]
BURST = 500


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_an_item_reaches_who_subscribed_above_it_and_nobody_beside(
    station: Station, channel: str, kind: type[Reader]
) -> None:
    """Siblings whose name begins alike are siblings all the same."""
    names = ["", ".artist", ".artist.live", ".artistry", ".other", ".*", ".*.live"]
    readers = {name: await station.open(kind) for name in names}
    for name, reader in readers.items():
        await reader.subscribe(f"{channel}{name}", backlog=0)

    await station.publisher.publish(f"{channel}.artist.live", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.artist", post(f"{channel}:2"))
    for name in ("artist.live", "artistry", "other", "x.live"):
        item = post(f"{channel}:end:{name}")
        await station.publisher.publish(f"{channel}.{name}", item)
    heard = {}
    for name, reader in readers.items():
        heard[name] = []
        while not heard[name] or f"{channel}:end" not in heard[name][-1]:
            heard[name] += ids(await reader.next_items(1))

    first, second = f"{channel}:1", f"{channel}:2"
    end = f"{channel}:end:artist.live"
    assert heard[""] == [first, second, end]
    assert heard[".artist"] == [first, second, end]
    assert heard[".artist.live"] == [first, end]
    assert heard[".artistry"] == [f"{channel}:end:artistry"]
    assert heard[".other"] == [f"{channel}:end:other"]
    assert heard[".*"] == [first, second, end]
    assert heard[".*.live"] == [first, end]


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_burst_arrives_complete_and_in_the_order_of_commits(
    station: Station, channel: str, kind: type[Reader]
) -> None:
    """Whatever the dates say; two subscribers get the same."""
    first, second = await station.open(kind), await station.open(kind)
    witness = await station.live()
    for reader in (first, second, witness):
        await reader.subscribe(channel, backlog=0)
    burst = [
        post(f"{channel}:{n:03}", NOON - timedelta(minutes=n)) for n in range(BURST)
    ]

    halves = burst[: BURST // 2], burst[BURST // 2 :]
    await asyncio.gather(*(station.publisher.publish(channel, half) for half in halves))
    heard = [ids(await reader.next_items(BURST)) for reader in (first, second, witness)]

    assert set(heard[0]) == {item["id"] for item in burst}
    assert heard[0] == heard[1] == heard[2]


async def test_items_of_one_tick_leave_in_few_frames(
    station: Station, channel: str
) -> None:
    """A burst is not a frame for each item."""
    framed = await station.open(FramedSocket)
    await framed.subscribe(channel, backlog=0)
    before = framed.frames

    await station.publisher.publish(channel, [post() for _ in range(BURST)])
    await framed.next_items(BURST)

    assert framed.frames - before < BURST / 5


async def test_cursors_grow_in_the_order_of_delivery(
    station: Station, channel: str
) -> None:
    """Each message says where to go on."""
    live = await station.live()
    await live.subscribe(channel, backlog=0)

    await station.publisher.publish(channel, [post() for _ in range(50)])
    cursors = [(await live.next())["cursor"] for _ in range(50)]

    assert len(set(cursors)) == 50
    for at in (0, 24, 49):
        polled = await station.http.items(channel, after=cursors[at])
        assert len(polled.json["items"]) == 49 - at


async def test_a_subscriber_who_leaves_in_a_burst_harms_nobody(
    station: Station, channel: str
) -> None:
    """The others get everything."""
    stays, leaves = await station.live(), await station.live()
    for reader in (stays, leaves):
        await reader.subscribe(channel, backlog=0)

    async with asyncio.TaskGroup() as tasks:
        items = [post() for _ in range(BURST)]
        tasks.create_task(station.publisher.publish(channel, items))
        leaves.socket.transport.abort()

    assert len(await stays.next_items(BURST)) == BURST
