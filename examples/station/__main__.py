"""``python -m examples.station``: serve the station's systems and run its playout."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from examples.station.playout import Playout
from examples.station.server import application

DEFAULT_PORT = 8098


def clock() -> datetime:
    return datetime.now(UTC)


async def station(port: int, service: str | None, token: Callable[[], str]) -> None:
    """Serve on loopback until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sockets = bind_sockets(port, "127.0.0.1")
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    server = HTTPServer(application(url, clock))
    server.add_sockets(sockets)
    print(f"Radio Meridian’s own systems are at {url}", flush=True)
    playout = None
    if service:
        playout = asyncio.create_task(Playout(service, url, token, clock).run())
    await stop.wait()
    if playout:
        playout.cancel()
        with suppress(asyncio.CancelledError):
            await playout
    server.stop()
    await server.close_all_connections()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.station")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("FEEDSVC_STATION_PORT", DEFAULT_PORT)),
        help=f"port on loopback; default FEEDSVC_STATION_PORT, else {DEFAULT_PORT}",
    )
    parser.add_argument(
        "--service", metavar="URL", help="feed service that gets what is on the air"
    )
    tokens = parser.add_mutually_exclusive_group()
    tokens.add_argument("--token", help="token that may publish radiomeridian.onair")
    tokens.add_argument("--token-file", metavar="FILE", help="file with that token")
    options = parser.parse_args()
    if options.service and not (options.token or options.token_file):
        parser.error("--service needs --token or --token-file")

    def token() -> str:
        if options.token:
            return str(options.token)
        return Path(options.token_file).read_text(encoding="utf-8").strip()

    try:
        asyncio.run(station(options.port, options.service, token))
    except OSError as error:
        print(f"station: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
