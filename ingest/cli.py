"""The commands of ``feedsvc-ingest``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from feedsvc import __version__, logs
from feedsvc.config import Settings, from_environment
from feedsvc.core.channel import Channel
from feedsvc.errors import ConfigError, FeedError
from ingest import app, opml
from ingest.config import Job, jobs
from ingest.exchange import shown
from ingest.schedule import Schedule
from ingest.summary import Outcome, Summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
    except (FeedError, OSError, ValueError) as error:
        print(f"feedsvc-ingest: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _run(options: argparse.Namespace) -> int:
    settings, found = _configured(options)
    asyncio.run(
        app.run_until_stopped(
            settings,
            found,
            reload=lambda: _configured(options)[1],
            announce=lambda: print(f"ingest runs {len(found)} sources", flush=True),
        )
    )
    return 0


def _once(options: argparse.Namespace) -> int:
    settings, found = _configured(options)
    if options.source is not None:
        known = ", ".join(job.source.name for job in found)
        found = [job for job in found if job.source.name == options.source]
        if not found:
            raise ConfigError([f"source {options.source}: is not one of {known}"])
    summaries = asyncio.run(app.run_once(settings, found, even_early=not options.due))
    for summary in summaries:
        if options.json:
            print(json.dumps(_as_json(summary), ensure_ascii=False, default=str))
        else:
            print(_as_line(summary))
            for fault in summary.faults:
                print(f"    left out  {fault}")
    return int(any(summary.outcome is Outcome.FAILED for summary in summaries))


def _check(options: argparse.Namespace) -> int:
    settings, found = _configured(options)
    rows = [_explained(job, settings) for job in found]
    if options.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    if rows:
        _print_table(rows)
    else:
        print("no sources: [[source]] tables of the configuration name them")
    return 0


def _import_opml(options: argparse.Namespace) -> int:
    document = Path(options.file).read_bytes()
    found = opml.subscriptions(document)
    channel = Channel.parse(options.channel).path
    schedule = Schedule.parse(options.schedule).text
    print(opml.tables(found, channel, schedule), end="")
    return 0


def _configured(options: argparse.Namespace) -> tuple[Settings, list[Job]]:
    settings = from_environment(options.config)
    # What the other commands print tells what the log would.
    logs.set_up(settings.server.log_level if options.command is _run else "WARNING")
    return settings, jobs(settings, os.environ)


def _explained(job: Job, settings: Settings) -> dict[str, str]:
    """Return what a job does, in words; of the URL without what may be secret."""
    rules = settings.channel_rules
    fixed = job.template.text.partition("{")[0].rstrip(".")
    access = "private" if fixed and rules.is_private(fixed) else "public"
    limits = [f"{job.policy.max_items} items", f"{job.timeout_s:g} s"]
    if job.policy.max_age_s is not None:
        limits.append(f"not older than {job.policy.max_age_s} s")
    if job.allow_private:
        limits.append("private networks too")
    return {
        "source": job.source.name,
        "type": job.source.kind,
        "runs": job.schedule.text,
        "channel": f"{job.template.text} ({access})",
        "from": shown(job.source.url),
        "limits": ", ".join(limits),
    }


def _print_table(rows: list[dict[str, str]]) -> None:
    widths = {
        name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]
    }
    for row in ({name: name.upper() for name in widths}, *rows):
        line = "  ".join(row[name].ljust(width) for name, width in widths.items())
        print(line.rstrip())


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


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", help="TOML file; default FEEDSVC_CONFIG")
    printing = argparse.ArgumentParser(add_help=False, parents=[common])
    printing.add_argument("--json", action="store_true", help="one JSON object a line")
    parser = argparse.ArgumentParser(
        prog="feedsvc-ingest", description="Fetch sources into MongoDB."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", parents=[common], help="run all sources on their schedules"
    )
    run.set_defaults(command=_run)
    once = commands.add_parser(
        "once", parents=[printing], help="run sources now, and end"
    )
    once.add_argument("source", nargs="?", metavar="SOURCE", help="only this one")
    once.add_argument("--due", action="store_true", help="only what is due by now")
    once.set_defaults(command=_once)
    check = commands.add_parser(
        "check", parents=[printing], help="explain the configuration"
    )
    check.set_defaults(command=_check)
    _add_import_opml(commands.add_parser)
    return parser


def _add_import_opml(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    imported = add_parser(
        "import-opml", help="print [[source]] tables for a feed reader's list"
    )
    imported.add_argument("file", metavar="FILE", help="the OPML document")
    imported.add_argument("--channel", default="feeds", help="where its items go")
    imported.add_argument("--schedule", default="every 15m", help="when they run")
    imported.set_defaults(command=_import_opml)
