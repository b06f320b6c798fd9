"""What is held shows nowhere; what is released is a commit like any other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from feedsvc.core.access import ChannelRule, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Change, Status
from feedsvc.core.record import Reason
from feedsvc.errors import Conflict
from feedsvc.store import Database
from feedsvc.store.changes import ChangeStream, Committed, Idle, Silent
from feedsvc.store.held import HeldStore
from feedsvc.store.items import ItemStore, Written
from tests.store.offers import NOW, offer

RULES = Rules([ChannelRule(Channel("radio.onair"), delay_s=30)])
RADIO = Scope(Channel("radio"))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
async def store(database: Database, monkeypatch: pytest.MonkeyPatch) -> ItemStore:
    monkeypatch.setattr("feedsvc.store.changes.AWAIT_MS", 50)
    store = ItemStore(database, RULES)
    await store.prepare()
    return store


@pytest.fixture
async def held(store: ItemStore, database: Database) -> HeldStore:
    return HeldStore(database, RULES)


@pytest.fixture
async def changes(store: ItemStore, database: Database) -> AsyncIterator[ChangeStream]:
    changes = ChangeStream(database)
    await changes.open()
    yield changes
    await changes.close()


async def read(changes: ChangeStream) -> list[Committed | Silent]:
    """Return what was committed up to now."""
    found: list[Committed | Silent] = []
    async for change in changes:
        if isinstance(change, Idle):
            return found
        assert isinstance(change, Committed | Silent)
        found.append(change)
    raise AssertionError("the stream ended")


async def write(store: ItemStore, *ids: str, review: bool = False) -> list[Status]:
    """Offer delayed items, or such that wait for review; return the outcomes."""
    channel = "radio.news" if review else "radio.onair"
    offers = [offer(item_id, channel) for item_id in ids]
    outcomes = await store.write(offers, now=NOW, revive=not review, review=review)
    assert all(isinstance(one, Written) for one in outcomes)
    return [one.status for one in outcomes if isinstance(one, Written)]


async def visible(store: ItemStore) -> list[str]:
    return [item.id for item in await store.backlog(RADIO, 500)]


async def test_what_is_held_shows_nowhere(store: ItemStore) -> None:
    """By no scope and no id; the channel is none either."""
    await write(store, "a")
    await write(store, "b", review=True)

    for pattern in ("radio", "radio.onair", "*", "*.news", "radio.*"):
        scope = Scope(Channel(pattern))
        assert await store.backlog(scope, 10) == []
        assert await store.channels(scope) == []
        assert not await store.exists(scope)
    assert await store.get("a") is None
    assert await store.get("b") is None


async def test_a_release_is_told_as_a_creation_and_nothing_before_it(
    store: ItemStore, held: HeldStore, changes: ChangeStream
) -> None:
    """The stream says when to expect it, and only that."""
    await write(store, "a")
    await store.write([offer("a", "radio.onair", title="new")], now=NOW, revive=True)
    await held.release(after(30))

    *silent, told = await read(changes)

    assert [one.due_at for one in silent if isinstance(one, Silent)] == [after(30)] * 2
    assert isinstance(told, Committed)
    assert (told.item.change, told.item.rev) == (Change.CREATED, 1)
    assert told.item.body == {"title": "new"}
    assert await visible(store) == ["a"]


async def test_only_what_is_due_is_released_in_the_order_of_its_time(
    store: ItemStore, held: HeldStore, changes: ChangeStream
) -> None:
    """Over several batches; how late the first one was is told."""
    for n in (3, 1, 2):
        embargoed = offer(f"{n}", publish_at=after(n))
        await store.write([embargoed], now=NOW, revive=True)

    early = await held.release(after(0.5))
    due_at = await held.next_due()
    late = await held.release(after(2.5))

    told = [one.item.id for one in await read(changes) if isinstance(one, Committed)]
    assert (early.count, due_at) == (0, after(1))
    assert (late.count, late.late_s) == (2, 1.5)
    assert told == ["1", "2"]
    assert await held.next_due() == after(3)


async def test_many_at_once_release_each_item_once(
    store: ItemStore, database: Database, changes: ChangeStream
) -> None:
    """Whoever comes second finds it changed; so do writers in between."""
    names = [f"{n:02}" for n in range(40)]
    await write(store, *names)
    edits = [offer(name, "radio.onair", title="new") for name in names]
    workers = [HeldStore(database, RULES) for _ in range(4)]

    results = await asyncio.gather(
        *(worker.release(after(30)) for worker in workers),
        store.write(edits, now=after(30), revive=True),
    )
    await workers[0].release(after(30))

    told = [one.item for one in await read(changes) if isinstance(one, Committed)]
    assert Counter((one.id, one.rev) for one in told).most_common(1)[0][1] == 1
    assert {one.id for one in told if one.change is Change.CREATED} == set(names)
    assert {one.body["title"] for one in await store.backlog(RADIO, 50)} == {"new"}
    assert sum(one.count for one in results[:4]) <= 40  # type: ignore[union-attr]  # releases


async def test_removing_what_is_held_tells_nobody(
    store: ItemStore, held: HeldStore, changes: ChangeStream, database: Database
) -> None:
    """Its content is gone, and its source does not bring it again."""
    await write(store, "a", review=True)
    await store.remove("a", now=NOW)

    again = await write(store, "a", review=True)
    await held.release(after(99_999))

    assert again == [Status.GONE]
    assert [type(one) for one in await read(changes)] == [Silent, Silent]
    document = await database.items.find_one({"_id": "a"})
    assert document is not None
    assert "title" not in str(document)
    assert await visible(store) == []


async def test_an_id_that_is_held_is_taken(store: ItemStore) -> None:
    """In another channel it is a conflict, as if everybody saw it."""
    await write(store, "a")

    [taken] = await store.write([offer("a", "radio.x")], now=NOW, revive=True)

    assert isinstance(taken, Conflict)


async def test_an_edit_waits_beside_what_was_approved(
    store: ItemStore, changes: ChangeStream
) -> None:
    """Nobody hears of it until it is approved itself."""
    await write(store, "a", review=True)
    await store.change("a", lambda record: record.approve(NOW))
    edit = offer("a", "radio.news", title="better")
    await store.write([edit], now=NOW, revive=False, review=True)

    before = await store.backlog(RADIO, 10)
    await store.change("a", lambda record: record.approve(NOW))

    told = [one.item for one in await read(changes) if isinstance(one, Committed)]
    assert [item.body["title"] for item in before] == ["a"]
    assert [(one.rev, one.body["title"]) for one in told] == [(1, "a"), (2, "better")]


async def test_what_somebody_else_writes_is_told_unless_it_is_held(
    store: ItemStore, changes: ChangeStream, database: Database
) -> None:
    """By hand, say; our own mark is no longer true then."""
    await write(store, "a", "b", review=True)
    await store.change("a", lambda record: record.approve(NOW))
    edit = offer("a", "radio.news", title="pending")
    await store.write([edit], now=NOW, revive=False, review=True)
    await read(changes)
    for item_id in ("a", "b"):
        change = {"$set": {"title": "by hand"}, "$inc": {"rev": 1}}
        await database.items.update_one({"_id": item_id}, change)

    by_hand = await read(changes)

    assert [type(one) for one in by_hand] == [Committed, Silent]


async def test_the_queue_comes_by_pages_oldest_first(
    store: ItemStore, held: HeldStore
) -> None:
    """Each once, however long it is."""
    names = [f"{n}" for n in range(7)]
    await write(store, *names, review=True)
    await write(store, "delayed")
    await store.change("3", lambda record: record.approve(NOW))
    await store.change("4", lambda record: record.reject(NOW))

    pages = [await held.queue(Reason.REVIEW, 2)]
    while pages[-1]:
        last = pages[-1][-1]
        assert last.held is not None
        place = last.held.since, last.id
        pages.append(await held.queue(Reason.REVIEW, 2, place))

    assert [one.id for page in pages for one in page] == ["0", "1", "2", "5", "6"]
    assert [one.id for one in await held.queue(Reason.REJECTED, 9)] == ["4"]
    assert await held.counts() == {
        Reason.REVIEW: 5,
        Reason.REJECTED: 1,
        Reason.DELAY: 1,
        Reason.EMBARGO: 0,
    }


async def test_what_nobody_sees_is_forgotten_after_a_while(
    store: ItemStore, database: Database
) -> None:
    """But not what waits for its time, and no item beside which something waits."""
    await write(store, "queued", "rejected", "approved", review=True)
    await write(store, "delayed")
    await store.change("rejected", lambda record: record.reject(NOW))
    await store.change("approved", lambda record: record.approve(NOW))
    edit = offer("approved", "radio.news", title="better")
    await store.write([edit], now=NOW, revive=False, review=True)

    ends = {doc["_id"]: doc.get("expire_at") async for doc in database.items.find()}

    assert ends == {
        "queued": NOW + timedelta(days=90),
        "rejected": NOW + timedelta(days=365),
        "delayed": None,
        "approved": None,
    }


async def test_turns_are_taken_one_at_a_time(held: HeldStore) -> None:
    """A turn that is not renewed ends."""
    mine = await held.take_turn("me", NOW, 2.0)
    taken = await held.take_turn("you", after(1.9), 2.0)
    renewed = await held.take_turn("me", after(1.9), 2.0)
    ended = await held.take_turn("you", after(3.9), 2.0)

    assert (mine, taken, renewed, ended) == (True, False, True, True)


async def test_pinned_items_come_first_on_every_page_and_are_kept(
    store: ItemStore, held: HeldStore, database: Database
) -> None:
    """Each once; retention by count passes them over."""
    names = [f"{n}" for n in range(6)]
    offers = [offer(name, date=after(n)) for n, name in enumerate(names)]
    await store.write(offers, now=NOW, revive=True)
    for name in ("0", "3"):
        await store.change(name, lambda record: record.pin(True))

    pages = [await store.backlog(RADIO, 1)]
    while pages[-1]:
        pages.append(await store.backlog(RADIO, 1, before=pages[-1][-1].order))
    trimmed = await store.trim(Channel("radio"), 2, now=NOW)

    assert [one.id for page in pages for one in page] == ["3", "0", "5", "4", "2", "1"]
    assert await held.pinned("radio") == 2
    assert (trimmed, await visible(store)) == (2, ["3", "0", "5", "4"])


async def test_a_pinned_item_outlives_its_channels_retention(
    database: Database,
) -> None:
    """Unpinned it goes when its time has come."""
    store = ItemStore(database, Rules([ChannelRule(Channel("radio"), retention_s=60)]))
    await store.prepare()
    await store.write([offer("a", date=NOW)], now=NOW, revive=True)

    ends = []
    for pinned in (True, False):
        await store.change("a", lambda record, pinned=pinned: record.pin(pinned))  # type: ignore[misc]
        document = await database.items.find_one({"_id": "a"}) or {}
        ends.append(document.get("expire_at"))

    assert ends == [None, NOW + timedelta(seconds=60)]
