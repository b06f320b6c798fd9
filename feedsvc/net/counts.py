"""How many items each channel has: counted now and then, for all who ask."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from feedsvc.core.access import Scope
from feedsvc.store.items import ItemStore

# Counting reads every item of the scope, so it may take this share of the time at
# most, however often it is asked for.
SHARE = 0.1
LEAST_AGE_S = 1.0
# Views differ only by what tokens open.
MAX_VIEWS = 64

Counts = Sequence[tuple[str, int]]


@dataclass(slots=True)
class _Counting:
    task: asyncio.Task[Counts]
    began_at_s: float = field(default_factory=time.monotonic)
    fresh_until_s: float = float("inf")

    def finish(self) -> None:
        now = time.monotonic()
        took_s = now - self.began_at_s
        self.fresh_until_s = now + max(LEAST_AGE_S, took_s / SHARE)


class ChannelCounts:
    """The counts of each view; those who ask at the same time share one query."""

    def __init__(self) -> None:
        self._views: OrderedDict[Scope, _Counting] = OrderedDict()

    async def of(self, store: ItemStore, view: Scope) -> Counts:
        """Return the counts of the view, at most a few seconds old.

        Raise ``Unavailable`` if the database does not answer.
        """
        counting = self._views.get(view)
        if counting is None or counting.fresh_until_s < time.monotonic():
            counting = self._begin(store, view)
        # One who goes away must not take the answer from the others.
        return await asyncio.shield(counting.task)

    def _begin(self, store: ItemStore, view: Scope) -> _Counting:
        counting = _Counting(asyncio.create_task(store.channels(view)))
        counting.task.add_done_callback(lambda _: counting.finish())
        self._views[view] = counting
        self._views.move_to_end(view)
        if len(self._views) > MAX_VIEWS:
            self._views.popitem(last=False)
        return counting
