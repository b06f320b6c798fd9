"""Make tables and a picture of the raw figures: ``report.py`` writes RESULTS.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import storm_tables
from peers import FLOOR, HERE

FAULTS = ("lost", "duplicated", "out_of_order", "closed")
RIVAL = "sockjs-node"
RAW = HERE / "raw"
RESULTS = HERE / "RESULTS.md"

Record = dict[str, Any]
Key = tuple[str, int, str, str]  # scenario, clients, server, mode


class Figures:
    """The records of one file, by scenario, clients, server and mode."""

    def __init__(self, path: Path) -> None:
        header, *records = map(json.loads, path.read_text("utf-8").splitlines())
        self.machine: Record = header
        self.records: list[Record] = records
        self._groups: dict[Key, list[Record]] = {}
        for record in records:
            if "error" not in record:
                key = (
                    record["scenario"],
                    record["clients"],
                    record["server"],
                    record["mode"],
                )
                self._groups.setdefault(key, []).append(record)

    def sections(self) -> list[tuple[str, int]]:
        """Return each scenario with each number of clients, in order of the runs."""
        pairs = ((record["scenario"], record["clients"]) for record in self.records)
        return list(dict.fromkeys(pairs))

    def servers(self, scenario: str, clients: int) -> list[str]:
        """Return the servers of a section."""
        return list(
            dict.fromkeys(
                record["server"]
                for record in self.records
                if (record["scenario"], record["clients"]) == (scenario, clients)
            )
        )

    def median(self, key: Key, figure: str) -> float | None:
        """Return the median over the rounds, or None if nothing was measured."""
        values = [record[figure] for record in self._groups.get(key, ())]
        return median(values) if values else None

    def per_cpu_second(self, key: Key) -> float | None:
        """Return the median of deliveries per second of the server's CPU time.

        A neighbour that takes the core away hardly changes it.
        """
        values = [
            record["deliveries_per_s"] * record["seconds"] / record["server_cpu_s"]
            for record in self._groups.get(key, ())
            if record["server_cpu_s"]
        ]
        return median(values) if values else None

    def ratio(self, key: Key, base: str) -> float | None:
        """Return the median over the rounds of deliveries relative to another server.

        Both figures of a pair come from the same round, minutes apart at most.
        """
        scenario, clients, _, mode = key
        bases = {
            record["round"]: record["deliveries_per_s"]
            for record in self._groups.get((scenario, clients, base, mode), ())
        }
        pairs = [
            record["deliveries_per_s"] / bases[record["round"]]
            for record in self._groups.get(key, ())
            if bases.get(record["round"])
        ]
        return median(pairs) if pairs else None

    def faults(self, scenario: str, clients: int, server: str) -> str:
        """Return what went wrong in any round, or "none"."""
        mine = [
            record
            for record in self.records
            if (record["scenario"], record["clients"], record["server"])
            == (scenario, clients, server)
        ]
        counts = {
            fault: sum(record.get(fault, 0) for record in mine) for fault in FAULTS
        }
        found = [f"{count:,} {fault}" for fault, count in counts.items() if count]
        failed = sum("error" in record for record in mine)
        return ", ".join(found + [f"{failed} runs failed"] * bool(failed)) or "none"


# --- tables --------------------------------------------------------------------------


def thousands(value: float | None) -> str:
    """Write 3,412,345 as 3.41M and 79,123 as 79k."""
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1e6:.2f}M"
    return f"{value / 1e3:.0f}k" if value >= 1e4 else f"{value:,.0f}"


def factor(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def kilobytes(value: float | None) -> str:
    return "-" if value is None else f"{value / 1e3:.1f}"


def fan_out_row(
    figures: Figures, scenario: str, clients: int, server: str
) -> list[str]:
    row = [server]
    for mode in ("one", "fly"):
        key = (scenario, clients, server, mode)
        row += [
            thousands(figures.median(key, "deliveries_per_s")),
            factor(figures.ratio(key, FLOOR.name)),
            factor(figures.ratio(key, RIVAL)),
            milliseconds(figures.median(key, "p50_ms")),
            milliseconds(figures.median(key, "p99_ms")),
        ]
    key = (scenario, clients, server, "one")
    row.append(thousands(figures.per_cpu_second(key)))
    row.append(kilobytes(figures.median(key, "rss_per_connection")))
    row.append(thousands(figures.median(key, "connects_per_s")))
    row.append(figures.faults(scenario, clients, server))
    return row


def connect_row(
    figures: Figures, scenario: str, clients: int, server: str
) -> list[str]:
    key = (scenario, clients, server, "connect")
    return [
        server,
        thousands(figures.median(key, "connects_per_s")),
        kilobytes(figures.median(key, "rss_per_connection")),
        figures.faults(scenario, clients, server),
    ]


FAN_OUT_HEAD = [
    "server",
    *("one /s", "× floor", f"× {RIVAL}", "p50 ms", "p99 ms"),
    *("fly /s", "× floor", f"× {RIVAL}", "p50 ms", "p99 ms"),
    *("one /CPU s", "kB/conn", "conn/s", "faults"),
]
CONNECT_HEAD = ["server", "clients/s", "kB/conn", "faults"]


def table(rows: Iterable[list[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *rest = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rest))


def section(figures: Figures, scenario: str, clients: int) -> str:
    connect = scenario == "connect"
    row, head = (connect_row, CONNECT_HEAD) if connect else (fan_out_row, FAN_OUT_HEAD)
    servers = figures.servers(scenario, clients)
    rows = [row(figures, scenario, clients, server) for server in servers]
    return f"### {scenario}, {clients:,} clients\n\n{table([head, *rows])}\n"


def about(figures: Figures) -> str:
    """Return a paragraph on what the figures depend on."""
    machine = figures.machine
    rounds = max((record["round"] for record in figures.records), default=0)
    versions = ", ".join(
        f"{name} {version}"
        for name, version in machine["versions"].items()
        if version and version != "-"
    )
    return (
        f"{machine['date']}; {machine['cpu']}, {machine['cores']} cores, "
        f"Linux {machine['kernel']}, Python {machine['python']}, our sends by "
        f"{machine['fan_out']} unless it says otherwise; load average at the "
        f"start {machine['load_average']}; medians of {rounds} interleaved rounds of "
        f"{machine['seconds']:g} s. {versions}.\n"
    )


def render(path: Path) -> str:
    """Return the tables of one file of raw figures."""
    figures = Figures(path)
    parts = [section(figures, *pair) for pair in figures.sections()]
    return "\n".join([about(figures), *parts])


INTRODUCTION = """\
# Results

