"""Releases what is held for a time: delayed and embargoed items, on the second.

Every process knows from its change stream what is held and until when, and wakes up
for it; the one whose turn it is releases.  If that one is gone, another takes the turn
after it: a little late, and exactly once, since a release is a commit on condition.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from feedsvc.core.record import Reason
from feedsvc.errors import Unavailable
from feedsvc.store.held import HeldStore

log = logging.getLogger("feedsvc.release")

# A turn lasts so long; who finds it taken looks again then.
TURN_S = 2.0
# Nothing is due for a while: look and count all the same, should the news of something
# have been lost.
LOOK_S = 10.0
# A wait is cut in pieces, for a clock that is set meanwhile.
PIECE_S = 1.0


@dataclass(slots=True)
class ReleaseCounts:
    """What was released by this process, and how late all of it was together."""

    items: int = 0
    late_seconds: float = 0.0


class Releaser:
    """Makes held items visible when their time has come; ``run`` is the task to keep.

    ``holder`` names this process among those that take turns.
    """

    def __init__(
        self,
        held: HeldStore,
        holder: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._held = held
        self._holder = holder
        self._clock = clock
        self._next: datetime | None = None
        self._news = asyncio.Event()
        self.counts = ReleaseCounts()
        #: How many items were held when this process looked last.
        self.held: Mapping[Reason, int] = {}

    def expect(self, due_at: datetime) -> None:
        """Note that something will be due then."""
        if self._next is None or due_at < self._next:
            self._next = due_at
            self._news.set()

    async def run(self) -> None:
        """Release on time for ever; whatever an outage held up comes after it."""
        while True:
            self._next = None
            try:
                await self._look()
            except Unavailable as error:
                log.warning("release put off cause=%s", error)
                self._expect_in(error.retry_after_s)
            except Exception:
                # The edge of a task: readers are to be served all the same.
                log.exception("release failed")
                self._expect_in(LOOK_S)
            await self._wait()

    async def _look(self) -> None:
        """Release what is due, if it is our turn, and see when the next is."""
        due_at = await self._held.next_due()
        if due_at is not None and due_at <= self._clock():
            if not await self._held.take_turn(self._holder, self._clock(), TURN_S):
                self._expect_in(TURN_S)
                return
            await self._release()
            due_at = await self._held.next_due()
        self.held = await self._held.counts()
        if due_at is not None and due_at <= self._clock():
            # Somebody was faster, or it can't be released.
            self._expect_in(PIECE_S)
        elif due_at is not None:
            self.expect(due_at)

    async def _release(self) -> None:
        while (done := await self._held.release(self._clock())).count:
            self.counts.items += done.count
            self.counts.late_seconds += done.late_s * done.count
            log.info("released count=%d late_s=%.2f", done.count, done.late_s)

    async def _wait(self) -> None:
        """Wait until something is due, but not for ever."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LOOK_S
        while (left_s := end - loop.time()) > 0:
            if self._next is not None:
                due_in_s = (self._next - self._clock()).total_seconds()
                left_s = min(left_s, due_in_s)
            if left_s <= 0:
                return
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, PIECE_S)):
                    await self._news.wait()

    def _expect_in(self, seconds: float) -> None:
        self.expect(self._clock() + timedelta(seconds=seconds))
