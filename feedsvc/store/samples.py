"""What the processes of a deployment tell of themselves, for an hour.

Each keeps its newest state, and every ten seconds a sample of a few numbers.  So any
of them can show all, and a process that ended leaves its part of the past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document

PROCESSES, SAMPLES = "processes", "samples"

STEP = timedelta(seconds=10)
KEPT = timedelta(hours=1)
# A process that has missed two of its turns is gone, or may as well be.
FRESH = 3 * STEP
# Far more processes than one deployment has; a bound all the same.
MAX_PROCESSES = 1_000


@dataclass(frozen=True, slots=True)
class State:
    """One process at one instant; ``subscribers`` are counted by channel."""

    process: str
    at: datetime
    started_at: datetime
    is_ready: bool
    lag_s: float
    memory_bytes: int
    streams: int = 0
    changes_per_s: float = 0.0
    messages_per_s: float = 0.0
    sessions: Mapping[str, int] = field(default_factory=dict)
    subscribers: Mapping[str, int] = field(default_factory=dict)

    @property
    def connections(self) -> int:
        return sum(self.sessions.values()) + self.streams


@dataclass(frozen=True, slots=True)
class Sample:
    """All processes at one instant: sums, but for what each sees alike."""

    at: datetime
    processes: int
    connections: int
    messages_per_s: float
    changes_per_s: float
    lag_s: float
    memory_bytes: int


class SampleStore:
    """States and samples; MongoDB forgets them by itself."""

    def __init__(self, database: Database) -> None:
        self._processes = database.get_collection(PROCESSES)
        self._samples = database.get_collection(SAMPLES)

    @database_errors()
    async def prepare(self) -> None:
        """Make the indexes by which MongoDB forgets."""
        for collection, age in ((self._processes, FRESH), (self._samples, KEPT)):
            expiry = IndexModel(
                [("at", ASCENDING)],
                name="expiry",
                expireAfterSeconds=int(age.total_seconds()),
            )
            await collection.create_indexes([expiry])

    @database_errors()
    async def keep(self, state: State) -> None:
        """Keep the state as its process's newest, and the sample that it makes."""
        document: Document = asdict(state)
        # A channel's dots would be a path in a key.
        document["subscribers"] = [list(one) for one in state.subscribers.items()]
        wanted = {"_id": document.pop("process")}
        await self._processes.replace_one(wanted, document, upsert=True)
        sample = _sample(state)
        # By its id, so that a step that is told twice counts once.
        await self._samples.replace_one({"_id": sample["_id"]}, sample, upsert=True)

    @database_errors()
    async def states(self, now: datetime) -> Sequence[State]:
        """Return the newest state of every process that lives, by its name."""
        cursor = self._processes.find({"at": {"$gt": now - FRESH}})
        cursor.sort("_id").limit(MAX_PROCESSES)
        return [_state(document) async for document in cursor]

    @database_errors()
    async def hour(self, now: datetime) -> Sequence[Sample]:
        """Return the samples of the last hour, the oldest first."""
        totals = {name: {"$sum": f"${name}"} for name in _SUMS}
        highest = {name: {"$max": f"${name}"} for name in _SEEN_ALIKE}
        steps: list[Document] = [
            {"$match": {"at": {"$gt": now - KEPT}}},
            {"$group": {"_id": "$at", "processes": {"$sum": 1}, **totals, **highest}},
            {"$sort": {"_id": 1}},
        ]
        cursor = await self._samples.aggregate(steps)
        return [Sample(at=row.pop("_id"), **row) for row in await cursor.to_list()]


_SUMS = ("connections", "messages_per_s", "memory_bytes")
_SEEN_ALIKE = ("changes_per_s", "lag_s")


def _sample(state: State) -> Document:
    numbers = {name: getattr(state, name) for name in (*_SUMS, *_SEEN_ALIKE)}
    slot = _slot(state.at)
    return {"_id": {"at": slot, "process": state.process}, "at": slot, **numbers}


def _slot(at: datetime) -> datetime:
    """Return the step that the instant lies in: all processes have the same ones."""
    since_start = at - datetime.min.replace(tzinfo=at.tzinfo)
    return at - since_start % STEP


def _state(document: Document) -> State:
    known = {name: document[name] for name in State.__slots__ if name in document}
    subscribers = dict(document["subscribers"])
    return State(**{**known, "process": document["_id"], "subscribers": subscribers})
