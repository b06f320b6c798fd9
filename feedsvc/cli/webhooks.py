"""``feedsvc webhooks``: how receivers are doing, and what they never got."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from feedsvc import tables
from feedsvc.cli.command import Commands
from feedsvc.cli.database import database_of
from feedsvc.config import Settings
from feedsvc.core.item import wire_time
from feedsvc.endpoints import SECRET_PREFIX, Endpoint
from feedsvc.errors import ConfigError
from feedsvc.store.webhooks import DeadLetter, Standing, WebhookStore

SECRET_BYTES = 32


def register(commands: Commands) -> None:
    """Add ``webhooks`` and what belongs to it."""
    group = commands.group("webhooks", "See to the webhooks of the configuration.")
    group.add("list", _list, "Print each endpoint and how it is doing.")
    one = group.add("dead", _dead, "Print the messages that were given up.")
    one.add_argument("endpoint", nargs="?", help="name of one endpoint; else all")
    one = group.add("retry", _retry, "Have messages sent again that were given up.")
    one.add_argument("endpoint", help="name of the endpoint")
    one.add_argument("message", nargs="*", help="ids of messages; else all of them")
    group.add("secret", _secret, "Print a new secret for an endpoint.")


def _list(options: argparse.Namespace, settings: Settings) -> int:
    async def read() -> tuple[list[Standing], dict[str, int]]:
        async with database_of(settings) as database:
            store = WebhookStore(database)
            return await store.standings(), await store.count_dead()

    standings, dead = asyncio.run(read())
    known = {one.name: one for one in standings}
    rows = [
        _row(one, known.get(one.name), dead.get(one.name, 0))
        for one in settings.webhooks
    ]
    if options.json:
        for row in rows:
            print(json.dumps(row))
        return 0
    if not rows:
        print("there is no [[webhook]] in the configuration")
    shown = [_in_words(row) for row in rows]
    for line in tables.lines(shown, right=("dead",), width=tables.width_of(sys.stdout)):
        print(line)
    return 0


def _row(endpoint: Endpoint, known: Standing | None, dead: int) -> dict[str, Any]:
    """Return what is told of an endpoint; its path may be secret, so it is not."""
    position = known.position if known else None
    until = datetime.fromtimestamp(position.seconds, UTC) if position else None
    since = known.failing_since if known else None
    return {
        "name": endpoint.name,
        "host": urlsplit(endpoint.url).netloc,
        "channels": [channel.path for channel in endpoint.channels],
        "events": sorted(f"item.{one.value}" for one in endpoint.events),
        "told_until": wire_time(until) if until else None,
        "failing_since": wire_time(since) if since else None,
        "dead_letters": dead,
    }


def _in_words(row: dict[str, Any]) -> dict[str, str]:
    since, until = row["failing_since"], row["told_until"]
    return {
        "name": row["name"],
        "host": row["host"],
        "channels": ", ".join(row["channels"]),
        "standing": f"failing since {since[:19]}" if since else "well",
        "told_until": until[:19] if until else "nothing yet",
        "dead": str(row["dead_letters"]),
    }


def _dead(options: argparse.Namespace, settings: Settings) -> int:
    async def read() -> list[DeadLetter]:
        async with database_of(settings) as database:
            return await WebhookStore(database).dead_letters(options.endpoint)

    if options.endpoint:
        _require(settings, options.endpoint)
    for one in asyncio.run(read()):
        if options.json:
            print(json.dumps(asdict(one), default=wire_time, ensure_ascii=False))
        else:
            what = f"{one.event:<13} {one.channel}  {one.item_id}"
            print(f"{wire_time(one.at)[:19]}  {one.endpoint}  {one.id}  {what}")
            attempts = "attempt" if one.attempts == 1 else "attempts"
            print(f"    {one.attempts} {attempts}: {one.reason}")
    return 0


def _retry(options: argparse.Namespace, settings: Settings) -> int:
    async def ask() -> int:
        async with database_of(settings) as database:
            store = WebhookStore(database)
            return await store.ask_again(options.endpoint, options.message)

    _require(settings, options.endpoint)
    count = asyncio.run(ask())
    told = f"{count} to be sent again by the process that delivers"
    print(json.dumps({"asked": count}) if options.json else told)
    return 0 if count or not options.message else 1


def _secret(options: argparse.Namespace, settings: Settings) -> int:
    key = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    text = f"{SECRET_PREFIX}{key}"
    print(json.dumps({"secret": text}) if options.json else text)
    return 0


def _require(settings: Settings, name: str) -> None:
    known = [one.name for one in settings.webhooks]
    if name not in known:
        names = ", ".join(known) or "none"
        raise ConfigError([f"endpoint: {name} is not a [[webhook]]; there is {names}"])
