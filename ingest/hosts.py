"""How hard one host is asked: few requests at once, apart from each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

AT_ONCE = 2
APART_S = 1.0
# A station's own systems can stand more.
APART_PRIVATE_S = 0.02

# Hosts that nobody waits for are forgotten when the table is longer than this.
MAX_HOSTS = 1_000


class _Lane:
    def __init__(self, at_once: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.starting = asyncio.Lock()
        self.next_start = 0.0
        self.suspended_until = 0.0
        self.waiting = 0


class Hosts:
    """The lanes of all hosts of this process."""

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def turn(self, host: str, apart_s: float = APART_S) -> AsyncIterator[None]:
        """Wait until the host may be asked, and hold a place while it is.

        ``apart_s`` is the time from one start to the next.
        """
        lane = self._lane(host)
        lane.waiting += 1
        try:
            async with lane.slots:
                async with lane.starting:
                    await asyncio.sleep(max(0.0, lane.next_start - self._clock()))
                    lane.next_start = self._clock() + apart_s
                yield
        finally:
            lane.waiting -= 1

    def suspend(self, host: str, seconds: float) -> None:
        """Ask the host for nothing for so long: it said so."""
        lane = self._lane(host)
        lane.suspended_until = max(lane.suspended_until, self._clock() + seconds)

    def suspended_s(self, host: str) -> float:
        """Return for how long the host is not to be asked yet; 0: it may be."""
        lane = self._lanes.get(host)
        return max(0.0, lane.suspended_until - self._clock()) if lane else 0.0

    def _lane(self, host: str) -> _Lane:
        if len(self._lanes) >= MAX_HOSTS and host not in self._lanes:
            self._forget_idle()
        return self._lanes.setdefault(host, _Lane(self._at_once))

    def _forget_idle(self) -> None:
        now = self._clock()
        self._lanes = {
            host: lane
            for host, lane in self._lanes.items()
            if lane.waiting or max(lane.next_start, lane.suspended_until) > now
        }
