"""``feedsvc retention``: what the rules take away, shown or done at once."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from feedsvc import tables
from feedsvc.cli.command import Commands
from feedsvc.cli.database import database_of
from feedsvc.config import Settings
from feedsvc.core.access import ChannelRule
from feedsvc.core.channel import Channel
from feedsvc.store import Database
from feedsvc.store.items import ItemStore
from feedsvc.store.retention import RetentionStore

Row = dict[str, Any]
NUMBERS = ("would_go", "given_another_end", "removed")


def register(commands: Commands) -> None:
    """Add ``retention``."""
    told = "Apply the rules of retention to all items that are stored."
    one = commands.add("retention", _retention, told)
    one.add_argument(
        "--dry-run", action="store_true", help="print what would go, by rule; go on"
    )


def _retention(options: argparse.Namespace, settings: Settings) -> int:
    async def work() -> list[Row]:
        async with database_of(settings) as database:
            await ItemStore(database, settings.channel_rules).prepare()
            if options.dry_run:
                return await _would_go(database, settings)
            return await _apply(database, settings)

    rows = asyncio.run(work())
    if options.json:
        for row in rows:
            print(json.dumps(row))
        return 0
    if not rows:
        print("No [[channel]] has a retention: every item stays.")
    shown = [_in_words(row, is_dry=options.dry_run) for row in rows]
    for line in tables.lines(shown, right=NUMBERS, width=tables.width_of(sys.stdout)):
        print(line)
    if rows and not options.dry_run:
        print("What is past its end, MongoDB deletes within a minute or two.")
    return 0


def _in_words(row: Row, *, is_dry: bool) -> dict[str, str]:
    told, items = {"channel": row["path"], "rule": row["rule"]}, str(row["items"])
    if is_dry:
        return {**told, "would_go": items}
    is_of_age = row["rule"].startswith("age")
    changed, removed = (items, "") if is_of_age else ("", items)
    return {**told, "given_another_end": changed, "removed": removed}


async def _would_go(database: Database, settings: Settings) -> list[Row]:
    store, now = RetentionStore(database), datetime.now(UTC)
    rows = []
    for rule in settings.rules:
        if rule.retention_s is not None:
            others = _others(rule, settings)
            count = await store.past(rule.path, rule.retention_s, others, now)
            rows.append(_row(rule, f"age {_age(rule.retention_s)}", count))
        if rule.retention_count is not None:
            count = await store.surplus(rule.path, rule.retention_count)
            rows.append(_row(rule, f"count {rule.retention_count}", count))
    return rows


async def _apply(database: Database, settings: Settings) -> list[Row]:
    marks, items = RetentionStore(database), ItemStore(database, settings.channel_rules)
    rows = []
    for rule in settings.rules:
        if rule.retention_s is not None:
            others = _others(rule, settings)
            count = await marks.mark(rule.path, rule.retention_s, others)
            rows.append(_row(rule, f"age {_age(rule.retention_s)}", count))
        if rule.retention_count is not None:
            now = datetime.now(UTC)
            count = await items.trim(rule.path, rule.retention_count, now=now)
            rows.append(_row(rule, f"count {rule.retention_count}", count))
    return rows


def _others(rule: ChannelRule, settings: Settings) -> list[Channel]:
    """Return the channels inside of the rule's that have an age of their own."""
    return [
        one.path
        for one in settings.rules
        if one.retention_s is not None
        and one is not rule
        and rule.path.covers(one.path)
    ]


def _row(rule: ChannelRule, told: str, count: int) -> Row:
    return {"path": rule.path.path, "rule": told, "items": count}


def _age(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
