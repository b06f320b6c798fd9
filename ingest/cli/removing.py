"""``feedsvc-ingest reconcile`` and ``purge``: what is gone, or has to go."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from feedsvc.errors import FeedError
from ingest import app
from ingest.cli.command import Commands, Progress, configured, named
from ingest.cli.running import print_summary
from ingest.purge import Kind, Target
from ingest.recheck import Rechecked
from ingest.summary import Outcome


def register(commands: Commands) -> None:
    """Add the commands that remove items."""
    told = "Ask a source whether all that is stored of it is still there."
    one = commands.add("reconcile", _reconcile, told)
    one.add_argument("source", metavar="SOURCE", help="name of the source")
    told = "Remove an item, or all of a source or an author, for good."
    one = commands.add("purge", _purge, told)
    one.add_argument("name", metavar="SOURCE|ITEM|AUTHOR", help="what is to go")
    one.add_argument(
        "--as",
        dest="kind",
        choices=[kind.value for kind in Kind],
        help="what the name is the name of, if it could be several things",
    )
    one.add_argument("--yes", action="store_true", help="ask nobody")


def _reconcile(options: argparse.Namespace) -> int:
    settings, found = configured(options)
    job = named(found, options.source)
    progress = Progress()
    last = Rechecked()

    def tell(done: Rechecked) -> None:
        nonlocal last
        last = done
        progress.tell(f"{done.asked} asked for, {done.gone} gone")

    summary = asyncio.run(app.reconcile(settings, job, tell))
    progress.end()
    print_summary(summary, as_json=options.json)
    if not options.json:
        print(
            f"    {last.asked} asked for, {last.gone} gone,"
            f" {last.not_askable} cannot be asked for"
        )
    return int(summary.outcome is not Outcome.DONE)


def _purge(options: argparse.Namespace) -> int:
    settings, _ = configured(options)
    kinds = [Kind(options.kind)] if options.kind else list(Kind)
    progress = Progress()

    def choose(targets: list[Target]) -> Target | None:
        target = _the_one(targets, options.name)
        is_meant = options.yes or _confirmed(f"Remove {target} for good?")
        return target if is_meant else None

    done = asyncio.run(
        app.purge(
            settings,
            options.name,
            kinds,
            choose,
            lambda removed: progress.tell(f"{removed} removed"),
        )
    )
    progress.end()
    if done is None:
        print("nothing was removed", file=sys.stderr)
        return 1
    target, removed = done
    if options.json:
        told = {"kind": target.kind, "name": target.name, "removed": removed}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"{removed} removed of {target.kind} {target.name}")
    return 0


def _the_one(targets: list[Target], name: str) -> Target:
    if not targets:
        raise FeedError(f"nothing is stored of {name}")
    if len(targets) > 1:
        told = " and ".join(map(str, targets))
        raise FeedError(f"there are {told}: say which with --as")
    return targets[0]


def _confirmed(question: str) -> bool:
    """Ask on the terminal; where there is none nobody has agreed."""
    if not sys.stdin.isatty():
        raise FeedError(f"{question} --yes says so where nobody can be asked")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
