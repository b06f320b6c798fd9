"""Measure what everything costs, and reckon with it:  python -m ops.scale

    measure     write raw/*.jsonl; needs two cores and the load client of ops/bench
    report      make plan, simulation, tables and pictures of docs/scale.md from them
    simulate    one demand of your own

``make bench-scale`` does the first two.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from typing import Any

from ops.bench.channels import measure as measure_hub
from ops.scale import clients, report, routing, streams
from ops.scale.costs import measured
from ops.scale.journey import travel
from ops.scale.plan import Demand, Shape, fleet
from ops.scale.trial import write

CHANNELS = 10_000


async def measure(asked: argparse.Namespace) -> None:
    """Measure all, one after the other; each raw file is written when it is whole."""
    if "streams" in asked.only:
        records: list[dict[str, Any]] = []
        for workers in asked.workers:
            print(f"{workers} workers on one MongoDB", flush=True)
            records += await streams.measure(workers, asked.seconds)
        write("streams", records)
    if "routing" in asked.only:
        print("which shards are asked", flush=True)
        write("routing", await routing.records())
    if "clients" in asked.only:
        print("a hub, a publisher, clients that come and go", flush=True)
        kinds = {
            "hub": measure_hub(CHANNELS),
            "publishing": await clients.publishing(asked.seconds),
            "connecting": await clients.connecting(asked.clients),
        }
        print("one worker and two, in turn", flush=True)
        units = await clients.rounds(asked.rounds, asked.clients, asked.seconds)
        write("clients", [*({"kind": k, **v} for k, v in kinds.items()), *units])


def simulate(asked: argparse.Namespace) -> None:
    """Print what a demand takes, and how long its items are on their way."""
    demand = Demand(
        "yours",
        asked.clients,
        asked.items,
        asked.stations,
        asked.at_once,
        Shape(asked.shape),
        asked.realms,
    )
    costs = measured()
    found = fleet(demand, costs)
    if found is None:
        print("no number of workers will do: taking in the items is too much for one")
        return
    journey = travel(demand, costs, found, seed=asked.seed, count=asked.count)
    print(found)
    print(f"p50 {journey.quantile_ms(0.5):.1f} ms, p99 {journey.quantile_ms(0.99):.1f}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ops.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    one.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    one.add_argument("--clients", type=int, default=3_500, help="of each worker")
    one.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    one.add_argument("--rounds", type=int, default=5, help="of one worker and two")
    parts = ["streams", "routing", "clients"]
    one.add_argument("--only", nargs="+", choices=parts, default=parts)
    commands.add_parser("report")
    two = commands.add_parser("simulate")
    two.add_argument("--clients", type=int, default=3_500)
    two.add_argument("--items", type=float, default=1.0, help="a second, in all")
    two.add_argument("--stations", type=int, default=1)
    two.add_argument("--at-once", type=int, default=1, help="items in one write")
    two.add_argument("--shape", choices=list(Shape), default=Shape.FLAT)
    two.add_argument("--realms", type=int, default=1)
    two.add_argument("--seed", type=int, default=1)
    two.add_argument("--count", type=int, default=10_000, help="items to simulate")
    return parser.parse_args()


def main() -> int:
    asked = parse()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if asked.command == "measure":
        asyncio.run(measure(asked))
    elif asked.command == "report":
        report.write_all()
    else:
        simulate(asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
