"""What is kept of webhooks: how far each receiver is, and what it never got.

One process at a time delivers to an endpoint: it holds the lease.  A lease lost to a
slow clock costs a message told twice, never one that is not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from feedsvc.core.position import Position
from feedsvc.store.database import Database, database_errors

ENDPOINTS = "webhooks"
DEAD_LETTERS = "webhook_dead_letters"

DEAD_LETTER_AGE = timedelta(days=30)
# Of one endpoint; beyond that the oldest go first.
MAX_DEAD_LETTERS = 10_000

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an endpoint is: all up to ``position`` has been told or given up.

    ``fence`` grows with every lease; None as ``position`` means from now on.
    """

    name: str
    fence: int
    epoch: bytes = b""
    position: Position | None = None
    failing_since: datetime | None = None
    holder: str | None = None
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, with all that is needed to send it again."""

    endpoint: str
    id: str
    event: str
    item_id: str
    channel: str
    body: str
    reason: str
    attempts: int
    at: datetime


class Standings:
    """How far receivers of one kind are, and which process tells each of them."""

    def __init__(self, database: Database, collection: str) -> None:
        self._endpoints = database.get_collection(
            collection, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def lease(
        self, name: str, holder: str, now: datetime, ttl_s: float
    ) -> Standing | None:
        """Take the endpoint if nobody has it; None if somebody does."""
        free = [{"holder": None}, {"holder": holder}, {"leased_until": {"$lte": now}}]
        until = now + timedelta(seconds=ttl_s)
        try:
            document = await self._endpoints.find_one_and_update(
                {"_id": name, "$or": free},
                {
                    "$set": {"holder": holder, "leased_until": until},
                    "$inc": {"fence": 1},
                },
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # It is there and taken, so the upsert tried to insert it.
            return None
        return _standing(document) if document else None

    @database_errors()
    async def renew(self, standing: Standing, now: datetime, ttl_s: float) -> bool:
        """Hold the lease for longer; False if it is another's by now."""
        until = now + timedelta(seconds=ttl_s)
        done = await self._endpoints.update_one(
            {"_id": standing.name, "fence": standing.fence},
            {"$set": {"leased_until": until}},
        )
        return bool(done.matched_count)

    @database_errors()
    async def release(self, standing: Standing) -> None:
        """Let the next process have the endpoint at once."""
        await self._endpoints.update_one(
            {"_id": standing.name, "fence": standing.fence},
            {"$unset": {"holder": "", "leased_until": ""}},
        )

    @database_errors()
    async def save(self, standing: Standing) -> bool:
        """Keep how far the endpoint is; False if the lease is another's by now."""
        done = await self._endpoints.update_one(
            {"_id": standing.name, "fence": standing.fence},
            {
                "$set": {
                    "epoch": standing.epoch,
                    "position": list(standing.position or ()),
                }
            },
        )
        return bool(done.matched_count)

    @database_errors()
    async def standing(self, name: str) -> Standing | None:
        """Return how far the receiver is, whoever tells it; None if nobody ever has."""
        found = await self._endpoints.find_one({"_id": name})
        return _standing(found) if found else None


class WebhookStore(Standings):
    """Standings and dead letters of all endpoints of a deployment."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ENDPOINTS)
        self._dead = database.get_collection(
            DEAD_LETTERS, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def prepare(self) -> None:
        """Make the indexes unless they are there."""
        await self._dead.create_indexes(
            [
                IndexModel([("endpoint", ASCENDING), ("at", ASCENDING)], name="oldest"),
                IndexModel(
                    [("at", ASCENDING)],
                    name="expiry",
                    expireAfterSeconds=int(DEAD_LETTER_AGE.total_seconds()),
                ),
            ]
        )

    @database_errors()
    async def mark_failing(self, name: str, since: datetime | None) -> None:
        """Keep since when the receiver takes nothing; None says that it does."""
        await self._endpoints.update_one(
            {"_id": name}, {"$set": {"failing_since": since}}
        )

    @database_errors()
    async def standings(self) -> list[Standing]:
        """Return how far every endpoint is that ever was configured."""
        cursor = self._endpoints.find().sort("_id")
        return [_standing(one) async for one in cursor]

    @database_errors()
    async def bury(self, letter: DeadLetter) -> None:
        """Keep a message that was given up, and no more of them than is bounded."""
        document = {**asdict(letter), "_id": f"{letter.endpoint} {letter.id}"}
        await self._dead.replace_one({"_id": document["_id"]}, document, upsert=True)
        mine = {"endpoint": letter.endpoint}
        surplus = self._dead.find(mine, {"_id": 1}).sort("at", -1)
        found = await surplus.skip(MAX_DEAD_LETTERS).to_list()
        if found:
            await self._dead.delete_many(
                {"_id": {"$in": [one["_id"] for one in found]}}
            )

    @database_errors()
    async def dead_letters(
        self, endpoint: str | None = None, limit: int = MAX_DEAD_LETTERS
    ) -> list[DeadLetter]:
        """Return what was given up, oldest first."""
        wanted = {} if endpoint is None else {"endpoint": endpoint}
        cursor = self._dead.find(wanted).sort("at", ASCENDING).limit(limit)
        return [_letter(one) async for one in cursor]

    @database_errors()
    async def count_dead(self) -> dict[str, int]:
        """Return how many messages of each endpoint were given up and are kept."""
        groups = [{"$group": {"_id": "$endpoint", "count": {"$sum": 1}}}]
        found = await self._dead.aggregate(groups)
        return {one["_id"]: one["count"] async for one in found}

    @database_errors()
    async def ask_again(self, endpoint: str, ids: Sequence[str] = ()) -> int:
        """Mark dead letters to be sent again, all if none is named; return how many."""
        wanted: Document = {"endpoint": endpoint}
        if ids:
            wanted["id"] = {"$in": list(ids)}
        done = await self._dead.update_many(wanted, {"$set": {"again": True}})
        return int(done.matched_count)

    @database_errors()
    async def next_again(self, endpoint: str) -> DeadLetter | None:
        """Return the oldest dead letter that is to be sent again."""
        found = await self._dead.find_one(
            {"endpoint": endpoint, "again": True}, sort=[("at", ASCENDING)]
        )
        return _letter(found) if found else None

    @database_errors()
    async def unbury(self, letter: DeadLetter) -> None:
        """Forget a dead letter that has been delivered."""
        await self._dead.delete_one({"_id": f"{letter.endpoint} {letter.id}"})


def _standing(document: Document) -> Standing:
    position = document.get("position")
    return Standing(
        document["_id"],
        document["fence"],
        document.get("epoch", b""),
        Position(*position) if position else None,
        document.get("failing_since"),
        document.get("holder"),
        document.get("leased_until"),
    )


def _letter(document: Document) -> DeadLetter:
    return DeadLetter(
        **{name: document[name] for name in DeadLetter.__dataclass_fields__}
    )
