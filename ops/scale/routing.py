"""Which shards a command has to go to, if items are sharded by their hashed ``_id``.

The commands are those that the store sends: MongoDB's own profiler tells what it was
asked.  A router sends a command to one shard if the filter names the shard key, by
equality or as a list; it asks all shards otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from feedsvc.core.record import Reason
from feedsvc.store import Database, connect
from feedsvc.store.embedded import embedded_mongod
from feedsvc.store.held import HeldStore
from feedsvc.store.items import ItemStore
from feedsvc.store.queries import ITEMS
from feedsvc.store.sourced import SourcedItems

CHANNEL = Channel.parse("radiostation.artist")
PATTERN = Channel.parse_pattern("radiostation.*")
SOURCE = "mastodon"
COUNT = 20

WRITES = {"insert", "update", "remove"}
GOING_ON = ["getmore", "killcursors"]  # goes where the command before it went

Act = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that MongoDB got: its name, and whether one shard will do."""

    name: str
    is_write: bool
    is_targeted: bool


def names_the_key(wanted: Mapping[str, Any]) -> bool:
    """True if the filter says which ``_id`` it is about."""
    value = wanted.get("_id")
    if isinstance(value, Mapping):
        return "$in" in value or "$eq" in value
    return value is not None or any(map(names_the_key, wanted.get("$and", ())))


async def sent_by(database: Database, act: Act) -> set[Sent]:
    """Return what the act asks of the items."""
    await database.drop_collection("system.profile")
    await database.command("profile", 2)
    try:
        await act()
    finally:
        await database.command("profile", 0)
    wanted = {"ns": f"{database.name}.{ITEMS}", "op": {"$nin": GOING_ON}}
    return {_sent(entry) async for entry in database["system.profile"].find(wanted)}


def _sent(entry: Mapping[str, Any]) -> Sent:
    command = entry["command"]
    is_write = entry["op"] in WRITES
    name = entry["op"] if is_write else next(iter(command))
    [first, *_] = command.get("pipeline", [{}])
    wanted = command.get("q") or command.get("filter") or first.get("$match", {})
    return Sent(name, is_write, names_the_key(wanted))


async def survey(database: Database) -> dict[str, set[Sent]]:
    """Do everything once that the service and ingest do with items, as they do it."""
    return {
        what: await sent_by(database, act)
        for what, act in (await _acts(database)).items()
    }


async def records() -> list[dict[str, Any]]:
    """Return a record of each thing that is done, from a MongoDB of its own."""
    with TemporaryDirectory(prefix="scale-") as folder:
        async with embedded_mongod(Path(folder)) as mongod:
            database = connect(mongod.uri)
            found = await survey(database)
            await database.client.close()
    return [
        {
            "what": what,
            "to_one": sorted(one.name for one in sent if one.is_targeted),
            "to_all": sorted(one.name for one in sent if not one.is_targeted),
        }
        for what, sent in found.items()
    ]


async def _acts(database: Database) -> dict[str, Act]:
    store, sourced = ItemStore(database, Rules()), SourcedItems(database, Rules())
    held = HeldStore(database, Rules())
    await store.prepare()
    now = datetime.now(UTC)
    offer = Candidate(
        "mastodon:1",
        ItemType.POST,
        CHANNEL,
        {"title": "one"},
        source=SOURCE,
        alt_id="a",
    )
    scope, types = Scope(CHANNEL), frozenset({ItemType.POST})
    later = replace(offer, id="mastodon:2", publish_at=now + timedelta(seconds=60))

    async def write(*offers: Candidate) -> object:
        return await store.write(offers, now=now, revive=False)

    changed = replace(offer, body={"title": "two"})
    others = [replace(offer, id=f"mastodon:{number}") for number in range(3, 10)]
    return {
        "publish one": lambda: write(offer),
        "publish it changed": lambda: write(changed),
        "publish many": lambda: write(*others),
        "publish for later": lambda: write(later),
        "release what is due": lambda: held.release(now + timedelta(seconds=90)),
        "one item": lambda: store.get(offer.id),
        "one item, if I may see it": lambda: store.seen(scope, offer.id),
        "remove": lambda: store.remove(offer.id, now=now),
        "backlog": lambda: store.backlog(scope, COUNT),
        "backlog of some types": lambda: store.backlog(Scope(CHANNEL, types), COUNT),
        "backlog of a pattern": lambda: store.backlog(Scope(PATTERN), COUNT),
        "tree of channels": lambda: store.channels(scope),
        "trim": lambda: store.trim(CHANNEL, 3, now=now),
        "queue of editors": lambda: held.queue(Reason.REVIEW, COUNT),
        "ingest: known by another id": lambda: sourced.by_alt_id(SOURCE, ["a"]),
        "ingest: events to come": lambda: sourced.events_after(SOURCE, now),
    }
