"""``feedsvc serve``: the service itself."""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
from dataclasses import replace

from feedsvc import app, workers
from feedsvc.cli.command import Commands, count
from feedsvc.config import Settings


def register(commands: Commands) -> None:
    """Add ``serve``."""
    one = commands.add(
        "serve", _serve, "Run the service until it is told to stop.", json=False
    )
    one.add_argument("--workers", type=count, metavar="N", help="processes to run")


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    def announce(where: app.Running) -> None:
        lines = [f"feedsvc is ready at {where.url}"]
        if where.admin_port:
            lines.append(f"  metrics    http://127.0.0.1:{where.admin_port}/metrics")
            lines.append(f"  operator   http://127.0.0.1:{where.admin_port}/admin")
        if settings.server.mongodb_uri is None:
            lines.append(f"  MongoDB    {where.mongodb_uri} (private)")
        print("\n".join(lines), flush=True)

    if options.workers is not None:
        server = replace(settings.server, workers=options.workers)
        settings = replace(settings, server=server)
    run = workers.serve if settings.server.workers > 1 else app.serve
    _raise_open_files()
    # Full walks for garbage pass by what was imported, else most of what they meet.
    gc.freeze()
    asyncio.run(run(settings, announce))
    return 0


def _raise_open_files() -> None:
    """Let this process open as many files as it may: each client takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
