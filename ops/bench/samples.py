"""What the soak looks at: the service from outside, once a second."""

from __future__ import annotations

import asyncio
import csv
import math
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path

from crowd import HOST, Served, content_length

_GAUGES = {
    "sessions": "feedsvc_live_sessions",
    "streams": "feedsvc_event_streams",
    "cohorts": "feedsvc_hub_cohorts",
    "hot_backlogs": "feedsvc_hub_hot_backlogs",
    "hot_items": "feedsvc_hub_hot_items",
    "ring_changes": "feedsvc_hub_ring_changes",
    "dead": "feedsvc_live_dead_total",
    "slow": "feedsvc_live_slow_total",
    "errors": "feedsvc_live_errors_total",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the service; ``pool`` are its connections to MongoDB."""

    second: float
    phase: str
    rss_kb: int
    descriptors: int
    pool: int
    sessions: int
    streams: int
    cohorts: int
    hot_backlogs: int
    hot_items: int
    ring_changes: int
    dead: int
    slow: int
    errors: int


async def take(served: Served, second: float, phase: str) -> Sample:
    """Look at the service now."""
    gauges = _sum_by_name(await _scrape(served.admin_port))
    return Sample(
        second=round(second, 2),
        phase=phase,
        rss_kb=_rss_kb(served.pid),
        descriptors=len(os.listdir(f"/proc/{served.pid}/fd")),
        pool=_connections_to(served.mongod_port),
        **{key: round(gauges.get(name, 0)) for key, name in _GAUGES.items()},
    )


def _rss_kb(pid: int) -> int:
    """Return the resident memory; unlike statm, the roll-up counts to the page."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return int(lines["Rss"].split()[0])


async def _scrape(port: int) -> str:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        return (await reader.readexactly(content_length(head))).decode()
    finally:
        writer.close()


def _sum_by_name(text: str) -> dict[str, float]:
    """Add up each metric over its labels."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            name = name.partition("{")[0]
            sums[name] = sums.get(name, 0) + float(value)
    return sums


def _connections_to(port: int) -> int:
    """Count the open connections to a port; the service alone has any."""
    remote, established = f":{port:04X}", "01"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(
        columns[2].endswith(remote) and columns[3] == established
        for columns in (line.split() for line in lines)
    )


def write(path: Path, samples: Sequence[Sample]) -> None:
    """Write all samples as CSV."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(field.name for field in fields(Sample))
        rows.writerows(astuple(one) for one in samples)


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line's slope by least squares, and its standard error."""

    value: float
    error: float

    @property
    def low(self) -> float:
        return self.value - 2 * self.error

    @property
    def high(self) -> float:
        return self.value + 2 * self.error


def slope(xs: Sequence[float], ys: Sequence[float]) -> Slope:
    """Fit a line.

    A second's memory is much like that of the second before, so the samples say less
    than their number: the error is widened by the residuals' own correlation.
    """
    count = len(xs)
    if count < 3:
        return Slope(math.nan, math.inf)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    spread = sum((x - mean_x) ** 2 for x in xs)
    value = (
        sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    )
    rests = [y - mean_y - value * (x - mean_x) for x, y in zip(xs, ys, strict=True)]
    squares = sum(rest**2 for rest in rests)
    error = math.sqrt(squares / (count - 2) / spread)
    likeness = sum(a * b for a, b in pairwise(rests)) / squares if squares else 0.0
    likeness = min(max(likeness, 0.0), 0.99)
    return Slope(value, error * math.sqrt((1 + likeness) / (1 - likeness)))


def draw(path: Path, samples: Sequence[Sample], warm_at: float, fit: Slope) -> bool:
    """Draw memory, and clients below it; return False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    minutes = [one.second / 60 for one in samples]
    picture = Figure(figsize=(9, 6), layout="constrained")
    memory, clients = picture.subplots(2, sharex=True)
    memory.plot(minutes, [one.rss_kb / 1024 for one in samples])
    memory.axvline(warm_at / 60, color="grey", linestyle=":")
    memory.set_ylabel("resident memory, MB")
    memory.set_ylim(bottom=0)
    memory.set_title(f"{fit.value:+.1f} ± {fit.error:.1f} MB/h after the dotted line")
    for name in ("descriptors", "sessions", "cohorts"):
        clients.plot(minutes, [getattr(one, name) for one in samples], label=name)
    clients.set_xlabel("minutes")
    clients.legend(loc="center right")
    picture.savefig(path, dpi=110)
    return True
