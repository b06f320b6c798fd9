"""How a rolling restart feels to many clients:  python -m ops.deploy

Three workers with a private MongoDB, nginx or HAProxy before them, clients that behave
as the widget does, and ``rolling_restart.py``.  Ends with 1 if anything was lost, or if
more clients came back within a second than 1.5 times all of them by the seconds of one
worker's drain.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from feedsvc.store.embedded import embedded_mongod
from ops.deploy.listeners import SPREAD_S
from ops.deploy.roll import Outcome, roll
from ops.deploy.stage import BALANCERS, LAYOUTS, running_balancer, running_workers

MOST_TIMES_EVEN = 1.5


async def measure(asked: argparse.Namespace, folder: Path) -> Outcome:
    """Run one rolling restart as asked for."""
    async with (
        embedded_mongod(folder / "mongod") as mongod,
        running_workers(
            mongod.uri, folder, FEEDSVC_DRAIN_SECONDS=str(asked.drain)
        ) as workers,
        running_balancer(
            asked.balancer, asked.layout, [one.port for one in workers], folder
        ) as front,
    ):
        return await roll(
            [front],
            workers,
            clients=asked.clients,
            spread_s=asked.spread,
            pause_s=asked.pause,
            every_s=asked.every,
        )


def heed_sigterm() -> None:
    """Let SIGTERM end this program as Ctrl-C does: what it has started ends first."""
    # Ctrl-C is nothing to programs that a shell has put in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def main() -> int:
    """Measure, print a line of JSON, and return the verdict."""
    parser = argparse.ArgumentParser(prog="python -m ops.deploy")
    parser.add_argument("--balancer", choices=BALANCERS, default="haproxy")
    parser.add_argument("--layout", choices=list(LAYOUTS), default="subdomain")
    parser.add_argument("--clients", type=int, default=3_500)
    parser.add_argument("--drain", type=int, default=30, metavar="S")
    parser.add_argument("--pause", type=float, default=15.0, metavar="S")
    parser.add_argument("--every", type=float, default=5.0, metavar="S")
    parser.add_argument("--spread", type=float, default=SPREAD_S, metavar="S")
    asked = parser.parse_args()
    heed_sigterm()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with TemporaryDirectory(prefix="deploy-") as folder:
        outcome = asyncio.run(measure(asked, Path(folder)))
    allowed = MOST_TIMES_EVEN * asked.clients / asked.drain
    told = {"at": f"{datetime.now(UTC):%F %H:%M}", **vars(asked), **asdict(outcome)}
    print(json.dumps({**told, "allowed_peak_per_s": round(allowed)}))
    lost = outcome.missed or outcome.doubled
    return int(bool(lost) or outcome.returns_peak_per_s > allowed)


if __name__ == "__main__":
    sys.exit(main())
