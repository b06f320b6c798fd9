"""``feedsvc sources``: how the sources of ingest fare, read from the database."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from feedsvc import sources, tables
from feedsvc.cli.command import Commands
from feedsvc.cli.database import database_of
from feedsvc.config import Settings
from feedsvc.store.sources import SourceState, SourceStore


def register(commands: Commands) -> None:
    """Add the command."""
    told = "Print how each source of ingest fares; the service need not run."
    commands.add("sources", _sources, told)


def _sources(options: argparse.Namespace, settings: Settings) -> int:
    states, now = asyncio.run(_states(settings)), datetime.now(UTC)
    if options.json:
        for state in states:
            print(json.dumps(sources.as_json(state, now), ensure_ascii=False))
        return 0
    if not states:
        print("no source was ever run: feedsvc-ingest runs them")
    rows = [sources.as_row(state, now) for state in states]
    width = tables.width_of(sys.stdout)
    for line in tables.lines(rows, right=sources.NUMBERS, width=width):
        print(line)
    return 0


async def _states(settings: Settings) -> Sequence[SourceState]:
    async with database_of(settings) as database:
        return await SourceStore(database).all()
