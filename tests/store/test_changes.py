"""The change stream tells all that was committed, once and in order, or says so."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Change, Status
from feedsvc.core.position import Position
from feedsvc.errors import Unavailable
from feedsvc.store import Database
from feedsvc.store.changes import (
    ChangeStream,
    Committed,
    Expired,
    HistoryLost,
    Idle,
    _position_before,
)
from feedsvc.store.embedded import embedded_mongod
from feedsvc.store.items import ItemStore, Written
from tests.store.offers import NOW, offer
from tests.store.servers import push_out, tiny_mongod, using

Events = list[Committed | Expired]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is idle after a moment, not a second."""
    monkeypatch.setattr("feedsvc.store.changes.AWAIT_MS", 50)


@pytest.fixture
async def store(database: Database) -> ItemStore:
    store = ItemStore(database, Rules())
    await store.prepare()
    return store


@pytest.fixture
async def changes(store: ItemStore, database: Database) -> AsyncIterator[ChangeStream]:
    """A stream that was opened before anything was written."""
    async with opened(database) as changes:
        yield changes


@asynccontextmanager
async def opened(database: Database, past_s: int = 600) -> AsyncIterator[ChangeStream]:
    changes = ChangeStream(database, past_s=past_s)
    await changes.open()
    async with aclosing_stream(changes):
        yield changes


@asynccontextmanager
async def aclosing_stream(changes: ChangeStream) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await changes.close()


async def read(changes: ChangeStream) -> Events:
    """Return all events until there are none for now."""
    found: Events = []
    async for change in changes:
        if isinstance(change, Idle):
            assert change.position >= max((one.position for one in found), default=())
            return found
        found.append(change)
    raise AssertionError("the stream ended")


async def read_until(changes: ChangeStream, item_id: str) -> list[Committed]:
    """Return all events up to the first one of the item."""
    found = []
    async for change in changes:
        if isinstance(change, Committed):
            found.append(change)
            if change.item.id == item_id:
                return found
    raise AssertionError("the stream ended")


def assert_in_order(events: list[Committed] | Events) -> None:
    assert all(one.position < next_.position for one, next_ in pairwise(events))


async def test_what_is_written_comes_in_the_order_it_was_committed(
    store: ItemStore, changes: ChangeStream
) -> None:
    """Creations, updates and removals, each with the whole item."""
    [created] = await store.write([offer("a")], now=NOW, revive=True)
    [updated] = await store.write([offer("a", title="new")], now=NOW, revive=True)
    removed = await store.remove("a", now=NOW)

    events = await read(changes)

    assert isinstance(created, Written)
    assert isinstance(updated, Written)
    items = [event.item for event in events if isinstance(event, Committed)]
    assert items == [created.item, updated.item, removed]
    assert [item.change for item in items] == list(Change)
    assert_in_order(events)


async def test_an_opened_stream_knows_where_the_past_ends(
    store: ItemStore, database: Database
) -> None:
    """By the database's own order: nobody's clock has a say."""
    await store.write([offer("before")], now=NOW, revive=True)
    async with opened(database) as changes:
        await store.write([offer("after")], now=NOW, revive=True)

        before, after = await read(changes)

        assert before.position <= changes.opened_at < after.position


async def test_what_changes_nothing_is_not_told(
    store: ItemStore, changes: ChangeStream
) -> None:
    """An unchanged offer and a second removal write nothing."""
    for _ in range(2):
        await store.write([offer("a"), offer("b")], now=NOW, revive=False)
        await store.remove("b", now=NOW)

    events = await read(changes)

    assert len(events) == 3


async def test_a_deleted_document_is_told_as_expired(
    store: ItemStore, changes: ChangeStream, database: Database
) -> None:
    """As MongoDB does it with what is past its time."""
    await store.write([offer("a")], now=NOW, revive=True)
    await database.items.delete_one({"_id": "a"})

    _, expired = await read(changes)

    assert isinstance(expired, Expired)
    assert expired.item_id == "a"


