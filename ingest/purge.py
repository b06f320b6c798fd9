"""Removing at once, for good, what an operator names: a source, an item, an author."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from feedsvc.core.record import Record
from feedsvc.store.audit import AuditLog, Entry
from feedsvc.store.items import ItemStore
from feedsvc.store.sourced import SourcedItems

# Removed items are read again so often, in case they changed meanwhile.
ROUNDS = 5


class Kind(StrEnum):
    """What a name may be the name of."""

    SOURCE = "source"
    ITEM = "item"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be removed, and how many items that is now."""

    kind: Kind
    name: str
    count: int

    def __str__(self) -> str:
        what = "item" if self.count == 1 else "items"
        return f"{self.count} {what} of {self.kind} {self.name}"


class Purge:
    """Finds and removes; ``who`` stands in the record of what was done."""

    def __init__(
        self, items: ItemStore, sourced: SourcedItems, audit: AuditLog, who: str
    ) -> None:
        self._items = items
        self._sourced = sourced
        self._audit = audit
        self._who = who

    async def find(self, name: str, kinds: Sequence[Kind]) -> list[Target]:
        """Return each of the kinds that there is something of under this name."""
        targets = []
        for kind in kinds:
            count = 0
            async for page in self._pages(kind, name):
                count += len(page)
            if count:
                targets.append(Target(kind, name, count))
        return targets

    async def remove(self, target: Target, tell: Callable[[int], None]) -> int:
        """Remove all of it, and return how many items that were.

        ``tell`` is told after each page how many were removed so far.
        """
        now = datetime.now(UTC)
        await self._audit.append(self._entry(target, now))
        removed = 0
        for _ in range(ROUNDS):
            left = 0
            async for page in self._pages(target.kind, target.name):
                done = await self._sourced.erase(page, now=now)
                removed += done
                left += len(page) - done
                tell(removed)
            if not left:
                break
        return removed

    async def _pages(self, kind: Kind, name: str) -> AsyncIterator[Sequence[Record]]:
        if kind is Kind.ITEM:
            record = await self._items.record(name)
            if record is not None and _has_content(record):
                yield [record]
            return
        source = name if kind is Kind.SOURCE else None
        author = name if kind is Kind.AUTHOR else None
        async for page in self._sourced.stored(source, author):
            yield [record for record in page if _has_content(record)]

    def _entry(self, target: Target, now: datetime) -> Entry:
        named = {"item": target.name} if target.kind is Kind.ITEM else {}
        if target.kind is Kind.SOURCE:
            named = {"source": target.name}
        deed = f"purge {target.kind}"
        if target.kind is Kind.AUTHOR:
            deed = f"{deed} {target.name}"[:200]
        return Entry(now, self._who, deed, **named)


def _has_content(record: Record) -> bool:
    held = record.held
    return record.visible is not None or (held is not None and not held.item.is_removed)
