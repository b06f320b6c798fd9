"""The items that one source brought: found again, counted and removed by ingest."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection
from datetime import datetime

from pymongo.read_concern import ReadConcern

from feedsvc.core.item import Item, ItemType
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document, to_item
from feedsvc.store.queries import ITEMS, ORDER

# Of a calendar nobody plans more than this ahead.
MAX_EVENTS = 5_000
# What is read at once of what may be everything.
PAGE = 500


class SourcedItems:
    """Items by where they came from; removing them is the ``ItemStore``'s part."""

    def __init__(self, database: Database) -> None:
        self._items = database.get_collection(
            ITEMS, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def by_alt_id(self, source: str, alt_ids: Collection[str]) -> list[Item]:
        """Return the items, tombstones too, that have one of the second keys."""
        wanted: Document = {"source": source, "alt_id": {"$in": sorted(alt_ids)}}
        return [to_item(found) async for found in self._items.find(wanted)]

    @database_errors()
    async def events_after(self, source: str, now: datetime) -> list[Item]:
        """Return the events of the source that have yet to begin."""
        wanted: Document = {
            "source": source,
            "type": ItemType.EVENT.value,
            "starts_at": {"$gt": now},
            "removed_at": None,
        }
        cursor = self._items.find(wanted, limit=MAX_EVENTS)
        return [to_item(found) async for found in cursor]

    async def stored(
        self, source: str | None = None, author: str | None = None, *, newest: int = 0
    ) -> AsyncIterator[list[Item]]:
        """Yield what is stored of a source, of an author, or of both, by pages.

        The newest first; at most ``newest`` items, where 0 means all.  An author is
        named by name, in whichever case, or by address.
        """
        wanted: list[Document] = [{"removed_at": None}]
        if source is not None:
            wanted.append({"source": source})
        if author is not None:
            name = re.compile(f"^{re.escape(author)}$", re.IGNORECASE)
            wanted.append({"$or": [{"authors.name": name}, {"authors.url": author}]})
        left = newest
        before: list[Document] = []
        while page := await self._page(
            wanted + before, min(PAGE, left) if newest else PAGE
        ):
            yield page
            left -= len(page)
            if newest and left <= 0:
                return
            _, date, item_id = page[-1].order
            older = [{"date": {"$lt": date}}, {"date": date, "_id": {"$lt": item_id}}]
            before = [{"$or": older}]

    @database_errors()
    async def _page(self, wanted: list[Document], limit: int) -> list[Item]:
        cursor = self._items.find({"$and": wanted}, sort=ORDER, limit=limit)
        return [to_item(found) async for found in cursor]
