"""What is held is released on time, by one process of many, and after an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from feedsvc.core.access import ChannelRule, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.record import Reason
from feedsvc.errors import Unavailable
from feedsvc.release import Releaser
from feedsvc.store import Database
from feedsvc.store.held import HeldStore, Released
from feedsvc.store.items import ItemStore
from tests.store.offers import offer

RULES = Rules([ChannelRule(Channel("radio"), delay_s=3600)])
RADIO = Scope(Channel("radio"))
PATIENCE_S = 20.0


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **forward: float) -> None:
        self.now += timedelta(**forward)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is turned is noticed at once."""
    monkeypatch.setattr("feedsvc.release.PIECE_S", 0.01)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(database: Database) -> ItemStore:
    store = ItemStore(database, RULES)
    await store.prepare()
    return store


@asynccontextmanager
async def working(releaser: Releaser) -> AsyncIterator[Releaser]:
    task = asyncio.create_task(releaser.run())
    try:
        yield releaser
    finally:
        # PyMongo may swallow a cancellation, so once may not do.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.2)


async def until(condition: Callable[[], bool], clock: Clock | None = None) -> None:
    """Wait for the condition; with a clock, time goes by meanwhile."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)
            if clock is not None:
                clock.turn(seconds=0.1)


async def hold(store: ItemStore, clock: Clock, *ids: str) -> datetime:
    """Offer items that are delayed; return when they are due."""
    offers = [offer(item_id) for item_id in ids]
    await store.write(offers, now=clock.now, revive=True)
    return clock.now + timedelta(hours=1)


async def test_what_is_overdue_at_the_start_is_released_at_once(
    store: ItemStore, database: Database, clock: Clock
) -> None:
    """However long the service was away; the figures tell how late that was."""
    await hold(store, clock, "a", "b")
    clock.turn(hours=1, seconds=7)

    async with working(Releaser(HeldStore(database, RULES), "me", clock)) as releaser:
        await until(lambda: releaser.counts.items == 2)

    assert len(await store.backlog(RADIO, 10)) == 2
    assert releaser.counts.late_seconds == 14


async def test_what_is_expected_is_released_when_its_time_comes(
    store: ItemStore, database: Database, clock: Clock
) -> None:
    """And not before."""
    async with working(Releaser(HeldStore(database, RULES), "me", clock)) as releaser:
        await until(lambda: bool(releaser.held))
        releaser.expect(await hold(store, clock, "a"))
        clock.turn(minutes=59)
        before = await store.backlog(RADIO, 10)
        clock.turn(minutes=1)
        await until(lambda: releaser.counts.items == 1)

    assert before == []
    assert len(await store.backlog(RADIO, 10)) == 1


async def test_who_missed_the_news_finds_it_all_the_same(
    store: ItemStore,
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It looks now and then, and counts what is held."""
    monkeypatch.setattr("feedsvc.release.LOOK_S", 0.05)

    async with working(Releaser(HeldStore(database, RULES), "me", clock)) as releaser:
        await until(lambda: bool(releaser.held))
        await hold(store, clock, "a")
        await until(lambda: releaser.held[Reason.DELAY] == 1)
        clock.turn(hours=1)
        await until(lambda: releaser.counts.items == 1)


async def test_several_processes_release_each_item_once(
    store: ItemStore, database: Database, clock: Clock
) -> None:
    """Together they count no more than there are."""
    names = [f"{n}" for n in range(20)]
    due_at = await hold(store, clock, *names)
    held = HeldStore(database, RULES)
    one, two = Releaser(held, "one", clock), Releaser(held, "two", clock)

    async with working(one), working(two):
        for releaser in (one, two):
            releaser.expect(due_at)
        clock.turn(hours=1)
        await until(lambda: one.counts.items + two.counts.items >= 20, clock)
        await until(lambda: not one.held.get(Reason.DELAY, 1), clock)

    assert one.counts.items + two.counts.items == 20
    assert {item.rev for item in await store.backlog(RADIO, 50)} == {1}


async def test_the_turn_of_one_that_is_gone_passes_to_another(
    store: ItemStore, database: Database, clock: Clock
) -> None:
    """After a while."""
    await hold(store, clock, "a")
    clock.turn(hours=1)
    held = HeldStore(database, RULES)
    await held.take_turn("gone", clock.now, 2.0)

    async with working(Releaser(held, "me", clock)) as releaser:
        await until(lambda: releaser.counts.items == 1, clock)


class Outage(HeldStore):
    """A database that is away at first."""

    failures = 2

    async def release(self, now: datetime) -> Released:
        if self.failures:
            self.failures -= 1
            raise Unavailable("the database", 0.05)
        return await super().release(now)


async def test_an_outage_puts_off_a_release_and_loses_none(
    store: ItemStore, database: Database, clock: Clock
) -> None:
    """It is tried again as soon as that may help."""
    await hold(store, clock, "a")
    clock.turn(hours=1)

    async with working(Releaser(Outage(database, RULES), "me", clock)) as releaser:
        await until(lambda: releaser.counts.items == 1, clock)

    assert len(await store.backlog(RADIO, 10)) == 1
