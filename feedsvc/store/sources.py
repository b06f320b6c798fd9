"""What ingest remembers of its sources, and who may run one of them now.

Every host schedules every source; the lease lets one of them run it.  Writing items
is idempotent, so a lease lost to a slow clock costs a request, never an item.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from feedsvc.core.health import Health, health_of
from feedsvc.store.database import Database, database_errors

SOURCES = "sources"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of a source; ``state`` is ingest's own, the store reads none."""

    source: str
    next_due: datetime
    state: Mapping[str, Any] = field(default_factory=dict)
    holder: str | None = None
    leased_until: datetime | None = None
    health: Health = field(default_factory=Health)
    disabled_by: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a source until ``until``; ``fence`` grows with every lease."""

    source: str
    fence: int
    until: datetime
    next_due: datetime
    state: Mapping[str, Any]
    health: Health = field(default_factory=Health)


class SourceStore:
    """State and leases of all sources, one document each."""

    def __init__(self, database: Database) -> None:
        self._sources = database.get_collection(
            SOURCES, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def lease(
        self,
        source: str,
        *,
        holder: str,
        now: datetime,
        ttl_s: float,
        even_early: bool = False,
        wanted: str = "",
    ) -> Lease | None:
        """Take the source if it is due and free, or was ours before a crash.

        None if it is not due, another holder runs it or it is disabled.
        ``even_early`` takes it before it is due.  A source that was never seen is due,
        and so is one that is ``wanted`` otherwise than before: its address may have
        been mended.
        """
        until = now + timedelta(seconds=ttl_s)
        free = [{"holder": None}, {"holder": holder}, {"leased_until": {"$lte": now}}]
        can_be_had: list[Document] = [{"$or": free}, {"disabled_by": None}]
        if not even_early:
            due = [{"next_due": {"$lte": now}}, {"wanted": {"$ne": wanted}}]
            can_be_had.append({"$or": due})
        document = None
        # If it is there and not wanted, the upsert tries to insert it.
        with suppress(DuplicateKeyError):
            document = await self._sources.find_one_and_update(
                {"_id": source, "$and": can_be_had},
                {
                    "$set": {
                        "holder": holder,
                        "leased_until": until,
                        "wanted": wanted,
                    },
                    "$inc": {"fence": 1},
                    "$setOnInsert": {"next_due": now, "state": {}},
                },
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            return None
        return Lease(
            source,
            document["fence"],
            until,
            document["next_due"],
            document["state"],
            health_of(document.get("health", {})),
        )

    @database_errors()
    async def renew(self, lease: Lease, *, now: datetime, ttl_s: float) -> Lease | None:
        """Return the lease with a later end; None if it is another's by now."""
        until = now + timedelta(seconds=ttl_s)
        done = await self._sources.update_one(
            _held(lease), {"$set": {"leased_until": until}}
        )
        if not done.matched_count:
            return None
        return replace(lease, until=until)

    @database_errors()
    async def finish(
        self,
        lease: Lease,
        state: Mapping[str, Any],
        next_due: datetime,
        health: Health | None = None,
    ) -> bool:
        """Keep what the run learnt, also of the source's health, and free the source.

        False, and nothing is kept, if the lease is another's by now.
        """
        done = await self._sources.update_one(
            _held(lease),
            {
                "$set": {
                    "state": dict(state),
                    "next_due": next_due,
                    "health": asdict(health or lease.health),
                },
                "$unset": {"holder": "", "leased_until": ""},
            },
        )
        return bool(done.matched_count)

    @database_errors()
    async def disable(self, source: str, who: str, now: datetime) -> bool:
        """Let nobody lease the source any more; who has it loses it.

        False if nobody ever has: it may be another one's name misspelt.
        """
        done = await self._sources.update_one(
            {"_id": source},
            {
                "$set": {"disabled_by": who, "disabled_at": now},
                "$unset": {"holder": "", "leased_until": ""},
                "$inc": {"fence": 1},
                "$setOnInsert": {"next_due": now, "state": {}},
            },
            upsert=True,
        )
        return done.upserted_id is None

    @database_errors()
    async def enable(self, source: str) -> None:
        """Let the source be leased again, when it is due."""
        await self._sources.update_one(
            {"_id": source}, {"$unset": {"disabled_by": "", "disabled_at": ""}}
        )

    @database_errors()
    async def is_disabled(self, source: str) -> bool:
        """True from ``disable`` to ``enable``."""
        wanted: Document = {"_id": source, "disabled_by": {"$ne": None}}
        return await self._sources.find_one(wanted, {"_id": 1}) is not None

    @database_errors()
    async def all(self) -> list[SourceState]:
        """Return the state of every source that ever ran, by its key."""
        return [
            SourceState(
                document["_id"],
                document["next_due"],
                document["state"],
                document.get("holder"),
                document.get("leased_until"),
                health_of(document.get("health", {})),
                document.get("disabled_by"),
            )
            async for document in self._sources.find().sort("_id")
        ]


def _held(lease: Lease) -> Document:
    return {"_id": lease.source, "fence": lease.fence}
