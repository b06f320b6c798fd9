"""Takes a sample of this process every ten seconds, for the operator's page."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from heapq import nlargest
from pathlib import Path

from feedsvc.errors import Unavailable
from feedsvc.relay import Relay
from feedsvc.sockjs import SockJSRouter
from feedsvc.store.documents import to_ms
from feedsvc.store.samples import STEP, Sample, SampleStore, State

log = logging.getLogger("feedsvc.sampling")

STEP_S = STEP.total_seconds()
# Somebody is looking at the page, and waits.
ANSWER_S = 2.0
# Of the channels with subscribers those with the most are told.
MAX_CHANNELS = 500


class Sampler:
    """Knows how this process and its sisters fare; ``run`` is the task to keep."""

    def __init__(
        self,
        store: SampleStore,
        relay: Relay,
        live: SockJSRouter,
        streams: Collection[object],
        admin_port: int,
    ) -> None:
        self._store = store
        self._relay = relay
        self._live = live
        self._streams = streams
        self._before = (time.monotonic(), 0, 0)
        now = to_ms(datetime.now(UTC))
        # No two of a host have the same port, and who is started again keeps it.
        name = f"{socket.gethostname()}:{admin_port}"
        self._state = State(name, now, now, False, 0, 0)

    @property
    def process(self) -> str:
        """The name of this process."""
        return self._state.process

    async def run(self) -> None:
        """Keep samples for ever; what an outage takes is missing."""
        is_prepared = False
        while True:
            self._state = self._rated()
            try:
                if not is_prepared:
                    await self._store.prepare()
                    is_prepared = True
                await self._store.keep(self._state)
            except Unavailable as error:
                log.warning("sample lost cause=%s", error)
            except Exception:
                # The edge of a task: readers are to be served all the same.
                log.exception("sample failed")
            # By the clock, so that the samples of all processes lie side by side.
            await asyncio.sleep(STEP_S - time.time() % STEP_S)

    def now(self) -> State:
        """Return this process's state; its rates are those of the last step."""
        return replace(
            self._state,
            at=to_ms(datetime.now(UTC)),
            is_ready=self._relay.is_ready,
            lag_s=round(self._relay.lag_s, 1),
            memory_bytes=_memory_bytes(),
            streams=len(self._streams),
            sessions={
                transport: count
                for transport, count in self._live.stats()["sessions"].items()
                if count
            },
            subscribers=_subscribers(self._relay),
        )

    async def states(self) -> Sequence[State]:
        """Return the states of all processes, this one's as of now.

        It is alone while the database does not answer: then it matters most.
        """
        here = self.now()
        known: Sequence[State] = ()
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                known = await self._store.states(here.at)
        others = [one for one in known if one.process != here.process]
        return sorted([here, *others], key=lambda one: one.process)

    async def hour(self) -> Sequence[Sample]:
        """Return the samples of the last hour, the oldest first."""
        return await self._store.hour(datetime.now(UTC))

    def _rated(self) -> State:
        changes = self._relay.counts.changes
        messages: int = self._live.stats()["messages_sent"]
        then, changes_then, messages_then = self._before
        self._before = at, _, _ = time.monotonic(), changes, messages
        passed_s = max(at - then, 1e-3)
        return replace(
            self.now(),
            changes_per_s=round((changes - changes_then) / passed_s, 2),
            messages_per_s=round((messages - messages_then) / passed_s, 2),
        )


def _subscribers(relay: Relay) -> Mapping[str, int]:
    """Return how many members want each channel, for the most wanted ones."""
    found: Counter[str] = Counter()
    for cohort in relay.hub.cohorts:
        for path in {scope.channel.path for scope in cohort.scopes}:
            found[path] += len(cohort.members)
    return dict(nlargest(MAX_CHANNELS, found.items(), key=lambda one: one[1]))


def _memory_bytes() -> int:
    """Return the memory that the process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
