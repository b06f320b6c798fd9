"""``feedsvc-ingest run`` and ``once``: the daemon, and what cron calls."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from ingest import app
from ingest.cli.command import Commands, Progress, configured, named
from ingest.summary import Outcome, Summary


def register(commands: Commands) -> None:
    """Add the commands that run sources."""
    told = "Run all sources on their schedules, until told to stop."
    commands.add("run", _run, told, json=False)
    once = commands.add("once", _once, "Run sources now, and end.")
    once.add_argument("source", nargs="?", metavar="SOURCE", help="only this one")
    once.add_argument("--due", action="store_true", help="only what is due by now")


def _run(options: argparse.Namespace) -> int:
    settings, found = configured(options, log=True)
    asyncio.run(
        app.run_until_stopped(
            settings,
            found,
            reload=lambda: configured(options)[1],
            announce=lambda: print(f"ingest runs {len(found)} sources", flush=True),
        )
    )
    return 0


def _once(options: argparse.Namespace) -> int:
    settings, found = configured(options)
    if options.source is not None:
        found = [named(found, options.source)]
    progress, done = Progress(), 0

    def tell(summary: Summary) -> None:
        nonlocal done
        done += 1
        progress.tell(f"{done} of {len(found)} sources, last {summary.source}")

    summaries = asyncio.run(
        app.run_once(settings, found, tell, even_early=not options.due)
    )
    progress.end()
    for summary in summaries:
        print_summary(summary, as_json=options.json)
    return int(any(summary.outcome is Outcome.FAILED for summary in summaries))


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print what a run did."""
    if as_json:
        print(json.dumps(_as_json(summary), ensure_ascii=False, default=str))
        return
    print(_as_line(summary))
    for fault in summary.faults:
        print(f"    left out  {fault}")


def _as_json(summary: Summary) -> dict[str, Any]:
    return {
        "source": summary.source,
        "outcome": summary.outcome.value,
        "written": dict(summary.written),
        "dropped": dict(summary.dropped),
        "faults": summary.faults,
        "fault_count": summary.fault_count,
        "error": summary.error or None,
        "seconds": round(summary.seconds, 3),
        "next_due": summary.next_due and summary.next_due.isoformat(),
    }


def _as_line(summary: Summary) -> str:
    counts = {**summary.written, **summary.dropped}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    if summary.fault_count:
        told += f"{', ' if told else ''}{summary.fault_count} left out"
    return (
        f"{summary.source:<20} {summary.outcome:<13} {summary.error or told}".rstrip()
    )