async def test_every_stream_gives_an_event_the_same_position(
    store: ItemStore, changes: ChangeStream, database: Database
) -> None:
    """Also one that is opened later; its floor is below them all."""
    await store.write([offer(f"{n}") for n in range(20)], now=NOW, revive=True)
    await store.remove("7", now=NOW)
    later = ChangeStream(database, past_s=60)

    floor = await later.open()

    async with aclosing_stream(later):
        events = await read(later)
    assert events == await read(changes)
    assert floor < events[0].position


async def test_the_events_of_a_transaction_have_positions_of_their_own(
    store: ItemStore, changes: ChangeStream, database: Database
) -> None:
    """They share a cluster time, and an ordinal tells them apart."""
    await store.write([offer(f"{n}") for n in range(3)], now=NOW, revive=True)
    await read(changes)
    async with (
        database.client.start_session() as session,
        await session.start_transaction(),
    ):
        for n in range(3):
            await database.items.update_one(
                {"_id": f"{n}"}, {"$inc": {"rev": 1}}, session=session
            )

    events = await read(changes)

    assert [event.position.ordinal for event in events] == [0, 1, 2]
    assert len({event.position[:2] for event in events}) == 1
    assert [event.item.rev for event in events if isinstance(event, Committed)] == [
        2
    ] * 3


