"""What the database looks like to somebody who has seen many."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import PyMongoError

from feedsvc.core.finding import Finding, Level
from feedsvc.store.database import Database
from feedsvc.store.queries import INDEXES, ITEMS
from feedsvc.store.webhooks import WebhookStore

# What tokens and timed releases forgive, and what they do not.
LITTLE_SKEW_S, MUCH_SKEW_S = 2.0, 30.0
WATCH_MS = 1_000


async def checkup(
    database: Database, ring_seconds: int, webhooks: Collection[str]
) -> AsyncIterator[Finding]:
    """Check all that the service needs of a database that answers.

    ``webhooks`` are the endpoints of the configuration; of others that were there once
    something may be known still, and is no matter.
    """
    build = await database.command("buildInfo")
    yield Finding("database", Level.OK, f"MongoDB {build['version']} answers")
    yield await _skew(database)
    yield await _indexes(database)
    yield await _change_stream(database)
    yield await _history(database, ring_seconds)
    store = WebhookStore(database)
    dead = await store.count_dead()
    for one in await store.standings():
        if one.name in webhooks:
            yield webhook(one.name, one.failing_since, dead.get(one.name, 0))


async def _skew(database: Database) -> Finding:
    before = time.time()
    hello = await database.command("hello", codec_options=database.codec_options)
    ours = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    return skew((hello["localTime"] - ours).total_seconds())


def skew(seconds: float) -> Finding:
    """Tell whether the database's clock and ours agree."""
    ahead = "ahead of" if seconds > 0 else "behind"
    told = f"the database's clock is {abs(seconds):.1f} s {ahead} ours"
    mend = "run chrony or systemd-timesyncd on both machines"
    if abs(seconds) >= MUCH_SKEW_S:
        return Finding("clock", Level.FAULT, told, mend)
    if abs(seconds) >= LITTLE_SKEW_S:
        return Finding("clock", Level.WARNING, told, mend)
    return Finding("clock", Level.OK, told)


async def _indexes(database: Database) -> Finding:
    if ITEMS not in await database.list_collection_names():
        return Finding("indexes", Level.OK, "they are made at the first start")
    return indexes(await database[ITEMS].index_information())


def indexes(found: Mapping[str, Any]) -> Finding:
    """Tell which indexes are missing, or are others than they should be."""
    wanted = {one.document["name"]: dict(one.document["key"]) for one in INDEXES}
    missing = [name for name in wanted if name not in found]
    wrong = [
        name
        for name, key in wanted.items()
        if name in found and dict(found[name]["key"]) != key
    ]
    if wrong:
        told = f"of {ITEMS} not as they should be: {', '.join(wrong)}"
        drop = "; ".join(f"db.{ITEMS}.dropIndex('{name}')" for name in wrong)
        return Finding("indexes", Level.FAULT, told, f"{drop}; then start the service")
    if missing:
        told = f"of {ITEMS} missing: {', '.join(missing)}"
        mend = "start the service: it makes them, which takes a while with many items"
        return Finding("indexes", Level.WARNING, told, mend)
    return Finding("indexes", Level.OK, f"all {len(wanted)} are there")


async def _change_stream(database: Database) -> Finding:
    try:
        async with await database[ITEMS].watch(max_await_time_ms=WATCH_MS) as stream:
            await stream.try_next()
    except PyMongoError as error:
        mend = "give the user the role readWrite on this database"
        told = f"can't be opened: {error}"
        return Finding("change_stream", Level.FAULT, told, mend)
    return Finding("change_stream", Level.OK, "can be followed")


async def _history(database: Database, ring_seconds: int) -> Finding:
    """Tell how far back the server's history reaches, if we may look."""
    try:
        oplog = database.client["local"]["oplog.rs"]
        ends = [
            await oplog.find_one({}, {"ts": 1}, sort=[("$natural", way)])
            for way in (1, -1)
        ]
    except PyMongoError:
        ends = []
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        return Finding("history", Level.OK, "can't be seen from here")
    stats = await database.client["local"].command("collStats", "oplog.rs")
    is_full = stats["size"] >= 0.9 * stats["maxSize"]
    return history(ends[1]["ts"].time - ends[0]["ts"].time, ring_seconds, is_full)


def history(seconds: int, ring_seconds: int, is_full: bool) -> Finding:
    """Tell whether clients can resume, and webhooks catch up, after a while away."""
    told = f"the oplog reaches back {seconds / 3_600:.1f} h"
    if is_full and seconds < max(ring_seconds, 3_600):
        mend = "enlarge it: db.adminCommand({replSetResizeOplog: 1, size: 4096})"
        return Finding("history", Level.WARNING, told, mend)
    return Finding("history", Level.OK, told)


def webhook(name: str, failing_since: datetime | None, dead: int) -> Finding:
    """Tell whether a receiver takes what it is told, and got all of it."""
    if failing_since is not None:
        at = failing_since.isoformat(timespec="seconds")
        mend = f"see the log for its answers; feedsvc webhooks dead {name} has them too"
        return Finding("webhook", Level.WARNING, f"{name} fails since {at}", mend)
    if dead:
        told = f"{name} never got {dead:,} messages"
        mend = f"feedsvc webhooks dead {name} tells why; … retry {name} sends them"
        return Finding("webhook", Level.WARNING, told, mend)
    return Finding("webhook", Level.OK, f"{name} takes what it is told")
