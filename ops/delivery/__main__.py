"""``python -m ops.delivery``: break a running service on purpose and count the damage.

Prints one table for each deployment and exits with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from ops.delivery.findings import BROKEN_PROMISES, Findings
from ops.delivery.run import check
from ops.delivery.setups import SETUPS


def main() -> int:
    """Check the deployments one after the other; return the exit status."""
    asked = _arguments()
    seconds = asked.minutes * 60 / len(asked.names)
    total = Findings()
    # Whoever ends the check, what it has started ends first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Requests that are cut while they wait are part of the plan.
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
    directory = Path(tempfile.mkdtemp(prefix="feedsvc-delivery-"))
    for name in asked.names:
        began = time.monotonic()
        print(f"{name}: {seconds:.0f} s of faults, seed {asked.seed}", flush=True)
        seed = f"{asked.seed} {name}"
        (directory / name).mkdir()
        found = asyncio.run(check(name, seconds, seed, directory / name))
        _print_table(found)
        if asked.raw:
            _keep(asked.raw, name, asked.seed, seconds, found)
        print(f"  ({time.monotonic() - began:.0f} s in all)\n", flush=True)
        total.add(found)
    if not total.broken:
        shutil.rmtree(directory)
        print("No promise was broken.")
        return 0
    print("\n".join(total.texts))
    print(f"Broken promises: {total.broken.total()}.  Logs and data: {directory}")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.delivery", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="of faults, in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of chance")
    parser.add_argument(
        "--setups", default="", help=f"some of {', '.join(SETUPS)}; default: all"
    )
    parser.add_argument(
        "--raw", type=Path, help="file to add the counts to, as lines of JSON"
    )
    asked = parser.parse_args()
    named = asked.setups.split(",") if asked.setups else []
    if unknown := set(named) - SETUPS.keys():
        parser.error(f"--setups: {', '.join(sorted(unknown))} unknown")
    asked.names = []
    for name in named or SETUPS:
        lack = SETUPS[name].lacks()
        if lack is None:
            asked.names.append(name)
        elif named:
            parser.error(f"--setups: {name} needs {lack}")
        else:
            print(f"{name} is not checked: it needs {lack}")
    return asked


def _keep(path: Path, name: str, seed: int, seconds: float, found: Findings) -> None:
    """Add what was counted to the file that the table of results is made of."""
    revision = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), capture_output=True, text=True
    )
    line = {
        "deployment": name,
        "seed": seed,
        "seconds": round(seconds),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision.stdout.strip(),
        "counts": dict(found.counts),
        "broken": {promise: found.broken[promise] for promise in BROKEN_PROMISES},
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _print_table(found: Findings) -> None:
    for what, number in sorted(found.counts.items()):
        print(f"  {what:40}{number:10,}")
    for promise in BROKEN_PROMISES:
        print(f"  {promise.upper():40}{found.broken[promise]:10,}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted: all that ran is stopped.")