async def test_a_document_that_is_no_item_is_passed_over(
    store: ItemStore,
    changes: ChangeStream,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody wrote it by hand; it is logged and those behind it come."""
    await database.items.insert_one({"_id": "odd", "type": "odd"})
    await store.write([offer("a")], now=NOW, revive=True)

    events = await read(changes)

    assert [event.item.id for event in events if isinstance(event, Committed)] == ["a"]
    assert "id='odd'" in caplog.text


async def test_a_batch_comes_without_giving_way_to_other_tasks(
    store: ItemStore, changes: ChangeStream
) -> None:
    """So that all of it can leave in one flush."""
    await store.write([offer(f"{n}") for n in range(500)], now=NOW, revive=True)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    seen = [turns async for _ in limited(changes, 500)]
    counting.cancel()

    assert seen[0] > 0
    assert seen[0] == seen[-1]


async def limited(changes: ChangeStream, count: int) -> AsyncIterator[Committed]:
    async for change in changes:
        if isinstance(change, Committed):
            yield change
            count -= 1
        if not count:
            return


async def test_an_idle_stream_moves_on_with_what_else_is_written(
    store: ItemStore, changes: ChangeStream, database: Database
) -> None:
    """But never to where an event could still come."""
    positions = []
    for n in range(5):
        await store.write([offer(f"{n}")], now=NOW, revive=True)
        positions += [event.position for event in await read(changes)]
        await database.get_collection("other").insert_many([{} for _ in range(3)])
        positions.append(await moved_on(changes, positions[-1]))

    assert positions == sorted(set(positions))


async def moved_on(changes: ChangeStream, last: Position) -> Position:
    """Return the first idle position beyond the last one."""
    async for change in changes:
        if isinstance(change, Idle) and change.position > last:
            return change.position
    raise AssertionError("the stream ended")


async def test_the_first_idle_position_can_be_read_at(
    store: ItemStore, changes: ChangeStream
) -> None:
    """Also where nothing has happened since the collection was prepared."""
    idle = await anext(aiter(changes))

    assert isinstance(idle, Idle)
    assert await store.backlog(Scope(Channel("radio")), 10, at=idle.position) == []


@pytest.mark.parametrize("way", ["drop", "rename"])
async def test_a_collection_that_goes_away_ends_continuity(
    store: ItemStore, changes: ChangeStream, database: Database, way: str
) -> None:
    """The next opening begins after that, though it lies in the asked-for past."""
    await store.write([offer("a")], now=NOW, revive=True)
    await read(changes)
    await (database.items.drop() if way == "drop" else database.items.rename("old"))

    with pytest.raises(HistoryLost):
        await read(changes)

    await changes.open()
    await store.prepare()
    await store.write([offer("b")], now=NOW, revive=True)
    found = await read_until(changes, "b")
    assert [event.item.id for event in found] == ["b"]


async def test_kills_of_the_server_lose_and_repeat_nothing(tmp_path: Path) -> None:
    """Twice in the middle of writing; what was acknowledged is there."""
    events: list[Committed] = []
    async with embedded_mongod(tmp_path) as mongod, using(mongod.uri) as database:
        store = ItemStore(database, Rules())
        await store.prepare()
        async with opened(database) as changes, asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(write_all(store, 300))
            for last in ("100", "200"):
                events += await read_until(changes, last)
                os.kill(mongod.pid, signal.SIGKILL)
            events += await read_until(changes, "299")
        statuses = writing.result()

    assert [event.item.id for event in events] == [f"{n:03}" for n in range(300)]
    assert {event.item.rev for event in events} == {1}
    assert set(statuses) <= {Status.CREATED, Status.UNCHANGED}
    assert_in_order(events)
    assert mongod.restarts == 2


async def write_all(store: ItemStore, count: int) -> list[Status]:
    """Write items one by one, each until it is acknowledged."""
    statuses = []
    for n in range(count):
        while True:
            try:
                [written] = await store.write([offer(f"{n:03}")], now=NOW, revive=True)
            except Unavailable:
                continue
            assert isinstance(written, Written)
            statuses.append(written.status)
            break
    return statuses


async def test_a_server_that_stays_away_is_waited_for(tmp_path: Path) -> None:
    """The stream says that it is not healthy, and goes on where it was."""
    async with AsyncExitStack() as stack:
        async with embedded_mongod(tmp_path) as mongod:
            uri = f"{mongod.uri}&serverSelectionTimeoutMS=100"
            database = await stack.enter_async_context(using(uri))
            store = ItemStore(database, Rules())
            await store.prepare()
            changes = await stack.enter_async_context(opened(database))
            await store.write([offer("a")], now=NOW, revive=True)
            await read_until(changes, "a")
        reading = asyncio.create_task(read_until(changes, "b"))
        await condition(lambda: not changes.healthy)
        assert changes.lag_s > 0

        await stack.enter_async_context(embedded_mongod(tmp_path))
        await condition(lambda: changes.healthy)
        await store.write([offer("b")], now=NOW, revive=True)
        found = await reading
        # Before the server stops, not after it.
        await changes.close()
        await database.client.close()

    assert [event.item.id for event in found] == ["b"]


async def condition(holds: Callable[[], bool]) -> None:
    """Wait until it holds, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 there is no event for it
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_history_that_is_too_short_is_read_from_where_it_begins(
    tmp_path: Path,
) -> None:
    """And one that ends before our place says that continuity is lost."""
    async with tiny_mongod(tmp_path) as uri, using(uri) as database:
        store = ItemStore(database, Rules())
        await store.prepare()
        async with opened(database) as changes:
            await store.write([offer("a")], now=NOW, revive=True)
            [event] = await read(changes)
            await push_out(database, event.position.seconds)

            with pytest.raises(HistoryLost):
                await read(changes)

            floor = await changes.open()
            await store.write([offer("b")], now=NOW, revive=True)
            found = await read_until(changes, "b")

    assert floor > event.position
    assert [one.item.id for one in found] == ["b"]


@pytest.mark.parametrize(
    ("token", "position"),
    [
        ({"_data": "826B055013000000132B0229296E04"}, Position(0x6B055013, 0x12)),
        ({"_data": "826B055013000000002B0229296E04"}, Position(0x6B055013, 0)),
        ({"_data": "836B055013000000132B0229296E04"}, Position(0, 0)),
        ({"_data": "82nothexadecimal"}, Position(0, 0)),
        ({"_data": b"binary"}, Position(0, 0)),
        ({}, Position(0, 0)),
        (None, Position(0, 0)),
    ],
)
def test_of_a_token_of_unknown_form_no_position_is_made(
    token: object, position: Position
) -> None:
    """Saying nothing is safe; a wrong position would lose events."""
    assert _position_before(token) == position
