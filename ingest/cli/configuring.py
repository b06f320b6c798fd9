"""``feedsvc-ingest check`` and ``import-opml``: the configuration, told and made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from feedsvc import tables
from feedsvc.core.channel import Channel
from ingest import opml
from ingest.cli.command import Commands, configured
from ingest.explain import explained, notes
from ingest.schedule import Schedule


def register(commands: Commands) -> None:
    """Add the commands that make and explain the configuration."""
    commands.add("check", _check, "Explain the configuration, and fetch nothing.")
    told = "Print [[source]] tables for a feed reader's list."
    imported = commands.add("import-opml", _import_opml, told, json=False)
    imported.add_argument("file", metavar="FILE", help="the OPML document")
    imported.add_argument("--channel", default="feeds", help="where its items go")
    imported.add_argument("--schedule", default="every 15m", help="when they run")


def _check(options: argparse.Namespace) -> int:
    settings, found = configured(options)
    rows = [explained(job, settings.channel_rules) for job in found]
    if options.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    if not rows:
        print("no sources: [[source]] tables of the configuration name them")
    for line in tables.lines(rows, width=tables.width_of(sys.stdout)):
        print(line)
    for job in found:
        for note in notes(job):
            print(f"note: source {job.source.name}: {note}")
    return 0


def _import_opml(options: argparse.Namespace) -> int:
    document = Path(options.file).read_bytes()
    found = opml.subscriptions(document)
    channel = Channel.parse(options.channel).path
    schedule = Schedule.parse(options.schedule).text
    print(opml.tables(found, channel, schedule), end="")
    return 0
