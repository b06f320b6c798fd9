"""What is held: found when it is due or when an editor asks, and released."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from feedsvc.core.access import Rules
from feedsvc.core.record import Reason, Record
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document, to_ms, to_record
from feedsvc.store.queries import ITEMS, QUERY_MS
from feedsvc.store.writer import Writer

LEASES = "leases"

# Items released by one write; the next follows at once.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Released:
    """How many items became visible, and how late the latest of them was."""

    count: int
    late_s: float


class HeldStore:
    """The held versions of all items; writing them is the ``ItemStore``'s part."""

    def __init__(self, database: Database, rules: Rules) -> None:
        majority = ReadConcern("majority")
        self._items = database.get_collection(ITEMS, read_concern=majority)
        self._leases = database.get_collection(LEASES, read_concern=majority)
        self._writer = Writer(self._items, rules)

    @database_errors()
    async def next_due(self) -> datetime | None:
        """Return when time releases something next; None if nothing waits for it."""
        found = await self._items.find_one(
            {"held.due_at": {"$exists": True}},
            {"held.due_at": 1},
            sort=[("held.due_at", 1)],
            max_time_ms=QUERY_MS,
        )
        due_at: datetime | None = found["held"]["due_at"] if found else None
        return due_at

    @database_errors()
    async def take_turn(self, holder: str, now: datetime, ttl_s: float) -> bool:
        """True if it is the holder who releases until ``ttl_s`` from now.

        Two at once would do no harm: what one has released the other finds changed.
        """
        until = now + timedelta(seconds=ttl_s)
        free: list[Document] = [{"holder": holder}, {"until": {"$lte": now}}]
        with suppress(DuplicateKeyError):  # it is there, and not free
            await self._leases.update_one(
                {"_id": "release", "$or": free},
                {"$set": {"holder": holder, "until": until}},
                upsert=True,
            )
            return True
        return False

    @database_errors()
    async def release(self, now: datetime) -> Released:
        """Make visible what is due, by commits in the order of their time.

        Call it again until it finds nothing: it takes no more than ``BATCH`` at once.
        """
        cursor = self._items.find(
            {"held.due_at": {"$lte": now}},
            sort=[("held.due_at", 1)],
            limit=BATCH,
            max_time_ms=QUERY_MS,
        )
        records = [to_record(document) async for document in cursor]
        released = [(record, record.release(to_ms(now))) for record in records]
        steps = [(held, shown) for held, shown in released if shown is not held]
        if not steps:
            return Released(0, 0.0)
        count = await self._writer.replace(steps)
        first = steps[0][0].held
        due_at = first.due_at if first else None
        return Released(count, (now - due_at).total_seconds() if due_at else 0.0)

    @database_errors()
    async def queue(
        self, reason: Reason, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[Record]:
        """Return what is held for the reason, that which was held first at the head.

        ``after`` is ``since`` and id of the last one of the page before.
        """
        wanted: Document = {"held.reason": reason.value}
        if after is not None:
            since, item_id = after
            later = {"held.since": {"$gt": since}}
            wanted["$or"] = [later, {"held.since": since, "_id": {"$gt": item_id}}]
        cursor = self._items.find(
            wanted,
            sort=[("held.since", 1), ("_id", 1)],
            limit=limit,
            max_time_ms=QUERY_MS,
        )
        return [to_record(document) async for document in cursor]

    @database_errors()
    async def counts(self) -> Mapping[Reason, int]:
        """Return how many items are held for each reason."""
        cursor = await self._items.aggregate(
            [
                {"$match": {"held.reason": {"$exists": True}}},
                {"$group": {"_id": "$held.reason", "count": {"$sum": 1}}},
            ],
            maxTimeMS=QUERY_MS,
        )
        found = {row["_id"]: row["count"] for row in await cursor.to_list()}
        return {reason: found.get(reason.value, 0) for reason in Reason}

    @database_errors()
    async def pinned(self, root: str) -> int:
        """Return how many items are pinned in the channel and below."""
        wanted: Document = {"lineage": root, "pinned": True}
        return await self._items.count_documents(wanted, hint="pinned")
