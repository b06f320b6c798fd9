"""The hot backlog: the newest items of one scope, kept current by the stream."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from operator import attrgetter

from feedsvc.core.messages import WireItem, join

# Pages ask for one or two limits; more would only fill the memory.
MAX_ANSWERS = 4

_ORDER = attrgetter("order")


class HotBacklog:
    """All visible items of a scope from ``floor`` on, by date; exact at every moment.

    It starts with what one query found at a position, and every later change of the
    scope is applied to it.  Below the floor it knows nothing, unless it is
    ``complete``: then there is nothing.
    """

    __slots__ = ("_answers", "_by_id", "_ceiling", "_floor", "_items", "is_complete")

    def __init__(
        self, newest: Sequence[WireItem], *, is_complete: bool, ceiling: int
    ) -> None:
        self._items = sorted(newest, key=_ORDER)
        self._by_id = {item.id: item for item in newest}
        self._floor = None if is_complete or not newest else self._items[0].order
        self._ceiling = ceiling
        self._answers: dict[int, tuple[str, bool]] = {}
        self.is_complete = is_complete

    def __len__(self) -> int:
        return len(self._items)

    def apply(self, item: WireItem) -> None:
        """Take in a change: created, updated or removed, in commit order."""
        known = self._by_id.get(item.id)
        if known is not None:
            if known.rev >= item.rev:
                return
            self._drop(known)
        if item.is_removed or (self._floor is not None and item.order < self._floor):
            self._answers.clear()
            return
        insort(self._items, item, key=_ORDER)
        self._by_id[item.id] = item
        self._answers.clear()
        if len(self._items) > self._ceiling:
            self._trim()

    def expire(self, item_id: str) -> None:
        """Forget an item that the database has deleted."""
        known = self._by_id.get(item_id)
        if known is not None:
            self._drop(known)
            self._answers.clear()

    def covers(self, limit: int) -> bool:
        """True if the newest ``limit`` items, and whether there are more, are known."""
        return self.is_complete or len(self._items) > limit

    def newest(self, limit: int) -> list[WireItem]:
        """Return the newest ``limit`` items; ask only for what it ``covers``."""
        return self._items[-limit:][::-1] if limit else []

    def answer(self, limit: int) -> tuple[str, bool]:
        """Return the newest ``limit`` items as a JSON array, and if there are more.

        Ask only for what it ``covers``.
        """
        found = self._answers.get(limit)
        if found is None:
            more = len(self._items) > limit or not self.is_complete
            found = join(self.newest(limit)), more
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            self._answers[limit] = found
        return found

    def _drop(self, item: WireItem) -> None:
        at = bisect_left(self._items, item.order, key=_ORDER)
        del self._items[at], self._by_id[item.id]

    def _trim(self) -> None:
        """Halve what is held; what lies below the new floor is the database's."""
        cut = len(self._items) // 2
        for item in self._items[:cut]:
            del self._by_id[item.id]
        del self._items[:cut]
        self._floor = self._items[0].order
        self.is_complete = False


def newest_per_item(items: Iterable[WireItem]) -> list[WireItem]:
    """Return each item once at its newest revision, in the order of those commits."""
    newest: dict[str, WireItem] = {}
    for item in items:
        newest.pop(item.id, None)
        newest[item.id] = item
    return list(newest.values())
