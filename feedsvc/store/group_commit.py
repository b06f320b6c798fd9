"""Group commit: offers that come while a write is under way leave together in the next.

To the database a write of a hundred items is hardly more than a write of one: a read, a
majority, an answer.  So the more publishers there are, the less each of them costs; one
alone never waits.  The idea is that of DeWitt et al., "Implementation Techniques for
Main Memory Database Systems", SIGMOD 1984.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from feedsvc.core.item import Candidate
from feedsvc.errors import Unavailable

# A write holds up all that come after it, so it must not last.
MAX_OFFERS = 100

T = TypeVar("T")
Write = Callable[[Sequence[Candidate]], Awaitable[Sequence[T]]]
Waiting = list[tuple[Candidate, "Future[T]"]]


class GroupCommit(Generic[T]):
    """Takes single offers, and has them written by ``write`` as few times as it can.

    Offers of one id are written in the order in which they came, each after the one
    before.
    """

    def __init__(self, write: Write[T]) -> None:
        self._write = write
        self._waiting: Waiting[T] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, offer: Candidate) -> T:
        """Return the outcome of the offer, or raise what writing it raises."""
        outcome: Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((offer, outcome))
        if self._task is None:
            self._task = asyncio.create_task(self._write_waiting())
        return await outcome

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                await self._write_group(self._next_group())
        finally:
            self._task = None

    def _next_group(self) -> Waiting[T]:
        """Take the first offer of each id, so that no hot id holds up the others."""
        group: dict[str, tuple[Candidate, Future[T]]] = {}
        rest: Waiting[T] = []
        for offer, outcome in self._waiting:
            if offer.id in group or len(group) == MAX_OFFERS:
                rest.append((offer, outcome))
            else:
                group[offer.id] = offer, outcome
        self._waiting = rest
        return list(group.values())

    async def _write_group(self, group: Waiting[T]) -> None:
        try:
            written = await self._write([offer for offer, _ in group])
        except Unavailable as outage:
            # Who waits by now has waited for this database, too.
            _fail([*group, *self._waiting], outage)
            self._waiting = []
        except Exception as error:
            if len(group) == 1:
                _fail(group, error)
                return
            # One of them can't be written; the others must not suffer for it.
            # To offer again what is written already changes nothing.
            for one in group:
                await self._write_group([one])
        else:
            for (_, outcome), result in zip(group, written, strict=True):
                if not outcome.done():  # who waited for it may have gone
                    outcome.set_result(result)


def _fail(group: Waiting[T], error: Exception) -> None:
    for _, outcome in group:
        if not outcome.done():
            outcome.set_exception(error)
