"""Measure the whole path: an item's way from its publisher to the last of all clients.

    latency.py              1, 20 and 200 items a second to 3,500 clients, 10 s each
    latency.py --clients N --seconds S --rates R ...

The service is ``feedsvc serve`` with its private MongoDB on one core, all clients, the
publisher and a watcher of the database on another.  Items leave when they are due,
whatever became of those before (open loop), and all times are of one clock:

    accepted    from the request until its answer: MongoDB has it on a majority
    changed     from the request until a change stream of our own has the item
    last        from the request until the last client has it
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient

from crowd import Publisher, Served, crowd, quantile, service, set_up
from peers import HERE

RAW = HERE / "raw" / "latency.jsonl"
# Requests under way at once; what comes on top of them waits, and its time counts.
CONNECTIONS = 100
PAUSE_S = 1.0
BEHIND_S = 60.0  # that the service may need for what is left when a rate ends
WAYS = ("accepted", "changed", "last")


@dataclass(slots=True)
class Times:
    """When an item left, and when it was where; 0 if it never was."""

    rate: float
    due: float
    sent: float = 0.0
    accepted: float = 0.0
    changed: float = 0.0
    last: float = 0.0

    def took_ms(self, way: str) -> float:
        there: float = getattr(self, way)
        return (there - self.sent) * 1e3


@dataclass(slots=True)
class Publishing:
    """All items of a run, and the connections that are free to take the next one."""

    port: int
    times: list[Times] = field(default_factory=list)
    idle: asyncio.LifoQueue[Publisher] = field(default_factory=asyncio.LifoQueue)

    async def connect(self) -> None:
        for _ in range(CONNECTIONS):
            publisher = Publisher(self.port)
            await publisher.open()
            self.idle.put_nowait(publisher)

    async def pace(self, rate: float, seconds: float) -> None:
        """Send an item whenever one is due, then wait until all are accepted."""
        began = time.monotonic() + 0.1
        limit = asyncio.timeout(seconds + BEHIND_S)
        async with limit, asyncio.TaskGroup() as requests:
            for number in range(round(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(due - time.monotonic())
                requests.create_task(self._send(Times(rate, due)))

    async def _send(self, times: Times) -> None:
        number = len(self.times)
        self.times.append(times)
        times.sent = time.monotonic()
        publisher = await self.idle.get()
        times.accepted = await publisher.publish(f"seq:{number}")
        self.idle.put_nowait(publisher)

    def close(self) -> None:
        while not self.idle.empty():
            self.idle.get_nowait().close()


@asynccontextmanager
async def watching(uri: str, times: list[Times]) -> AsyncIterator[None]:
    """Note when each item comes out of a change stream that is nobody else's."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    async with client:
        items = client["feedsvc"]["items"]
        stream = await items.watch(
            [{"$project": {"fullDocument.title": 1, "fullDocument.body.title": 1}}]
        )

        async def note() -> None:
            async for event in stream:
                now = time.monotonic()
                document = event.get("fullDocument", {})
                title = document.get("title") or document["body"]["title"]
                times[int(title.removeprefix("seq:"))].changed = now

        task = asyncio.create_task(note())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await stream.close()


async def measure(served: Served, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run every rate, one after the other; return a record of each."""
    total = sum(round(rate * options.seconds) for rate in options.rates)
    publishing = Publishing(served.port)
    async with (
        crowd(served.port, options.clients, total) as clients,
        watching(served.mongodb_uri, publishing.times),
    ):
        await publishing.connect()
        for rate in options.rates:
            print(f"{rate:g} items/s for {options.seconds:g} s", flush=True)
            await publishing.pace(rate, options.seconds)
            await asyncio.sleep(PAUSE_S)
        publishing.close()
        found = await clients.leave()
    for times, last in zip(publishing.times, found["done_at"], strict=True):
        times.last = last
    return [record(publishing.times, rate, options, found) for rate in options.rates]


def record(
    times: list[Times], rate: float, options: argparse.Namespace, found: dict[str, Any]
) -> dict[str, Any]:
    """Return the figures of one rate, in ms."""
    mine = [one for one in times if one.rate == rate]
    figures: dict[str, Any] = {
        "clients": options.clients,
        "items_per_s": rate,
        "seconds": options.seconds,
        "items": len(mine),
        "lost": sum(one.last == 0 for one in mine),
        "closed": found["closed"],
        "late_p99_ms": quantile([(one.sent - one.due) * 1e3 for one in mine], 0.99),
    }
    for way in WAYS:
        took = [one.took_ms(way) for one in mine if getattr(one, way)]
        figures[f"{way}_p50_ms"] = quantile(took, 0.5)
        figures[f"{way}_p99_ms"] = quantile(took, 0.99)
    fan_out = [
        (one.last - one.changed) * 1e3 for one in mine if one.last and one.changed
    ]
    figures["fan_out_p50_ms"] = quantile(fan_out, 0.5)
    return {
        key: round(value, 2) if isinstance(value, float) else value
        for key, value in figures.items()
    }


def show(records: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"\n{records[0]['clients']:,} clients; ms from the request, p50 / p99")
    titles = ("items/s", "accepted", "changed", "last client", "fan-out p50", "lost")
    print("".join(f"{title:>17}" for title in titles))
    for one in records:
        cells = [f"{one['items_per_s']:g}"]
        cells += [
            f"{one[f'{way}_p50_ms']:.1f} / {one[f'{way}_p99_ms']:.1f}" for way in WAYS
        ]
        cells += [f"{one['fan_out_p50_ms']:.1f}", str(one["lost"])]
        print("".join(f"{cell:>17}" for cell in cells))
    late = max(one["late_p99_ms"] for one in records)
    print(
        "accepted: MongoDB has it on a majority and the publisher knows; changed: a"
        " change\nstream has it; fan-out: from there to the last client."
        f"  Items left at most {late:.1f} ms\nlate (p99).  A request that waits for the"
        " service's core waits in all columns."
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=3_500)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate")
    parser.add_argument("--rates", nargs="+", type=float, default=[1.0, 20.0, 200.0])
    return parser.parse_args()


def main() -> int:
    options = parse()
    set_up()
    with service() as served:
        records = asyncio.run(measure(served, options))
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load_average": round(os.getloadavg()[0], 2),
    }
    RAW.parent.mkdir(exist_ok=True)
    RAW.write_text("".join(json.dumps({**about, **one}) + "\n" for one in records))
    show(records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
