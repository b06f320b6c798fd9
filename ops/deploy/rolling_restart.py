#!/usr/bin/env python3
"""Restart the workers of this machine one after the other: nobody misses anything.

    rolling_restart.py 8081 8082 8083

Each worker is ``feedsvc@PORT.service``.  It drains: closes its connections spread over
``drain_seconds``, and their clients come back to the others.  The next one is restarted
when this one is ready again and, after a pause, has got clients and its balancer's
trust back.  The first that does not get ready ends the round: the others still run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from urllib.error import URLError
from urllib.request import urlopen

ASK_AGAIN_S = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Restart all and return 0, or 1 after the first that failed."""
    parser = argparse.ArgumentParser(
        description="Restart the workers of this machine one after the other."
    )
    parser.add_argument("ports", nargs="+", type=int, metavar="PORT")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address that the workers listen on (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=15.0,
        metavar="S",
        help="seconds after each, in which clients come back (default: 15)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds within which a worker has to get ready (default: 60)",
    )
    asked = parser.parse_args(arguments)
    for number, port in enumerate(asked.ports):
        if number:
            time.sleep(asked.pause)
        print(f"restarting {port}", flush=True)
        restarted = subprocess.run(["systemctl", "restart", f"feedsvc@{port}"])
        url = f"http://{asked.host}:{port}/readyz"
        if restarted.returncode or not is_ready(url, asked.patience):
            print(f"{port} does not get ready; the others were left", file=sys.stderr)
            return 1
    return 0


def is_ready(url: str, patience_s: float) -> bool:
    """Wait until the worker says that it is ready; False if that takes too long."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own
                return True
        except (URLError, OSError):
            time.sleep(ASK_AGAIN_S)
    return False


if __name__ == "__main__":
    sys.exit(main())
