"""``feedsvc queue``, ``approve``, ``pin``, ``disable`` …: what operators decide."""

from __future__ import annotations

import argparse
import json
from typing import Any

from feedsvc.cli.command import Command, Commands, count
from feedsvc.cli.desk import add_desk_options, desk_of
from feedsvc.config import Settings
from feedsvc.core.record import Reason

DEEDS = {
    "approve": "Show items that wait in the queue.",
    "reject": "Never show items that are held.",
    "review": "Put items into the queue again: take back what was decided.",
    "pin": "Put items before all others of their channels.",
    "unpin": "Put items back into their place by date.",
}
SWITCHES = {
    "disable": "Let ingest ask sources no more, from now on.",
    "enable": "Let ingest ask sources again.",
}


def register(commands: Commands) -> None:
    """Add the commands that decide, and those that show what was decided."""
    one = _add(commands, "queue", _queue, "Print what is held, the oldest first.")
    one.add_argument(
        "--reason",
        choices=[reason.value for reason in Reason],
        default=Reason.REVIEW.value,
        help="why it is held; review if absent",
    )
    one.add_argument("--limit", type=count, default=50, help="number of items")
    for deed, told in DEEDS.items():
        one = _add(commands, deed, _do, told)
        one.add_argument("id", nargs="+", help="id of an item")
        one.set_defaults(deed=deed)
    for deed, told in SWITCHES.items():
        one = _add(commands, deed, _switch, told)
        one.add_argument("source", nargs="+", help="name of a source")
        one.set_defaults(deed=deed)
    told = "Print who approved, pinned or removed what, the newest first."
    one = _add(commands, "audit", _audit, told)
    one.add_argument("--limit", type=count, default=50, help="number of entries")


def _add(
    commands: Commands, name: str, command: Command, told: str
) -> argparse.ArgumentParser:
    one = commands.add(name, command, told)
    add_desk_options(one)
    return one


def _queue(options: argparse.Namespace, settings: Settings) -> int:
    for found in desk_of(options, settings).queue(options.reason, options.limit):
        _print(options, found, _waiting(found))
    return 0


def _do(options: argparse.Namespace, settings: Settings) -> int:
    desk = desk_of(options, settings)
    for item_id in options.id:
        found = desk.do(options.deed, item_id)
        _print(options, found, f"{found['state']:<9} {item_id} rev {found['rev']}")
    return 0


def _switch(options: argparse.Namespace, settings: Settings) -> int:
    desk = desk_of(options, settings)
    for source in options.source:
        found = desk.switch(options.deed, source)
        is_known = found.get("known", True)
        note = "" if is_known else "  (it has never run: is that its name?)"
        _print(options, found, f"{options.deed}d {source}{note}")
    return 0


def _audit(options: argparse.Namespace, settings: Settings) -> int:
    for entry in desk_of(options, settings).audit(options.limit):
        about = entry.get("item") or entry.get("source", "")
        where = entry.get("channel", "")
        line = f"{_time(entry['at'])}  {entry['who']:<16} {entry['deed']:<8} {about}"
        _print(options, entry, f"{line}  {where}".rstrip())
    return 0


def _waiting(found: dict[str, Any]) -> str:
    item, held = found["item"] or {}, found["held"]
    told = item.get("title") or item.get("content_text") or item.get("url") or ""
    until = f" until {_time(held['until'])}" if "until" in held else ""
    mark = " (edit)" if found["shown"] else ""
    text = " ".join(told.split())[:80]
    where = item.get("channel", "")
    return f"{_time(held['since'])}  {found['id']}  {where}{mark}{until}  {text}"


def _time(instant: str) -> str:
    return instant[:19].replace("T", " ")


def _print(options: argparse.Namespace, found: dict[str, Any], line: str) -> None:
    print(json.dumps(found, ensure_ascii=False) if options.json else line)
