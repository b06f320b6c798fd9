"""What processes cost their MongoDB, and what each item costs a process.

Real workers without clients, ever more of them on one MongoDB, each with its change
stream.  They are left in peace, then items are written (one by one, and in bulk), then
as many documents to a collection that they do not read, whose entries in the oplog
each stream has to pass over all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from feedsvc.store import Database, connect
from feedsvc.store.items import ItemStore
from feedsvc.store.queries import ITEMS
from ops.scale.trial import Deployment, cpu_s, deployment

CHANNEL = Channel.parse("radiostation.artist")
CHANNELS = 100
BULK = 100
LOOKS = 5
TEXT = "x" * 150


@dataclass(frozen=True, slots=True)
class Load:
    """What is written while we look: so many a second, in writes of so many."""

    name: str
    per_s: float
    at_once: int


LOADS = (
    Load("idle", 0, 1),
    Load("items one by one", 100, 1),
    Load("items in bulk", 1_000, BULK),
    Load("other documents", 1_000, BULK),
)

Write = Callable[[int], Awaitable[object]]


def candidates() -> Iterator[Candidate]:
    """Return items of the usual size, on channels all over the station."""
    for number in count():
        channel = Channel.parse(f"{CHANNEL.path}.c{number % CHANNELS}")
        body = {"title": f"item {number}", "content_text": TEXT}
        yield Candidate(f"scale:{number}", ItemType.POST, channel, body)


class Writers:
    """The two ways to write, on one connection of their own."""

    def __init__(self, database: Database) -> None:
        self._store = ItemStore(database, Rules())
        self._other = database["other"]
        self._candidates = candidates()
        self.items = 0

    async def items_of(self, some: int) -> None:
        offers = [next(self._candidates) for _ in range(some)]
        await self._store.write(offers, now=datetime.now(UTC), revive=False)
        self.items += some

    async def others_of(self, some: int) -> None:
        documents = [{"lineage": CHANNEL.lineage, "text": TEXT} for _ in range(some)]
        await self._other.insert_many(documents, ordered=False)


async def pace(load: Load, seconds: float, write: Write) -> int:
    """Write at the load's rate for so long; return how many were written."""
    began, written = time.monotonic(), 0
    while (now := time.monotonic()) < began + seconds:
        due = began + written / load.per_s if load.per_s else began + seconds
        if due > now:
            await asyncio.sleep(min(due, began + seconds) - now)
            continue
        await write(load.at_once)
        written += load.at_once
    return written


@dataclass(frozen=True, slots=True)
class Look:
    """The processes and the server's own counters at one moment."""

    at: float
    cpu: tuple[float, ...]
    counters: dict[str, float]

    def since(self, before: Look) -> dict[str, float]:
        """Return what was used a second."""
        took = self.at - before.at
        mongod, *workers = (
            (new - old) / took for new, old in zip(self.cpu, before.cpu, strict=True)
        )
        counted = {
            f"{name}_per_s": round((value - before.counters[name]) / took, 1)
            for name, value in self.counters.items()
        }
        mean = sum(workers) / len(workers)
        return {"mongod_cpu": round(mongod, 5), "worker_cpu": round(mean, 5), **counted}


async def look(deployed: Deployment, database: Database) -> Look:
    """Look at processor time and at what the server has done so far."""
    status = await database.client.admin.command("serverStatus")
    counters = {
        "getmores": status["opcounters"]["getmore"],
        # What change streams read of the oplog is counted like any other scan.
        "scanned": status["metrics"]["queryExecutor"]["scannedObjects"],
        "returned": status["metrics"]["document"]["returned"],
        "bytes_out": status["network"]["bytesOut"],
    }
    return Look(time.monotonic(), tuple(map(cpu_s, deployed.pids)), counters)


async def opened(database: Database) -> dict[str, int]:
    """Return how many streams of the items are open, and connections in all."""
    # A cursor that changes from idle to busy while we look may be in neither list.
    streams = max([await _streams(database) for _ in range(LOOKS)])
    status = await database.client.admin.command("serverStatus")
    return {"streams": streams, "connections": status["connections"]["current"]}


async def _streams(database: Database) -> int:
    stream = "cursor.originatingCommand.pipeline.0.$changeStream"
    pipeline: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": True, "idleCursors": True}},
        {"$match": {"ns": f"{database.name}.{ITEMS}", stream: {"$exists": True}}},
    ]
    cursor = await database.client.admin.aggregate(pipeline)
    return len({one["cursor"]["cursorId"] for one in await cursor.to_list()})


async def measure(workers: int, seconds: float) -> list[dict[str, Any]]:
    """Return a record of each load with so many workers."""
    records = []
    async with deployment(workers) as deployed:
        database = connect(deployed.mongod.uri)
        writers = Writers(database)
        writes = {"other documents": writers.others_of}
        about = {"workers": workers, **await opened(database)}
        for load in LOADS:
            before = await look(deployed, database)
            write = writes.get(load.name, writers.items_of)
            written = await pace(load, seconds, write)
            for worker in deployed.workers:
                await worker.take_in(writers.items)
            after = await look(deployed, database)
            rate = round(written / (after.at - before.at), 1)
            used = after.since(before)
            records.append({**about, "load": load.name, "written_per_s": rate, **used})
        await database.client.close()
    return records
