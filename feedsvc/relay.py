"""The hot path: change stream -> hub -> connections, and the backlogs they start with.

``_follow`` takes in what MongoDB committed and encodes each item once.  The events of
one batch come without a pause between them, so the flush that the first one
schedules sends all of them as one frame to each connection.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from feedsvc.audience import Audience, Batches, Member
from feedsvc.config import Limits
from feedsvc.core.hub import Hub
from feedsvc.core.interests import Load
from feedsvc.core.messages import Delivery, deliver, encode_item
from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.core.session import Subscription
from feedsvc.errors import BadMessage, FeedError, Unavailable
from feedsvc.histogram import Histogram
from feedsvc.store.changes import (
    ChangeStream,
    Committed,
    Expired,
    HistoryLost,
    Idle,
    Silent,
)
from feedsvc.store.items import ItemStore, SnapshotGone

log = logging.getLogger("feedsvc.relay")

# Cold backlogs are read side by side, but not so many that they starve the rest.
MAX_LOADS = 32
# A read whose position is gone is tried again at a newer one, after a pause in which
# the stream tells of one.
MAX_TRIES = 8
PAUSE_S = 0.25
# After a flush of several changes the next one waits for this part of its time. What
# its last receivers set off, the next publishing above all, then leaves together with
# what has come meanwhile: twice the changes a frame, and so twice the deliveries.
REST = 0.1
# The stream is a few milliseconds behind; longer than this it has a problem.
REACH_S = 0.5
# From a millisecond, which is as fine as the database tells the time.
LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(slots=True)
class RelayCounts:
    """What the relay has done so far."""

    changes: int = 0
    flushes: int = 0
    loads: int = 0
    loads_failed: int = 0
    resets: int = 0


class Relay:
    """Keeps the hub at the head of the change stream and its members served.

    ``run`` is the task to keep; the hub is of use once ``wait_ready`` has returned.
    ``expect`` is told when something that is held will be due.
    """

    def __init__(
        self,
        store: ItemStore,
        changes: ChangeStream,
        limits: Limits,
        expect: Callable[[datetime], None] = lambda due_at: None,
    ) -> None:
        self._store = store
        self._changes = changes
        self._limits = limits
        self._expect = expect
        self._batches = Batches()
        self._ready = asyncio.Event()
        self._unflushed = 0
        self._committed_at: list[float] = []
        self._due: asyncio.TimerHandle | None = None
        self._took_s = 0.0  # the last flush
        self._rest_until = 0.0  # by the loop's clock
        self._publishing = 0
        self._loads = asyncio.Semaphore(MAX_LOADS)
        self._waiting: dict[Load, list[tuple[Member, Subscription]]] = {}
        self._awaited: list[tuple[Position, asyncio.Future[None]]] = []
        self._lost: list[tuple[Member, Subscription]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self.counts = RelayCounts()
        #: Seconds from a commit to the end of the flush that delivered it.
        self.latency_s = Histogram(LATENCY_S)
        #: Called with each committed change, at once.
        self.observers: list[Callable[[Delivery], None]] = []
        self.hub: Hub[Member] = Hub(
            bytes(4),
            self._ring(Position(0, 0)),
            lambda: Audience(self._batches),
            hot_items=limits.hot_items,
        )

    @property
    def is_ready(self) -> bool:
        """True if the hub follows the stream and has caught up with it."""
        return self._ready.is_set() and self._changes.healthy

    def require_open(self) -> None:
        """Raise ``Unavailable`` unless the hub knows what is going on."""
        if not self._ready.is_set():
            raise Unavailable("the service is catching up with the database")

    @property
    def deliveries(self) -> int:
        """How often a change was handed to a client so far, whatever its door."""
        return self._batches.deliveries

    @property
    def lag_s(self) -> float:
        """Seconds by which the hub may be behind what was committed."""
        return self._changes.lag_s

    async def reach(self, position: Position) -> None:
        """Wait until the hub has taken in all up to ``position``, if it soon does.

        So whoever was told that his item is stored finds it in every answer of this
        process.  A stream that is broken does not hold him up.
        """
        if self.is_ready and self.hub.head < position:
            reached = asyncio.get_running_loop().create_future()
            self._awaited.append((position, reached))
            await asyncio.wait([reached], timeout=REACH_S)

    async def wait_ready(self) -> None:
        await self._ready.wait()

    async def run(self) -> None:
        """Follow the stream for ever; after a loss of history begin anew."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                try:
                    await self._begin()
                    await self._follow()
                except HistoryLost as loss:
                    log.warning("continuity lost cause=%s", loss)
                    self._reset()
                except Unavailable as outage:
                    log.warning("stream not opened cause=%s", outage)
                    await asyncio.sleep(outage.retry_after_s)

    async def _begin(self) -> None:
        # A collection that was made anew has lost its indexes too.
        await self._store.prepare()
        floor = await self._changes.open()
        self.hub.restart(await self._store.epoch(), self._ring(floor))

    async def _follow(self) -> None:
        async for event in self._changes:
            match event:
                case Committed(position=position, item=item, at=at):
                    cursor = Cursor(self.hub.epoch, position)
                    self.accept(deliver(item, cursor), at)
                case Expired(position=position, item_id=item_id):
                    self.hub.expire(item_id)
                    self.hub.advance(position)
                case Silent(position=position, due_at=due_at):
                    self.hub.advance(position)
                    if due_at is not None:
                        self._expect(due_at)
                case Idle(position=position):
                    self.hub.advance(position)
            if self._awaited:
                self._tell_reached()
            if not self._ready.is_set() and self._is_caught_up(event):
                self._catch_up()

    def _is_caught_up(self, event: Committed | Silent | Expired | Idle) -> bool:
        # Under load the stream may never be idle; then its positions tell.  No clock
        # does: ours may be behind the database's, and then all is news.
        return isinstance(event, Idle) or event.position >= self._changes.opened_at

    def _tell_reached(self) -> None:
        awaited, self._awaited = self._awaited, []
        for position, reached in awaited:
            if position > self.hub.head:
                self._awaited.append((position, reached))
            elif not reached.done():
                reached.set_result(None)

    def accept(self, delivery: Delivery, at: float) -> None:
        """Take in what was committed then; all of one tick leave in one flush."""
        self.counts.changes += 1
        self.hub.accept(delivery)
        for observe in self.observers:
            observe(delivery)
        if self._ready.is_set():  # what was there before us tells nothing of today
            self._committed_at.append(at)
        self._unflushed += 1
        if self._unflushed == 1:
            self._flush_in(self._took_s if self._publishing else 0.0)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Have what is committed meanwhile sent on once the publisher is answered.

        He waits for one commit, not for thousands of sends. The sends wait for him and
        all others no longer than the last flush took: so whatever is published, half of
        the time is theirs.
        """
        self._publishing += 1
        try:
            yield
        finally:
            self._publishing -= 1
            if self._unflushed and not self._publishing:
                self._flush_in(0.0)

    def _flush_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._due is not None:
            self._due.cancel()
        due = max(self._rest_until, loop.time() + seconds)
        self._due = loop.call_at(due, self._flush)

    def load(self, member: Member, subscription: Subscription, tries: int = 0) -> None:
        """Have the subscription's backlog read; the member gets the answer then."""
        if self._tasks is None:
            raise RuntimeError("the relay does not run")
        load, is_new = self.hub.begin_load(subscription.scope, subscription.limit)
        self._waiting.setdefault(load, []).append((member, subscription))
        if is_new:
            self._tasks.create_task(self._read(load, tries))

    async def _read(self, load: Load, tries: int) -> None:
        items, cause = None, None
        self.counts.loads += 1
        try:
            async with self._loads:
                found = await self._store.backlog(load.scope, load.limit, at=load.at)
            items = [encode_item(item) for item in found]
        except SnapshotGone:
            log.info("backlog position gone channel=%s", load.scope.channel)
            await asyncio.sleep(PAUSE_S)
        except FeedError as error:
            cause = error
        except Exception:
            log.exception("backlog failed channel=%s", load.scope.channel)
            cause = FeedError("the backlog could not be read")
        # What was read before a loss of history says nothing about now.
        loaded = self.hub.end_load(load, items if self._ready.is_set() else None)
        if not loaded:
            self.counts.loads_failed += 1
            if cause is None and tries >= MAX_TRIES:
                cause = Unavailable("the backlog could not be read")
        for member, subscription in self._waiting.pop(load, []):
            if cause is not None:
                self._refuse(member, subscription, cause)
            else:
                self._answer(member, subscription, tries if loaded else tries + 1)

    def _answer(self, member: Member, subscription: Subscription, tries: int) -> None:
        if not self._ready.is_set():
            self._lost.append((member, subscription))
            return
        answer = member.state.loaded(subscription)
        if answer is not None:
            member.send(answer)
        elif member.state.is_waiting(subscription):
            self.load(member, subscription, tries)
        elif subscription.request_id is not None:
            cause = BadMessage("channel", "a later request took this one's place")
            member.refuse(subscription.request_id, cause)

    def _refuse(
        self, member: Member, subscription: Subscription, cause: FeedError
    ) -> None:
        if member.state.is_waiting(subscription):
            member.state.unsubscribe(subscription.channel)
            member.refuse(subscription.request_id, cause)

    def _reset(self) -> None:
        """Close the doors, and tell everybody that a fresh backlog will come."""
        self.counts.resets += 1
        self._ready.clear()
        members = [member for cohort in self.hub.cohorts for member in cohort.members]
        for member in members:
            for subscription, news in member.state.restart():
                member.send(news)
                self._lost.append((member, subscription))

    def _catch_up(self) -> None:
        """Open the doors; those who were there before get their fresh backlog."""
        self._ready.set()
        log.info("following changes=%d", len(self.hub.ring))
        lost, self._lost = self._lost, []
        for member, subscription in lost:
            self._answer(member, subscription, 0)

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        began, count, self._unflushed = loop.time(), self._unflushed, 0
        self.counts.flushes += 1
        self.hub.flush()
        committed_at, self._committed_at = self._committed_at, []
        now = time.time()
        for at in committed_at:
            self.latency_s.observe(max(now - at, 0.0))  # clocks differ
        ended = loop.time()
        self._took_s = ended - began
        if count > 1:
            self._rest_until = ended + REST * self._took_s

    def _ring(self, floor: Position) -> Ring[Delivery]:
        return Ring(
            floor,
            max_count=self._limits.ring_changes,
            max_bytes=self._limits.ring_bytes,
            max_age_s=self._limits.ring_seconds,
        )
