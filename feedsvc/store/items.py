"""The items in MongoDB: written so that nothing is lost, read in one index scan."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bson import Timestamp
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure
from pymongo.read_concern import ReadConcern

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, Item, Status, settle, tombstone
from feedsvc.core.position import Position
from feedsvc.errors import Conflict, FeedError, Unavailable
from feedsvc.store.database import QUERY_MS, Database, database_errors
from feedsvc.store.documents import Document, to_document, to_item, to_ms
from feedsvc.store.queries import (
    INDEXES,
    ORDER,
    Page,
    backlog_filter,
    index_of,
    scope_filter,
)

ITEMS = "items"

# Rounds in a row that other writers may win before we give up; each round one wins.
MAX_LOST_ROUNDS = 100
# Items that one round of ``trim`` removes.
TRIM_BATCH = 1_000

_DUPLICATE_KEY = 11000
# SnapshotTooOld, SnapshotUnavailable, and a time that this server has yet to hear of.
_SNAPSHOT_GONE = {239, 246, 72}


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an offer; ``item`` is what the store has now."""

    status: Status
    item: Item


class SnapshotGone(LookupError):  # noqa: N818 a state that callers expect
    """The state at a position can't be read (any more); try a newer position."""


class ItemStore:
    """The items of one deployment; ``rules`` say how long they stay."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules
        # What only this primary has may yet be rolled back, so it is not shown.
        self._items = database.get_collection(
            ITEMS, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def prepare(self) -> None:
        """Make the collection and its indexes unless they are there."""
        with suppress(CollectionInvalid):
            await self._database.create_collection(ITEMS)
        await self._items.create_indexes(INDEXES)

    @database_errors()
    async def epoch(self) -> bytes:
        """Return four bytes that change when the collection is made anew."""
        return await collection_epoch(self._database)

    @database_errors()
    async def write(
        self, offers: Sequence[Candidate], *, now: datetime, revive: bool
    ) -> list[Written | FeedError]:
        """Store what is new and changed; return each offer's outcome, in order.

        What is returned is on a majority.  Offers of one id take effect one after
        the other.  A conflict is a value; raise ``Unavailable`` if outcomes are
        unknown: offering the same again is safe.
        """
        now = to_ms(now)
        outcomes: dict[int, Written | FeedError] = {}
        lost_rounds = 0
        while len(outcomes) < len(offers):
            settled = await self._write_round(
                _first_of_each_id(offers, outcomes), now, revive
            )
            outcomes |= settled
            lost_rounds = 0 if settled else lost_rounds + 1
            if lost_rounds:
                await _let_others_finish(lost_rounds)
        return [outcomes[at] for at in range(len(offers))]

    @database_errors()
    async def remove(self, item_id: str, *, now: datetime) -> Item | None:
        """Leave only a tombstone of the item and return it; None if unknown."""
        lost_rounds = 0
        while True:
            known = await self._find(item_id)
            if known is None or known.is_removed:
                return known
            removed = tombstone(known, to_ms(now))
            done = await self._items.replace_one(
                {"_id": item_id, "rev": known.rev}, to_document(removed, self._rules)
            )
            if done.matched_count:
                return removed
            lost_rounds += 1
            await _let_others_finish(lost_rounds)

    @database_errors()
    async def get(self, item_id: str) -> Item | None:
        """Return the item or its tombstone, None if there is neither."""
        return await self._find(item_id)

    @database_errors()
    async def backlog(
        self,
        scope: Scope,
        limit: int,
        *,
        before: Page | None = None,
        at: Position | None = None,
    ) -> list[Item]:
        """Return the newest items that the scope sees, by date, then id.

        ``before`` is the ``order`` of the last item of the page before.  With ``at``
        the items are exactly as they were at that position; raise ``SnapshotGone``
        if that can't be told any more.
        """
        concern: Document = {"level": "majority"}
        if at is not None:
            time = Timestamp(at.seconds, at.increment)
            concern = {"level": "snapshot", "atClusterTime": time}
        command = {
            "find": ITEMS,
            "filter": backlog_filter(scope, datetime.now(UTC), before),
            "sort": dict(ORDER),
            "hint": index_of(scope),
            "limit": limit,
            "batchSize": limit,
            "maxTimeMS": QUERY_MS,
            "readConcern": concern,
        }
        return [to_item(document) for document in await self._run(command)]

    @database_errors()
    async def exists(self, scope: Scope) -> bool:
        """True if there is or was lately anything that the scope sees."""
        found = await self._items.find_one(
            scope_filter(scope),
            {"_id": 1},
            hint=index_of(scope),
            max_time_ms=QUERY_MS,
        )
        return found is not None

    @database_errors()
    async def channels(self, scope: Scope) -> list[tuple[str, int]]:
        """Return the channels that the scope sees, and how many items each has.

        It reads every item of the scope: keep the answer for a while.
        """
        cursor = await self._items.aggregate(
            [
                {"$match": backlog_filter(scope, datetime.now(UTC))},
                {"$group": {"_id": "$channel", "count": {"$sum": 1}}},
                {"$sort": {"_id": 1}},
            ],
            hint=index_of(scope),
            maxTimeMS=QUERY_MS,
        )
        return [(row["_id"], row["count"]) for row in await cursor.to_list()]

    @database_errors()
    async def trim(self, channel: Channel, keep: int, *, now: datetime) -> int:
        """Remove all but the newest ``keep`` items of the subtree; return how many.

        Tombstones stay of them, or a source that still shows them would bring them
        back.  Items that change meanwhile are left to the next time.
        """
        scope = Scope(channel)
        count = 0
        while True:
            cursor = self._items.find(
                backlog_filter(scope, now),
                sort=ORDER,
                hint=index_of(scope),
                skip=keep,
                limit=TRIM_BATCH,
            )
            surplus = [to_item(document) async for document in cursor]
            if not surplus:
                return count
            removed = [tombstone(item, to_ms(now)) for item in surplus]
            done = await self._items.bulk_write(
                [
                    ReplaceOne(
                        {"_id": item.id, "rev": item.rev - 1},
                        to_document(item, self._rules),
                    )
                    for item in removed
                ],
                ordered=False,
            )
            count += done.matched_count

    async def _find(self, item_id: str) -> Item | None:
        document = await self._items.find_one({"_id": item_id})
        return to_item(document) if document else None

    async def _write_round(
        self, offers: dict[int, Candidate], now: datetime, revive: bool
    ) -> dict[int, Written | FeedError]:
        """Write the offers, one for each id; return those with an outcome.

        The others lost against another writer and have to be settled again.
        """
        known = await self._known(offer.id for offer in offers.values())
        outcomes: dict[int, Written | FeedError] = {}
        changed: dict[int, Written] = {}
        for at, offer in offers.items():
            try:
                written = Written(
                    *settle(offer, known.get(offer.id), now, revive=revive)
                )
            except Conflict as conflict:
                outcomes[at] = conflict
                continue
            is_change = written.status in (Status.CREATED, Status.UPDATED)
            (changed if is_change else outcomes)[at] = written
        lost = await self._replace([written.item for written in changed.values()])
        outcomes |= {
            at: written
            for index, (at, written) in enumerate(changed.items())
            if index not in lost
        }
        return outcomes

    async def _known(self, item_ids: Iterable[str]) -> dict[str, Item]:
        cursor = self._items.find({"_id": {"$in": list(item_ids)}})
        return {item.id: item async for item in (to_item(doc) async for doc in cursor)}

    async def _replace(self, items: list[Item]) -> set[int]:
        """Write each item over its revision before; return the places that lost.

        As an upsert, a replacement that finds another revision than it was made for
        tries to insert, and so fails by name: a duplicate key.
        """
        if not items:
            return set()
        operations = [
            ReplaceOne(
                {"_id": item.id, "rev": item.rev - 1},
                to_document(item, self._rules),
                upsert=True,
            )
            for item in items
        ]
        try:
            await self._items.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            return _lost(error)
        return set()

    async def _run(self, command: Document) -> list[Document]:
        # A session of its own, for answers that don't fit into one message.
        async with self._database.client.start_session(
            causal_consistency=False
        ) as session:
            try:
                cursor = await self._database.cursor_command(
                    command,
                    codec_options=self._database.codec_options,
                    session=session,
                )
                return await cursor.to_list()
            except OperationFailure as error:
                if error.code in _SNAPSHOT_GONE:
                    raise SnapshotGone(str(error)) from error
                raise


async def collection_epoch(database: Database) -> bytes:
    """Return the epoch of the database's items; empty while there are none."""
    cursor = await database.list_collections(filter={"name": ITEMS})
    found: list[Any] = await cursor.to_list()
    return bytes(found[0]["info"]["uuid"])[:4] if found else b""


def _first_of_each_id(
    offers: Sequence[Candidate], outcomes: dict[int, Written | FeedError]
) -> dict[int, Candidate]:
    """Return the offers that are next, dated as MongoDB keeps dates."""
    first: dict[str, int] = {}
    for at, offer in enumerate(offers):
        if at not in outcomes:
            first.setdefault(offer.id, at)
    return {
        at: replace(offers[at], date=to_ms(date))
        if (date := offers[at].date)
        else offers[at]
        for at in first.values()
    }


def _lost(error: BulkWriteError) -> set[int]:
    """Return the places of duplicate keys; raise if anything else went wrong."""
    details = dict(error.details or {})
    failed = details.get("writeErrors", [])
    if any(one["code"] != _DUPLICATE_KEY for one in failed):
        raise error
    if details.get("writeConcernErrors"):
        raise Unavailable("the database has no majority") from error
    return {one["index"] for one in failed}


async def _let_others_finish(lost_rounds: int) -> None:
    if lost_rounds > MAX_LOST_ROUNDS:
        raise Unavailable("too many writers of one item")
    await asyncio.sleep(random.uniform(0.001, 0.02))  # noqa: S311 no secret
