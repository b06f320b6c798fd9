"""What one of each costs, out of the raw figures: the input of plan and simulation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from ops.scale.streams import BULK
from ops.scale.trial import HERE, fit, read

BENCH = HERE.parent / "bench" / "raw"
# The path without a database, on a core of its own.  What more items in a frame cost
# is asked of clients that do not compress: what all are sent alike is compressed once,
# and the benchmark's items almost vanish then.
FAN_OUT = {"scenario": "fan-out", "server": "feedsvc, realtime path", "clients": 3_500}
PLAIN = {**FAN_OUT, "server": "feedsvc, uncompressed"}

# Below what can be measured, but not for nothing.
LEAST_S = 1e-9

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a core and bytes of memory for one of each."""

    #: A client: its memory, and its coming, subscribing and going.
    connection_bytes: float
    connect_s: float
    #: A frame with one item to one client, and each further item in the same frame.
    frame_s: float
    extra_s: float
    #: A worker: its memory, one read of its stream, and each item in it.
    worker_bytes: float
    wake_s: float
    item_s: float
    #: The same item where it comes encoded, from a relay: the hub alone.
    hub_s: float
    #: An item that comes over HTTP, to the worker that takes it.
    publish_s: float
    #: MongoDB: a write and each item in it, one read by a stream and each item in it,
    #: and each entry of the oplog that a stream passes over.
    write_s: float
    write_item_s: float
    stream_s: float
    stream_item_s: float
    passed_s: float
    #: From the publisher to the only client, when nobody waits for anybody.
    path_s: float

    def write_of(self, at_once: int) -> float:
        """Return what MongoDB needs for an item that is written with others."""
        return self.write_s / at_once + self.write_item_s


def measured() -> Costs:
    """Return the costs that the raw files tell."""
    _, streams = read("streams")
    _, clients = read("clients")
    by_kind = {one["kind"]: one for one in clients if "kind" in one}
    units = [one for one in clients if one.get("workers") == 1]
    worker, database = _per_item(streams, "worker_cpu"), _database(streams)
    relayed_s = worker["wake_s"] + worker["item_s"]
    publish_s = by_kind["publishing"]["cpu_us_per_item"] / 1e6 - relayed_s
    return Costs(
        connection_bytes=median(one["bytes_per_connection"] for one in units),
        connect_s=by_kind["connecting"]["cpu_us_per_connection"] / 1e6,
        worker_bytes=by_kind["connecting"]["bytes_per_worker"],
        hub_s=by_kind["hub"]["item_us"] / 1e6,
        publish_s=max(publish_s, 0.0),
        path_s=by_kind["publishing"]["p50_ms"] / 1e3,
        **worker,
        **database,
        **fan_out(map(json.loads, (BENCH / "peers.jsonl").read_text().splitlines())),
    )


def fan_out(records: Iterable[Record]) -> dict[str, float]:
    """Return what a frame costs, and an item more in it, from one and many in flight.

    The same figures of the same runs as in the benchmark's tables.
    """
    records = list(records)
    one_s, _ = _frame(records, {**FAN_OUT, "mode": "one"})
    plain_s, _ = _frame(records, {**PLAIN, "mode": "one"})
    full_s, items = _frame(records, {**PLAIN, "mode": "fly"})
    return {"frame_s": one_s, "extra_s": max((full_s - plain_s) / (items - 1), 0.0)}


def _frame(records: Iterable[Record], which: Record) -> tuple[float, float]:
    """Return what a frame costs the server, and how many items it has."""
    found = [
        (
            one["server_cpu_s"] / (one["frames_per_s"] * one["seconds"]),
            one["deliveries_per_s"] / one["frames_per_s"],
        )
        for one in records
        if which.items() <= one.items()
    ]
    return median(cost for cost, _ in found), median(items for _, items in found)


def _per_item(streams: Iterable[Record], figure: str) -> dict[str, float]:
    """Return what a read and an item cost a worker, without the cost of being idle.

    One by one each item is a read of its own; in bulk a read has as many as were
    written at once.
    """
    loads = _by_load(streams, figure)
    single = median(loads["items one by one"].values())
    bulk = median(loads["items in bulk"].values())
    return _split(single, bulk, "wake_s", "item_s")


def _database(streams: Iterable[Record]) -> dict[str, float]:
    """Return what writes and streams cost MongoDB: the line over the workers."""
    loads = _by_load(streams, "mongod_cpu")
    write_one, read_one = fit(loads["items one by one"])
    write_bulk, read_bulk = fit(loads["items in bulk"])
    _, passed_s = fit(loads["other documents"])
    return {
        **_split(write_one, write_bulk, "write_s", "write_item_s"),
        **_split(read_one, read_bulk, "stream_s", "stream_item_s"),
        "passed_s": max(passed_s, 0.0),
    }


def _by_load(streams: Iterable[Record], figure: str) -> dict[str, dict[float, float]]:
    """Return seconds per item by load and number of workers, the idle ones' off."""
    streams = list(streams)
    idle = {one["workers"]: one[figure] for one in streams if one["load"] == "idle"}
    loads: dict[str, dict[float, float]] = {}
    for one in streams:
        if one["written_per_s"]:
            used = max(one[figure] - idle[one["workers"]], 0.0)
            by_workers = loads.setdefault(one["load"], {})
            by_workers[one["workers"]] = used / one["written_per_s"]
    return loads


def _split(single: float, bulk: float, each: str, item: str) -> dict[str, float]:
    """Return the part that comes with each call, and that of each item in it."""
    call = max((single - bulk) / (1 - 1 / BULK), LEAST_S)
    return {each: call, item: max(single - call, LEAST_S)}
