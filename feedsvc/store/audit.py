"""Who did what to which item or source, and when: the editors' own record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId
from pymongo import DESCENDING, IndexModel
from pymongo.read_concern import ReadConcern

from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document

AUDIT = "audit"

# So long an entry is kept; MongoDB deletes it by itself.
ENTRY_AGE = timedelta(days=365)

INDEXES = [
    IndexModel([("at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel(
        [("at", DESCENDING)],
        name="expiry",
        expireAfterSeconds=int(ENTRY_AGE.total_seconds()),
    ),
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed; it names an item and its channel, or a source."""

    at: datetime
    who: str
    deed: str
    item: str = ""
    channel: str = ""
    source: str = ""
    id: str = ""


class AuditLog:
    """All entries; what is appended is on a majority."""

    def __init__(self, database: Database) -> None:
        self._audit = database.get_collection(
            AUDIT, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def prepare(self) -> None:
        """Make the collection and its indexes unless they are there."""
        await self._audit.create_indexes(INDEXES)

    @database_errors()
    async def append(self, entry: Entry) -> None:
        """Keep the entry; its own ``id`` is made here."""
        fields = {"item": entry.item, "channel": entry.channel, "source": entry.source}
        named = {name: value for name, value in fields.items() if value}
        document = {"at": entry.at, "who": entry.who, "deed": entry.deed, **named}
        await self._audit.insert_one(document)

    @database_errors()
    async def entries(
        self, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[Entry]:
        """Return the newest entries, or those before an entry's ``at`` and ``id``."""
        wanted: Document = {}
        if before is not None:
            at, entry_id = before
            # Whatever is no id of an entry comes after all that are.
            known = ObjectId(entry_id) if ObjectId.is_valid(entry_id) else ObjectId()
            earlier = {"at": at, "_id": {"$lt": known}}
            wanted["$or"] = [{"at": {"$lt": at}}, earlier]
        cursor = self._audit.find(wanted, sort=[("at", -1), ("_id", -1)], limit=limit)
        return [_entry(document) async for document in cursor]


def _entry(document: Document) -> Entry:
    return Entry(
        at=document["at"],
        who=document["who"],
        deed=document["deed"],
        item=document.get("item", ""),
        channel=document.get("channel", ""),
        source=document.get("source", ""),
        id=str(document["_id"]),
    )