Deliveries per second to N WebSocket clients, server on one core, client on another.
An item has 250 bytes. **one**: the next item is published when all clients have the
last. **fly**: 50 items are in flight (10 at 10,000 clients). Latencies run from
publishing an item to the moment when the *last* client has it. "floor" is the bare C
loop of `send()` calls. Ratios are taken within a round. Faults are deliveries lost,
duplicated or out of order and connections closed, over all rounds. "one /CPU s" is
deliveries per second of CPU time that the server itself used.

Made by `report.py` from `raw/`; how to run it is in `README.md`.
"""


def write_all() -> None:
    """Write RESULTS.md from all raw files, and the picture if matplotlib is there."""
    parts = [INTRODUCTION]
    for name, title in (("peers", "Next to its peers"), ("service", "The service")):
        path = RAW / f"{name}.jsonl"
        if path.exists():
            parts.append(f"## {title}\n\n{render(path)}")
    # Measured by ``ingest_bench.py``, ``widget.mjs`` and ``ops.deploy``: they stand as
    # they are.
    parts += [path.read_text("utf-8") for path in sorted(RAW.glob("*.md"))]
    parts += storm_tables.sections(RAW)
    peers, picture = RAW / "peers.jsonl", HERE / "fan-out.png"
    # Without matplotlib the picture that is there stays.
    if peers.exists() and (draw(Figures(peers), picture) or picture.exists()):
        parts.insert(1, "![Deliveries per second](fan-out.png)\n")
    RESULTS.write_text("\n".join(parts), "utf-8")


# --- the picture ---------------------------------------------------------------------


def draw(figures: Figures, path: Path, clients: int = 3_500) -> bool:
    """Draw one bar a server and mode; return False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    names = figures.servers("fan-out", clients)[::-1]
    picture = Figure(figsize=(9, 0.5 * len(names) + 1.5), layout="constrained")
    axes = picture.subplots()
    for offset, mode, label in (
        (0.2, "one", "one item at a time"),
        (-0.2, "fly", "50 in flight"),
    ):
        values = [
            figures.median(("fan-out", clients, name, mode), "deliveries_per_s") or 0
            for name in names
        ]
        places = [index + offset for index in range(len(names))]
        bars = axes.barh(places, values, 0.38, label=label)
        axes.bar_label(bars, [thousands(value) for value in values], padding=3)
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"deliveries per second to {clients:,} clients, one core (log)")
    axes.legend(loc="lower right")
    picture.savefig(path, dpi=110)
    return True


if __name__ == "__main__":
    write_all()
    sys.exit(0)
