"""What a connection and a delivery cost, and whether two workers do twice as much.

A *unit* is a worker on a core of its own, with the load client that keeps it busy on
the same core, with the lowest priority: it reads what there is whenever the worker has
nothing to do.  Each unit has a channel of its own, and publishes the next item when
all its clients have the last.  Both units write to one MongoDB, and each worker reads
what both write, as in any deployment.  MongoDB is on the cores of the units: all of a
deployment on one core is compared with all of one on two.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from feedsvc.store import connect
from ops.bench.peers import BACKLOG, SOCKJS, WORK, subscription
from ops.scale.streams import Writers
from ops.scale.trial import (
    Measured,
    cpu_s,
    deployment,
    publisher_token,
    rss_bytes,
)

LOAD_S = 120.0
ROOT_CHANNEL = "radiostation.artist"
ITEM_BYTES = 250


async def load(
    worker: Measured, channel: str, *options: str, before: tuple[str, ...] = ()
) -> Any:
    """Run the load client against a worker; return what it says.

    ``before`` is what runs it: on which core, how urgently.
    """
    port = str(worker.port)
    head = (
        rf"POST /api/channels/{channel}/items HTTP/1.1\r\nHost: x\r\n"
        rf"Authorization: Bearer {publisher_token(channel)}\r\n"
        rf"Content-Length: {ITEM_BYTES}\r\n\r\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(*before, str(WORK / "load"), "--port", port, "--control-port", port),
        *("--pid", str(worker.pid)),
        *("--head", head, "--tail", "", "--accepted", "HTTP/1.1 201"),
        *(*SOCKJS, *subscription(channel), *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LOAD_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"the load client: {errors.decode().strip()}")
    return json.loads(output)


async def connecting(clients: int) -> dict[str, Any]:
    """Return what clients cost that come, subscribe, get a backlog, and go."""
    async with deployment(1) as deployed:
        database = connect(deployed.mongod.uri)
        writers = Writers(database)
        await writers.items_of(BACKLOG)
        await database.client.close()
        [worker] = deployed.workers
        await worker.take_in(BACKLOG)
        options = ("--clients", str(clients), "--prefill", "0")
        # The first run warms up what is made once, whoever comes.
        await load(worker, ROOT_CHANNEL, *options)
        before = cpu_s(worker.pid)
        await load(worker, ROOT_CHANNEL, *options)
        used = cpu_s(worker.pid) - before
        return {
            "clients": clients,
            "cpu_us_per_connection": round(used / clients * 1e6, 1),
            "bytes_per_worker": rss_bytes(worker.pid),
        }


async def publishing(seconds: float) -> dict[str, Any]:
    """Return what an item costs that is published over HTTP and has one reader."""
    async with deployment(1) as deployed:
        [worker] = deployed.workers
        options = ("--clients", "1", "--window", "1", "--seconds", str(seconds))
        found = await load(worker, ROOT_CHANNEL, *options)
        used_s = found["server_cpu_s"] / max(found["items"], 1)
        return {"cpu_us_per_item": round(used_s * 1e6, 1), "p50_ms": found["p50_ms"]}


def pin(pid: int, cores: set[int]) -> None:
    """Keep all threads of the process on these cores, and those that they start."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


async def units(count: int, clients: int, seconds: float) -> dict[str, Any]:
    """Run so many units at once; return their sum."""
    async with deployment(count) as deployed:
        pin(deployed.mongod.pid, set(range(count)))
        for core, worker in enumerate(deployed.workers):
            pin(worker.pid, {core})
        before = cpu_s(deployed.mongod.pid)
        options = (
            *("--clients", str(clients), "--prefill", str(BACKLOG)),
            *("--window", "1", "--seconds", str(seconds)),
        )
        found = await asyncio.gather(
            *(
                load(
                    worker,
                    f"{ROOT_CHANNEL}.unit{core}",
                    *options,
                    before=("nice", "-n", "19", "taskset", "-c", str(core)),
                )
                for core, worker in enumerate(deployed.workers)
            )
        )
        database_s = cpu_s(deployed.mongod.pid) - before
    return total(found) | {"workers": count, "mongod_cpu_s": round(database_s, 2)}


def total(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up what the load clients say."""
    per_s = sum(one["deliveries_per_s"] for one in found)
    frames = sum(one["frames_per_s"] * one["seconds"] for one in found)
    used = sum(one["server_cpu_s"] for one in found)
    faults = ("lost", "duplicated", "out_of_order", "closed")
    return {
        "clients": sum(one["clients"] for one in found),
        "deliveries_per_s": per_s,
        "frames_per_cpu_s": round(frames / used) if used else 0,
        "bytes_per_connection": round(
            sum(one["rss_per_connection"] for one in found) / len(found)
        ),
        "p50_ms": max(one["p50_ms"] for one in found),
        **{fault: sum(one[fault] for one in found) for fault in faults},
    }


async def rounds(count: int, clients: int, seconds: float) -> list[dict[str, Any]]:
    """Measure one worker and two in turn, so that a busy moment falls on both."""
    records = []
    for number in range(count):
        for workers in (1, 2):
            record = await units(workers, clients, seconds)
            records.append({"round": number, **record})
            print(f"  {workers} workers: {record['deliveries_per_s']:,.0f}/s")
    return records


def ratio(records: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    """Return the median over the rounds of what two workers do, relative to one."""
    by_round = {(one["round"], one["workers"]): one[figure] for one in records}
    pairs = [
        two / by_round[number, 1]
        for (number, workers), two in by_round.items()
        if workers == 2 and by_round.get((number, 1))
    ]
    return median(pairs) if pairs else None
