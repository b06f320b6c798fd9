"""What editors and operators decide: each deed is noted, then done.

In this order, so that nothing is ever done without an entry; an entry may tell of
something that the database then did not get to do.  What would change nothing is not
noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from feedsvc.core.messages import Page
from feedsvc.core.record import Reason, Record
from feedsvc.errors import NotFound, TooMany
from feedsvc.store.audit import AuditLog, Entry
from feedsvc.store.documents import to_ms
from feedsvc.store.held import HeldStore
from feedsvc.store.items import ItemStore
from feedsvc.store.sources import SourceState, SourceStore

# In a channel without a dot in it and all below: more would bury the news.
MAX_PINNED = 20


class Editorial:
    """The desk: its queue, its deeds and its record; ``who`` is a token's subject.

    Each deed on an item raises ``NotFound`` where there is nothing to do it to.
    """

    def __init__(
        self, items: ItemStore, held: HeldStore, sources: SourceStore, audit: AuditLog
    ) -> None:
        self._items = items
        self._held = held
        self._sources = sources
        self._audit = audit

    async def queue(
        self, reason: Reason, limit: int, after: Page | None
    ) -> Sequence[Record]:
        """Return what is held for the reason, that which was held first at the head."""
        place = (after.date, after.item_id) if after else None
        return await self._held.queue(reason, limit, place)

    async def find(self, item_id: str) -> Record:
        """Return all that is stored under the id."""
        record = await self._items.record(item_id)
        if record is None:
            raise NotFound(f"there is no item {item_id!r}")
        return record

    async def counts(self) -> Mapping[Reason, int]:
        """Return how many items are held for each reason."""
        return await self._held.counts()

    async def entries(self, limit: int, before: Page | None) -> Sequence[Entry]:
        """Return the newest entries of the record, or those before a page."""
        place = (before.date, before.item_id) if before else None
        return await self._audit.entries(limit, place)

    async def approve(self, who: str, item_id: str, version: int | None) -> Record:
        """Let readers see what is in review, or have it wait for its embargo only."""
        now = _now()
        return await self._do(
            who, "approve", item_id, lambda record: record.approve(now, version)
        )

    async def reject(self, who: str, item_id: str, version: int | None) -> Record:
        """Keep what is held from ever being seen."""
        now = _now()
        return await self._do(
            who, "reject", item_id, lambda record: record.reject(now, version)
        )

    async def review(self, who: str, item_id: str) -> Record:
        """Put the item into the queue again: an approval or a rejection taken back."""
        now = _now()
        return await self._do(who, "review", item_id, lambda one: one.review(now))

    async def pin(self, who: str, item_id: str) -> Record:
        """Put the item before all others; raise ``TooMany`` if there are enough."""
        known = await self._items.record(item_id)
        if known and known.visible and not known.visible.pinned:
            root = known.visible.channel.lineage[0]
            if await self._held.pinned(root) >= MAX_PINNED:
                rule = f"at most {MAX_PINNED} items may be pinned in {root} and below"
                raise TooMany("pinned", rule)
        return await self._do(who, "pin", item_id, lambda one: one.pin(True))

    async def unpin(self, who: str, item_id: str) -> Record:
        """Put the item back into its place by date."""
        return await self._do(who, "unpin", item_id, lambda one: one.pin(False))

    async def remove(self, who: str, item_id: str) -> Record:
        """Erase the item for good."""
        now = _now()
        return await self._do(who, "remove", item_id, lambda one: one.remove(now))

    async def sources(self) -> Sequence[SourceState]:
        """Return how every source that ever ran fares."""
        return await self._sources.all()

    async def disable(self, who: str, source: str) -> bool:
        """Let ingest ask the source no more, and give up a run under way.

        False if it was never run: it may be another one's name misspelt.
        """
        await self._audit.append(Entry(_now(), who, "disable", source=source))
        return await self._sources.disable(source, who, _now())

    async def enable(self, who: str, source: str) -> None:
        """Let ingest ask the source again."""
        if not await self._sources.is_disabled(source):
            raise NotFound(f"source {source!r} is not disabled")
        await self._audit.append(Entry(_now(), who, "enable", source=source))
        await self._sources.enable(source)

    async def _do(
        self,
        who: str,
        deed: str,
        item_id: str,
        change: Callable[[Record], Record],
    ) -> Record:
        known = await self.find(item_id)
        if change(known) is known:
            return known
        channel = known.channel.path if known.channel else ""
        await self._audit.append(Entry(_now(), who, deed, item_id, channel))
        changed = await self._items.change(item_id, change)
        if changed is None:
            raise NotFound(f"there is no item {item_id!r}")
        return changed


def _now() -> datetime:
    return to_ms(datetime.now(UTC))
