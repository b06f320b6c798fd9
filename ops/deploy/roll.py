"""A rolling restart under clients that keep count: what they miss, when they return."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from ops.deploy.listeners import SPREAD_S, TRY_AGAIN_S, Listener, Publisher, Record
from ops.deploy.stage import HERE, PATH, Front, StageError, Worker, end

# So many come in at once at first, as not to be a storm of their own.
COMING_AT_ONCE = 50
PATIENCE_S = 90.0
# Takes the place of systemctl, and hands what it is told to this process.
_SYSTEMCTL = """#!{python}
import socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    line.sendall(" ".join(sys.argv[1:]).encode() + b"\\n")
    sys.exit(0 if line.recv(16) == b"done" else 1)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rolling restart, as its clients saw it."""

    clients: int
    published: int
    missed: int
    doubled: int
    returns: int
    returns_peak_per_s: int
    closes_peak_per_s: int
    #: How late this process was at most: then its clients came in a bunch.
    late_s: float
    failed: dict[str, int]
    not_resumed: int
    closed: dict[int, int]
    seconds: float
    closes_each_s: list[int]
    returns_each_s: list[int]


async def roll(
    fronts: Sequence[Front],
    workers: Sequence[Worker],
    *,
    clients: int,
    spread_s: float = SPREAD_S,
    pause_s: float = 15.0,
    every_s: float = 1.0,
) -> Outcome:
    """Restart all workers, one after the other, by ``rolling_restart.py``.

    The clients are spread over the balancers; the publisher uses the first.
    """
    record = Record()
    every_front = enumerate(islice(cycle(fronts), clients))
    listeners = [Listener(*one, record, spread_s) for one in every_front]
    publisher = Publisher(fronts[0], every_s)
    lateness = Lateness()
    tasks: list[asyncio.Task[Any]] = []
    try:
        for first in range(0, clients, COMING_AT_ONCE):
            some = listeners[first : first + COMING_AT_ONCE]
            tasks += [asyncio.create_task(one.run()) for one in some]
            await _all_here(some)
        publishing = asyncio.create_task(publisher.run())
        tasks += [publishing, asyncio.create_task(lateness.run())]
        began = time.monotonic()
        await _restart_all(workers, pause_s)
        seconds = time.monotonic() - began
        try:
            await _all_here(listeners)
        except TimeoutError:
            gone = sum(not one.is_here.is_set() for one in listeners)
            raise StageError(
                f"{gone} clients do not come back; tries failed: {dict(record.failed)}"
            ) from None
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await publisher.publish()
        await _heard(listeners, publisher.published[-1])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    wanted = set(publisher.published)
    return Outcome(
        clients=clients,
        published=len(wanted),
        missed=sum(len(wanted - set(one.seen)) for one in listeners),
        doubled=sum(times > 1 for one in listeners for times in one.seen.values()),
        returns=len(record.tried_at),
        returns_peak_per_s=peak(record.tried_at),
        closes_peak_per_s=peak(record.closed_at),
        late_s=round(lateness.most_s, 2),
        failed=dict(record.failed),
        not_resumed=record.not_resumed,
        closed=dict(record.closed),
        seconds=round(seconds, 1),
        closes_each_s=each_second(record.closed_at, began),
        returns_each_s=each_second(record.tried_at, began),
    )


class Lateness:
    """How much later than it should the loop of this process comes to a task."""

    def __init__(self) -> None:
        self.most_s = 0.0

    async def run(self) -> NoReturn:
        """Look all the time, until cancelled."""
        while True:
            due = time.monotonic() + TRY_AGAIN_S
            await asyncio.sleep(TRY_AGAIN_S)
            self.most_s = max(self.most_s, time.monotonic() - due)


def each_second(instants: Sequence[float], began: float) -> list[int]:
    """Return how many instants lie in each second from ``began`` on."""
    counts = Counter(int(instant - began) for instant in instants)
    return [counts[second] for second in range(max(counts, default=-1) + 1)]


def peak(instants: Sequence[float]) -> int:
    """Return the most instants that lie within one second."""
    ordered, first, most = sorted(instants), 0, 0
    for last, instant in enumerate(ordered):
        while ordered[first] <= instant - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


async def _all_here(listeners: Sequence[Listener]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for one in listeners:
            await one.is_here.wait()


async def _heard(listeners: Sequence[Listener], item_id: str) -> None:
    """Wait until everybody has the item, or patience is over."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if all(item_id in one.seen for one in listeners):
            return
        await asyncio.sleep(TRY_AGAIN_S)


async def _restart_all(workers: Sequence[Worker], pause_s: float) -> None:
    ports = [str(worker.port) for worker in workers]
    async with _systemctl(workers) as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "rolling_restart.py"), *ports),
            *("--pause", str(pause_s)),
            env={"PATH": f"{folder}:{PATH}"},
        )
        try:
            if await process.wait():
                raise StageError("the rolling restart failed")
        finally:
            await end(process)


@asynccontextmanager
async def _systemctl(workers: Sequence[Worker]) -> AsyncIterator[str]:
    """Have a ``systemctl`` that restarts our workers; return the folder it is in."""
    by_unit = {f"restart feedsvc@{worker.port}": worker for worker in workers}
    orders: list[asyncio.Task[None]] = []

    def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        orders.append(asyncio.create_task(obey(reader, writer)))

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = (await reader.readline()).decode().strip()
            await by_unit[asked].restart()
            writer.write(b"done")
            await writer.drain()
        finally:
            writer.close()

    with TemporaryDirectory(prefix="roll-") as folder:
        path, program = f"{folder}/line", Path(folder) / "systemctl"
        program.write_text(_SYSTEMCTL.format(python=sys.executable, path=path))
        program.chmod(0o755)
        async with await asyncio.start_unix_server(hear, path):
            try:
                yield folder
            finally:
                # A worker must not be started when all are being stopped.
                for order in orders:
                    order.cancel()
                await asyncio.gather(*orders, return_exceptions=True)
