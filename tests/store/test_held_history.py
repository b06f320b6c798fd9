"""The law of what is held: at every moment every door shows the same, and only that.

Offers, edits, decisions, removals and the passing of time happen in any order; after
each the doors are compared with a naive model, which knows neither records nor
revisions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feedsvc.core.access import ChannelRule, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.item import Item
from feedsvc.core.messages import Delivery, deliver, encode_item
from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.core.record import Record
from feedsvc.errors import BadMessage, NotFound
from feedsvc.store import Database
from feedsvc.store.changes import ChangeStream, Committed, Idle
from feedsvc.store.held import HeldStore
from feedsvc.store.items import ItemStore
from tests.store.offers import NOW, offer

DELAY_S = 3
EPOCH = b"test"
# What an id begins with says on what terms its items are taken.
NAMES = ("late1", "late2", "free1", "free2", "queue1", "queue2")

names = st.sampled_from(NAMES)
offers = st.tuples(
    st.just("offer"),
    names,
    st.sampled_from(["one", "two"]),
    st.none() | st.integers(-2, 5),
)
deeds = st.tuples(
    st.sampled_from(["approve", "reject", "review", "pin", "unpin", "remove"]), names
)
waits = st.tuples(st.just("wait"), st.integers(1, 4))
Step = tuple[object, ...]
_roots = count(1)


@dataclass
class Entry:
    """One id as a person would keep track of it."""

    shown: str | None = None
    pinned: bool = False
    waits: str | None = None
    # "time" or "editor", or "no" for what was rejected
    waits_for: str = ""
    until: int | None = None
    # When listeners hear what it is about.
    heard_at: int = 0
    removed: bool = False
    erased: bool = False


@dataclass
class Model:
    """What everybody should see, by the rules as they are told to people."""

    now: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    def see(self) -> dict[str, tuple[str, bool]]:
        return {
            name: (entry.shown, entry.pinned)
            for name, entry in self.entries.items()
            if entry.shown is not None
        }

    def wait(self, seconds: int) -> None:
        self.now += seconds
        for entry in self.entries.values():
            if entry.waits_for == "time" and (entry.until or 0) <= self.now:
                self._show(entry, entry.waits)

    def offer(self, name: str, text: str, publish_in: int | None) -> None:
        entry = self.entries.setdefault(name, Entry())
        at = None if publish_in is None else self.now + publish_in
        is_queue = name.startswith("queue")
        if is_queue and self._is_barred(entry, text):
            return
        if entry.shown is not None:
            self._offer_again(entry, text, at, is_queue)
        elif entry.waits is not None and entry.waits_for != "no":
            entry.waits = text
            if at is not None:
                heard_at = entry.heard_at if entry.waits_for == "time" else at
                entry.until = max(at, heard_at)
            self.wait(0)
        elif is_queue:
            entry.waits, entry.waits_for, entry.until = text, "editor", at
            entry.heard_at = self.now
        else:
            entry.heard_at = self.now + (DELAY_S if name.startswith("late") else 0)
            entry.waits, entry.waits_for = text, "time"
            entry.until = max(entry.heard_at, at or 0)
            self.wait(0)
        entry.removed = entry.erased = False

    def approve(self, name: str) -> None:
        entry = self.entries.get(name, Entry())
        if entry.waits_for != "editor":
            return
        if (entry.until or 0) > self.now:
            entry.waits_for = "time"
        else:
            self._show(entry, entry.waits)

    def reject(self, name: str) -> None:
        entry = self.entries.get(name, Entry())
        if entry.waits_for in ("time", "editor"):
            entry.waits_for = "no"

    def review(self, name: str) -> None:
        entry = self.entries.get(name, Entry())
        if entry.shown is not None:
            if entry.waits_for in ("", "no"):
                entry.waits = entry.shown
            entry.waits_for, entry.until = "editor", None
            entry.shown, entry.pinned = None, False
        elif entry.waits is not None:
            entry.waits_for = "editor"

    def pin(self, name: str, pinned: bool) -> None:
        entry = self.entries.get(name, Entry())
        entry.pinned = pinned and entry.shown is not None

    def remove(self, name: str) -> None:
        entry = self.entries.get(name)
        if entry is not None and (entry.shown is not None or entry.waits is not None):
            self.entries[name] = Entry(removed=True)

    def _offer_again(
        self, entry: Entry, text: str, at: int | None, is_queue: bool
    ) -> None:
        if at is not None and at > self.now:
            return  # refused: it is out already
        if text == entry.shown:
            if entry.waits_for != "no":
                entry.waits, entry.waits_for = None, ""
        elif is_queue:
            entry.waits, entry.waits_for = text, "editor"
            entry.until = at if at is not None else entry.until
        else:
            self._show(entry, text)

    def _is_barred(self, entry: Entry, text: str) -> bool:
        if entry.removed:
            return True
        if entry.waits_for != "no":
            return False
        return entry.shown is None or entry.waits == text

    def _show(self, entry: Entry, text: str | None) -> None:
        entry.shown, entry.waits, entry.waits_for, entry.until = text, None, "", None


class World:
    """The real store below a channel of its own, and a reader who follows it."""

    def __init__(self, database: Database, changes: ChangeStream) -> None:
        self.root = f"r{next(_roots)}"
        late = Channel(f"{self.root}.late")
        rules = Rules([ChannelRule(late, delay_s=DELAY_S)])
        self.store = ItemStore(database, rules)
        self.held = HeldStore(database, rules)
        self.model = Model()
        self.changes = changes
        self.scope = Scope(Channel(self.root))
        floor = Position(0, 0)
        ring: Ring[Delivery] = Ring(
            floor, max_count=10**4, max_bytes=10**7, max_age_s=10**9
        )
        self.hub: Hub[object] = Hub(EPOCH, ring, list, hot_items=100)  # type: ignore[arg-type]  # nobody joins
        load, _ = self.hub.begin_load(self.scope, 20)
        self.hub.end_load(load, [])
        self.told: dict[str, tuple[int, str | None]] = {}

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.model.now)

    async def do(self, step: Step) -> None:
        kind, *rest = step
        if kind == "wait":
            self.model.wait(*rest)  # type: ignore[arg-type]
            await self.held.release(self.now)
        elif kind == "offer":
            await self._offer(*rest)  # type: ignore[arg-type]
        else:
            await self._decide(str(kind), str(rest[0]))

    async def _offer(self, name: str, text: str, publish_in: int | None) -> None:
        at = None
        if publish_in is not None:
            at = self.now + timedelta(seconds=publish_in)
        kind = name.rstrip("12")
        one = offer(
            self._id(name),
            f"{self.root}.{kind}",
            title=text,
            date=NOW + timedelta(minutes=NAMES.index(name)),
            publish_at=at,
            source=kind,
        )
        is_queue = kind == "queue"
        [outcome] = await self.store.write(
            [one], now=self.now, revive=not is_queue, review=is_queue
        )
        assert not isinstance(outcome, Exception) or isinstance(outcome, BadMessage)
        self.model.offer(name, text, publish_in)

    async def _decide(self, deed: str, name: str) -> None:
        now = self.now
        changes = {
            "approve": lambda record: record.approve(now),
            "reject": lambda record: record.reject(now),
            "review": lambda record: record.review(now),
            "pin": lambda record: record.pin(True),
            "unpin": lambda record: record.pin(False),
            "remove": lambda record: record.remove(now),
        }
        with suppress(NotFound):
            await self.store.change(self._id(name), changes[deed])
        if deed in ("pin", "unpin"):
            self.model.pin(name, deed == "pin")
        else:
            getattr(self.model, deed)(name)

    async def catch_up(self) -> None:
        """Hear what has been committed, as a service process does."""
        async for change in self.changes:
            if isinstance(change, Idle):
                return
            if isinstance(change, Committed):
                item = change.item
                told = deliver(item, Cursor(EPOCH, change.position))
                self.hub.accept(told)
                if item.channel.path.startswith(self.root):
                    rev, _ = self.told.get(item.id, (0, None))
                    assert item.rev == rev + 1, "told twice, or not at all"
                    self.told[item.id] = item.rev, item.body.get("title")

    async def assert_shown(self) -> None:
        """Compare every door with the model."""
        seen = self.model.see()
        order = sorted(seen, key=lambda one: (seen[one][1], NAMES.index(one)))
        expected = [self._id(name) for name in reversed(order)]
        found = await self.store.backlog(self.scope, 50)
        assert [item.id for item in found] == expected
        assert {item.id: (item.body["title"], item.pinned) for item in found} == {
            self._id(name): what for name, what in seen.items()
        }
        assert await self._paged() == expected
        counts = await self.store.channels(self.scope)
        assert sum(count for _, count in counts) == len(expected)
        for name in NAMES:
            record = await self.store.record(self._id(name))
            self._assert_single(name, record)

    def assert_heard(self, found: list[Item]) -> None:
        """Compare what the reader knows with what a query finds."""
        hot = self.hub.hot(self.scope, 20)
        assert hot is not None
        texts = [encode_item(item).text for item in found]
        assert [item.text for item in hot.newest(20)] == texts
        resumed = self.hub.resume(self.scope, Cursor(EPOCH, Position(0, 0)))
        assert resumed is not None
        known = {item.id: item.text for item in resumed if not item.is_removed}
        assert sorted(known.values()) == sorted(texts)

    def _assert_single(self, name: str, record: Record | None) -> None:
        entry = self.model.entries.get(name, Entry())
        visible = record.visible if record else None
        assert (visible.body["title"] if visible else None) == entry.shown

    async def _paged(self) -> list[str]:
        pages = [await self.store.backlog(self.scope, 2)]
        while pages[-1]:
            before = pages[-1][-1].order
            pages.append(await self.store.backlog(self.scope, 2, before=before))
        return [item.id for page in pages for item in page]

    def _id(self, name: str) -> str:
        return f"{self.root}:{name}"


@pytest.fixture
async def changes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChangeStream]:
    monkeypatch.setattr("feedsvc.store.changes.AWAIT_MS", 5)
    await ItemStore(database, Rules()).prepare()
    changes = ChangeStream(database)
    await changes.open()
    yield changes
    await changes.close()


@given(history=st.lists(st.one_of(offers, deeds, waits), max_size=16))
@example(history=[("offer", "late2", "one", 4), ("offer", "late2", "one", 0)])
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_every_door_shows_at_every_moment_what_is_to_be_seen(
    database: Database, changes: ChangeStream, history: list[Step]
) -> None:
    """And who follows the stream ends with the same, each revision told once."""
    world = World(database, changes)

    for step in history:
        await world.do(step)
        await world.assert_shown()

    await world.catch_up()
    world.assert_heard(await world.store.backlog(world.scope, 50))
