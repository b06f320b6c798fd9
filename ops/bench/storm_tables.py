"""The tables of RESULTS.md that are no fan-out: the storm, and delivery checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

_BROKEN = ("lost", "duplicated", "out of order", "leaked", "removed but shown")

_STORM = """\
## A storm of clients that come back

`storm.py`: {clients:,} clients connect within {seconds:g} s to a service on one core,
which it shares with its MongoDB; two of three ask for 20 items, each third resumes, on
eight subtrees, patterns and choices of types that nobody has asked for before. Every
answer is held against what was published. Latencies run from a client's connecting to
its answer; "CPU" is the processor time of the service in all. The machine had other
work to do, which had to wait: these processes had priority on both cores. Without it,
at a load average of 11, everybody had the right answer after 8.5 to 12 s, for as many
queries and as much processor time.

| at | load average | clients | wrong or missing | queries to MongoDB | CPU s | \
all answered after s | p50 ms | p99 ms |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
_DELIVERY = """\
## Delivery under faults

`python -m ops.delivery`, one deployment a run, 60 subscribers on all transports and
four publishers ([guarantees](../../docs/guarantees.md) tell what is broken and what is
checked): {runs} runs, {minutes:,.0f} minutes of faults, {faults:,} faults,
{acknowledged:,} acknowledged publishes and removals, {live:,} live messages checked as
they came, {models:,} items in the models of subscribers at the end. Two cores, shared
with other work.

"""
_COLUMNS = (
    "deployment",
    "seed",
    "commit",
    "minutes",
    "faults",
    "acknowledged",
    "live messages",
    "resumed",
    "fresh",
    "items in models",
    *_BROKEN,
)


def _head(columns: Sequence[str]) -> str:
    rule = [
        " --- " if name in ("deployment", "commit") else " ---: " for name in columns
    ]
    return f"| {' | '.join(columns)} |\n|{'|'.join(rule)}|\n"


def sections(raw: Path) -> list[str]:
    """Return the sections that there are figures for."""
    tables = (("storm", _storm), ("delivery", _delivery))
    return [
        make(rows) for name, make in tables if (rows := _rows(raw / f"{name}.jsonl"))
    ]


def _rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _storm(rows: Sequence[Row]) -> str:
    head = _STORM.format(clients=rows[0]["clients"], seconds=rows[0]["seconds"])
    lines = [
        f"| {row['at']} | {row['load_average']} | {row['clients']:,} | {row['failed']} "
        f"| {row['queries']} | {row['cpu_s']:.1f} | {row['answered_s']:.1f} "
        f"| {row['p50_ms']:,.0f} | {row['p99_ms']:,.0f} |\n"
        for row in rows
    ]
    return head + "".join(lines)


def _delivery(rows: Sequence[Row]) -> str:
    ordered = sorted(rows, key=lambda row: (row["deployment"], row["seed"]))
    head = _DELIVERY.format(
        runs=len(rows),
        minutes=sum(row["seconds"] for row in rows) / 60,
        faults=sum(map(_faults, rows)),
        acknowledged=sum(map(_acknowledged, rows)),
        live=sum(row["counts"]["live messages"] for row in rows),
        models=sum(row["counts"]["items in models"] for row in rows),
    )
    return head + _head(_COLUMNS) + "".join(map(_delivery_line, ordered))


def _delivery_line(row: Row) -> str:
    counts = row["counts"]
    figures = [
        _faults(row),
        _acknowledged(row),
        counts["live messages"],
        counts["resumed"],
        counts["fresh backlogs"],
        counts["items in models"],
        *(row["broken"][promise] for promise in _BROKEN),
    ]
    what = f"{row['deployment']} | {row['seed']} | {row['revision']}"
    told = " | ".join(f"{figure:,}" for figure in figures)
    return f"| {what} | {row['seconds'] / 60:.1f} | {told} |\n"


def _faults(row: Row) -> int:
    counts: Mapping[str, int] = row["counts"]
    return sum(n for what, n in counts.items() if what.startswith("fault: "))


def _acknowledged(row: Row) -> int:
    counts: Mapping[str, int] = row["counts"]
    names = ("publishes acknowledged", "removals acknowledged")
    return sum(counts.get(name, 0) for name in names)
