"""What one source brought, shown or held: found again by ingest, removed at once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from pymongo.read_concern import ReadConcern

from feedsvc.core.access import Rules
from feedsvc.core.item import Item, ItemType
from feedsvc.core.record import Record
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document, to_item, to_ms, to_record
from feedsvc.store.queries import ITEMS, ORDER
from feedsvc.store.writer import Writer

# Of a calendar nobody plans more than this ahead.
MAX_EVENTS = 5_000
# What is read at once of what may be everything.
PAGE = 500

# What is held and was never shown; the second condition has an index.
_ONLY_HELD: Document = {"channel": None, "held.reason": {"$exists": True}}


class SourcedItems:
    """Items by where they came from."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._items = database.get_collection(
            ITEMS, read_concern=ReadConcern("majority")
        )
        self._writer = Writer(self._items, rules)

    @database_errors()
    async def by_alt_id(self, source: str, alt_ids: Collection[str]) -> list[Item]:
        """Return the items, tombstones too, that have one of the second keys."""
        wanted: Document = {"source": source, "alt_id": {"$in": sorted(alt_ids)}}
        held = {**_ONLY_HELD, **{f"held.item.{key}": wanted[key] for key in wanted}}
        cursor = self._items.find({"$or": [wanted, held]})
        records = [to_record(found) async for found in cursor]
        return [record.newest for record in records if record.newest]

    @database_errors()
    async def events_after(self, source: str, now: datetime) -> list[Item]:
        """Return the events of the source that everybody sees and that are to come."""
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
    ) -> AsyncIterator[Sequence[Record]]:
        """Yield what is stored of a source, of an author, or of both, by pages.

        First what is shown, the newest first, then what is held; of what is shown at
        most ``newest`` items, where 0 means all.  An author is named by name, in
        whichever case, or by address.
        """
        left = newest or None
        after: Document = {}
        shown = {"removed_at": None, "channel": {"$ne": None}}
        while left is None or left > 0:
            wanted = [shown, *_of(source, author), after]
            page = await self._page(wanted, min(PAGE, left or PAGE))
            if not page:
                break
            yield page
            left = None if left is None else left - len(page)
            after = _below(page[-1])
        held = [_ONLY_HELD, *_of(source, author, "held.item.")]
        last = ""
        while page := await self._page([*held, {"_id": {"$gt": last}}], PAGE, "_id"):
            yield page
            last = page[-1].id

    @database_errors()
    async def erase(self, records: Sequence[Record], *, now: datetime) -> int:
        """Leave only tombstones of the records; return how many.

        What has changed meanwhile is left as it is: read it again.
        """
        changed = [(record, record.remove(to_ms(now))) for record in records]
        steps = [(before, after) for before, after in changed if after is not before]
        return await self._writer.replace(steps) if steps else 0

    @database_errors()
    async def _page(
        self, wanted: list[Document], limit: int, order: str = ""
    ) -> list[Record]:
        sort = [(order, 1)] if order else ORDER
        cursor = self._items.find({"$and": wanted}, sort=sort, limit=limit)
        return [to_record(found) async for found in cursor]


def _of(source: str | None, author: str | None, inside: str = "") -> list[Document]:
    wanted: list[Document] = []
    if source is not None:
        wanted.append({f"{inside}source": source})
    if author is not None:
        name = re.compile(f"^{re.escape(author)}$", re.IGNORECASE)
        by = [{f"{inside}authors.name": name}, {f"{inside}authors.url": author}]
        wanted.append({"$or": by})
    return wanted


def _below(record: Record) -> Document:
    item = record.shown
    if item is None:
        raise ValueError("only what is shown has a place in the order")
    older = [
        {"date": {"$lt": item.date}},
        {"date": item.date, "_id": {"$lt": item.id}},
    ]
    return {"$or": older}
