"""``feedsvc-ingest try``: what an address offers, and the table to paste."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from feedsvc import logs, tables
from feedsvc.config import from_environment
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate
from ingest import app
from ingest.cli.command import Commands, Progress
from ingest.exchange import shown
from ingest.trial import Findings, Trial

SHOWN = 10


def register(commands: Commands) -> None:
    """Add the command."""
    told = "Find what an address, a page or a handle offers; store nothing."
    one = commands.add("try", _try, told)
    one.add_argument("url", metavar="URL", help="address, page, or name@server")
    one.add_argument("--channel", help="where its items would go")
    one.add_argument(
        "--allow-private",
        action="store_true",
        help="the address may be in a private network",
    )


def _try(options: argparse.Namespace) -> int:
    # What goes wrong with an address is told, not logged.
    logs.set_up("ERROR")
    settings = from_environment(options.config)
    channel = Channel.parse(options.channel).path if options.channel else None
    progress = Progress()
    findings = asyncio.run(
        app.explore(
            settings,
            options.url,
            progress.tell,
            environ=os.environ,
            channel=channel,
            allow_private=options.allow_private,
        )
    )
    progress.end()
    if options.json:
        print(json.dumps(_as_json(findings), ensure_ascii=False))
    else:
        _print(findings)
    best = findings.best
    return int(best is None or not best.items)


def _print(findings: Findings) -> None:
    best = findings.best
    for trial in findings.tried:
        if trial.error:
            print(f"{_name(trial)}: {trial.error}", file=sys.stderr)
    if best is None:
        if findings.error:
            print(findings.error, file=sys.stderr)
        print("found nothing to read there", file=sys.stderr)
        for trial in findings.tried:
            print(f"\n{trial.block}", end="")
        return
    what = "item" if len(best.items) == 1 else "items"
    print(f"{_name(best)}: {len(best.items)} {what}")
    rows = [_row(item) for item in best.items[:SHOWN]]
    for line in tables.lines(rows, width=tables.width_of(sys.stdout) or 120):
        print(f"  {line}")
    if len(best.items) > SHOWN:
        print(f"  and {len(best.items) - SHOWN} more")
    for fault in best.faults:
        print(f"  left out: {fault}")
    for other in findings.others:
        print(f"also there: {other.kind} {shown(other.url)} {other.title}".rstrip())
    print(f"\n{best.block}", end="")


def _name(trial: Trial) -> str:
    account = " ".join(
        value for value in trial.found.options.values() if not value.startswith("${")
    )
    where = shown(trial.found.url) if trial.found.url else ""
    return " ".join(part for part in (trial.found.kind, where, account) if part)


def _row(item: Candidate) -> dict[str, str]:
    told = item.body.get("title") or item.body.get("content_text") or ""
    if "artist" in item.body:
        told = f"{item.body['artist']} – {told}"
    at = item.body.get("starts_at") or item.date
    return {
        "date": f"{at:%Y-%m-%d %H:%M}" if at else "",
        "type": item.type.value,
        "channel": item.channel.path,
        "title": " ".join(told.split())[:200],
    }


def _as_json(findings: Findings) -> dict[str, Any]:
    best = findings.best
    return {
        "found": [
            {"type": one.found.kind, "url": one.found.url, "error": one.error or None}
            for one in findings.tried
        ],
        "others": [{"type": one.kind, "url": one.url} for one in findings.others],
        "error": findings.error or None,
        "items": [_row(item) for item in best.items] if best else [],
        "left_out": list(best.faults) if best else [],
        "source": dict(best.values) if best else None,
    }
