"""What all measurements share: workers on one MongoDB, and what each process uses."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import Any

from feedsvc.net.tokens import Tokens
from feedsvc.store.embedded import EmbeddedMongod, embedded_mongod
from ops.deploy.stage import PATIENCE_S, SECRET, Worker, free_ports
from tornado.httpclient import AsyncHTTPClient

HERE = Path(__file__).parent
RAW = HERE / "raw"
ENVIRON = {
    "FEEDSVC_LOG_LEVEL": "WARNING",
    "FEEDSVC_DRAIN_SECONDS": "0",
    "FEEDSVC_SESSIONS_PER_ADDRESS": "100000",
    "FEEDSVC_PUBLISH_PER_SECOND": "1000000",  # one token publishes for all
}
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Measured(Worker):
    """A worker that can be looked at from outside."""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this worker has not been started")
        return self._process.pid

    async def changes(self) -> float:
        """Return how many changes it has taken in from the stream."""
        page = await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self.admin_port}/metrics"
        )
        return gauge(page.body.decode(), "feedsvc_relay_changes_total")

    async def take_in(self, changes: float) -> None:
        """Wait until it has taken in so many."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.changes() < changes:  # noqa: ASYNC110 another process
                await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Some workers on one MongoDB."""

    mongod: EmbeddedMongod
    workers: Sequence[Measured]

    @property
    def pids(self) -> list[int]:
        """The processes: MongoDB first, then the workers."""
        return [self.mongod.pid, *(worker.pid for worker in self.workers)]


@asynccontextmanager
async def deployment(workers: int) -> AsyncIterator[Deployment]:
    """Run so many workers on a MongoDB of their own."""
    with TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        async with embedded_mongod(folder / "mongod") as mongod:
            environ = {**ENVIRON, "FEEDSVC_MONGODB_URI": mongod.uri}
            made = [Measured(port, folder, environ) for port in free_ports(workers)]
            try:
                for worker in made:  # the first one makes the indexes
                    await worker.start()
                    await worker.ready()
                yield Deployment(mongod, made)
            finally:
                await asyncio.gather(*(worker.stop() for worker in made))


def publisher_token(channel: str) -> str:
    """Return a token that may publish in the channel."""
    return Tokens(SECRET).issue(
        "scale", publish=[channel], lifetime=timedelta(days=1), now=datetime.now(UTC)
    )


# --- what a process uses -----------------------------------------------------------


def cpu_s(pid: int) -> float:
    """Return the processor time that the process has used so far."""
    # The name in parentheses may have spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Return the memory that the process has resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def gauge(page: str, name: str) -> float:
    """Return the sum of a metric over its labels, 0 if it is not on the page."""
    samples = (line.rpartition(" ") for line in page.splitlines())
    return sum(
        float(value)
        for labelled, _, value in samples
        if labelled.partition("{")[0] == name
    )


# --- what becomes of it ------------------------------------------------------------


def fit(points: Mapping[float, float]) -> tuple[float, float]:
    """Return the line through the points: what is there at 0, and what each adds."""
    if len(points) < 2:
        return next(iter(points.values()), 0.0), 0.0
    slope, start = linear_regression(list(points), list(points.values()))
    return start, slope


def write(name: str, records: Sequence[Mapping[str, Any]]) -> Path:
    """Write a raw file: what it depends on, then its records, a line each."""
    RAW.mkdir(exist_ok=True)
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
    }
    path = RAW / f"{name}.jsonl"
    lines = (json.dumps(record) for record in (about, *records))
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def read(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what ``write`` wrote: what it depends on, and its records."""
    lines = (RAW / f"{name}.jsonl").read_text("utf-8").splitlines()
    about, *records = map(json.loads, lines)
    return about, records
