"""Make the tables and pictures of docs/scale.md from the raw figures.

What stands between two markers of the page is replaced, all else stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ops.scale.clients import ratio
from ops.scale.costs import BENCH, Costs, measured
from ops.scale.journey import COUNT, SEED, on_one_core, travel
from ops.scale.plan import (
    ALONE,
    BUSY,
    GOAL,
    MAX_MEMBERS,
    MEMBER_CORES,
    STAYS_S,
    TICK_S,
    TIERS,
    Demand,
    fleet,
    stream_busy,
)
from ops.scale.trial import HERE, read

PAGE = HERE.parent.parent / "docs" / "scale.md"
IMAGES = PAGE.parent / "images"

UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))

_MARKED = re.compile(
    r"(<!-- figures: (\w+) -->\n)(.*?)(<!-- end of figures -->)", re.DOTALL
)


def write_all() -> None:
    """Write page and pictures anew."""
    from ops.scale import pictures  # needs matplotlib, which is an extra

    costs = measured()
    PAGE.write_text(render(PAGE.read_text("utf-8"), costs), "utf-8")
    pictures.draw_all(costs, IMAGES)


def render(page: str, costs: Costs) -> str:
    """Return the page with the tables that its markers ask for."""
    return _MARKED.sub(
        lambda found: f"{found[1]}\n{TABLES[found[2]](costs)}\n\n{found[4]}", page
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: its first column words, the others figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def time(seconds: float) -> str:
    """Write a time with two digits: 0.00123 as 1.2 ms."""
    for unit, size in UNITS:
        if seconds >= size or unit == "ns":
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    raise AssertionError


def about(name: str) -> str:
    found, _ = read(name)
    return (
        f"{found['date']}, {found['cores']} cores,"
        f" load average {found['load_average']:g} at the end."
    )


# --- what was measured -------------------------------------------------------------


def costs_table(costs: Costs) -> str:
    """Show the price of one of each."""
    kb = 1_000
    rows = [
        ("a connection, its memory", f"{costs.connection_bytes / kb:.1f} kB"),
        (
            "a client that comes, subscribes, reads 20 items, goes",
            time(costs.connect_s),
        ),
        ("a frame to a client, with one item", time(costs.frame_s)),
        ("one more item in that frame", time(costs.extra_s)),
        ("an item over HTTP, at the worker that takes it", time(costs.publish_s)),
        ("a worker, its memory", f"{costs.worker_bytes / kb / kb:.0f} MB"),
        ("a worker reads its stream once", time(costs.wake_s)),
        ("… and each item that it then finds there", time(costs.item_s)),
        ("the hub's part of that", time(costs.hub_s)),
        ("MongoDB: a write of one or many items", time(costs.write_s)),
        ("… and each item in it", time(costs.write_item_s)),
        ("MongoDB: one read by one stream", time(costs.stream_s)),
        ("… and each item in it", time(costs.stream_item_s)),
        ("… and each entry of the oplog that is not for it", time(costs.passed_s)),
        ("from a publisher to a single client, nobody else there", time(costs.path_s)),
    ]
    return f"{about('clients')}\n\n{table(('what', 'costs'), rows)}"


def streams_table(_costs: Costs) -> str:
    """Show what workers cost their MongoDB."""
    _, records = read("streams")
    by_workers: dict[int, dict[str, dict[str, Any]]] = {}
    for one in records:
        by_workers.setdefault(one["workers"], {})[one["load"]] = one
    rows = []
    for workers, loads in by_workers.items():
        idle = loads["idle"]
        row = [str(workers), str(idle["streams"]), str(idle["connections"])]
        row.append(f"{idle['mongod_cpu']:.1%}")
        for name in ("items one by one", "items in bulk", "other documents"):
            one = loads[name]
            used = (one["mongod_cpu"] - idle["mongod_cpu"]) / one["written_per_s"]
            read_back = one["scanned_per_s"] / one["written_per_s"]
            row += [time(max(used, 0.0)), f"{read_back:.1f}"]
        rows.append(row)
    head = ("workers", "change streams", "connections", "MongoDB idle")
    loads_head = (
        "one by one: MongoDB",
        "oplog reads",
        "in bulk",
        "reads",
        "others",
        "reads",
    )
    return f"{about('streams')}\n\n{table((*head, *loads_head), rows)}"


def workers_table(_costs: Costs) -> str:
    """Show what two workers do, next to one."""
    _, records = read("clients")
    units = [one for one in records if "workers" in one]
    rows = [
        [
            f"{one['round'] + 1}",
            f"{one['workers']}",
            f"{one['clients']:,}",
            f"{one['deliveries_per_s']:,.0f}",
            f"{one['frames_per_cpu_s']:,.0f}",
            f"{one['p50_ms']:.0f}",
            f"{one['lost'] + one['duplicated'] + one['out_of_order'] + one['closed']}",
        ]
        for one in units
    ]
    head = ("round", "workers", "clients", "deliveries/s", "per CPU s of the workers")
    found = table((*head, "p50 ms", "faults"), rows)
    speed = ratio(units, "deliveries_per_s") or 0
    thrift = ratio(units, "frames_per_cpu_s") or 0
    return (
        f"{about('clients')}\n\n{found}\n\n"
        f"Two workers deliver **{speed:.2f} times** as much a second as one, and"
        f" **{thrift:.2f} times** as much for each second of a core (medians of the"
        " rounds; 2 and 1 would be linear)."
    )


# --- what follows ------------------------------------------------------------------


def check_table(costs: Costs) -> str:
    """Show the simulation beside what was measured of the whole path."""
    shared = on_one_core(costs)
    lines = (BENCH / "latency.jsonl").read_text("utf-8").splitlines()
    rows = []
    for one in map(json.loads, lines):
        demand = Demand("measured", one["clients"], one["items_per_s"], 1)
        journey = travel(demand, shared, ALONE, seed=SEED, count=2_000)
        rows.append(
            [
                f"{one['items_per_s']:g}",
                f"{one['last_p50_ms']:,.0f} / {one['last_p99_ms']:,.0f}",
                f"{journey.quantile_ms(0.5):,.0f} / {journey.quantile_ms(0.99):,.0f}",
            ]
        )
    return table(("items/s", "measured, p50 / p99 ms", "simulated"), rows)


def limits_table(costs: Costs) -> str:
    """Show how far one of each goes, planned busy as far as allowed."""
    coming_s = costs.connect_s / STAYS_S
    # In the flat shape, and read once a tick.
    taking_in = (BUSY - costs.wake_s / TICK_S) / costs.item_s
    member = MEMBER_CORES * BUSY
    streams = (
        (rate, member / stream_busy(replace(GOAL, items_per_s=rate), costs))
        for rate in (100, 1_000, 10_000)
    )
    rows = [
        ("one worker: clients that each get an item a second",
         BUSY / (costs.frame_s + coming_s)),
        (f"one worker: clients that one item reaches within {TICK_S * 1e3:.0f} ms",
         TICK_S / costs.frame_s),
        ("one worker: items a second to take in, whoever hears them", taking_in),
        ("one worker: items a second over HTTP, one by one",
         BUSY / (costs.publish_s + costs.item_s)),
        *((f"one primary of {MEMBER_CORES} cores: items a second, {at_once} a write",
           member / costs.write_of(at_once)) for at_once in (1, 10, 100)),
        *((f"one member of {MEMBER_CORES} cores: streams at {rate:,} items/s", count)
          for rate, count in streams),
    ]  # fmt: skip
    return table(("how far", "about"), ((what, rounded(most)) for what, most in rows))


def rounded(value: float) -> str:
    """Write a number with two digits: 12,345 as 12,000."""
    return f"{float(f'{value:.2g}'):,.0f}"


def tiers_table(costs: Costs) -> str:
    """Show what each tier takes, and how long its items are on their way."""
    head = (
        *("tier", "clients", "items/s", "each client gets/s", "workers", "hosts"),
        *("streams", "MongoDB: shards × members", "cores", "memory GB", "Gbit/s"),
        *("cores per 1,000 clients", "last client, p50 / p99 ms"),
    )
    return table(head, (_tier_row(demand, costs) for demand in TIERS))


def _tier_row(demand: Demand, costs: Costs) -> list[str]:
    row = [demand.name, f"{demand.clients:,}", f"{demand.items_per_s:,.0f}"]
    row.append(f"{demand.heard_per_s:g}")
    found = fleet(demand, costs)
    if found is None:
        return [*row, "no number will do", *["-"] * 8]
    journey = travel(demand, costs, found, seed=SEED, count=COUNT)
    relays = f" + {found.relays} relays" if found.relays else ""
    over = "" if found.is_possible else f" (over {MAX_MEMBERS})"
    return [
        *row,
        f"{found.workers:,}{relays}",
        f"{found.hosts:,}",
        f"{found.streams:,}",
        f"{found.shards} × {found.members}{over}",
        f"{found.cores:,.0f}",
        f"{found.memory_gb:,.1f}",
        f"{found.gbit_per_s:,.2g}",
        f"{found.cores / demand.clients * 1_000:.2f}",
        f"{journey.quantile_ms(0.5):,.0f} / {journey.quantile_ms(0.99):,.0f}",
    ]


def routing_table(_costs: Costs) -> str:
    """Show which commands go to one shard, and which to all."""
    _, records = read("routing")
    rows = [
        [one["what"], ", ".join(one["to_one"]) or "-", ", ".join(one["to_all"]) or "-"]
        for one in records
    ]
    return table(("what is done", "to one shard", "to all shards"), rows)


TABLES: dict[str, Callable[[Costs], str]] = {
    "costs": costs_table,
    "streams": streams_table,
    "workers": workers_table,
    "limits": limits_table,
    "check": check_table,
    "tiers": tiers_table,
    "routing": routing_table,
}
