"""Writing items: each revision over the one before, or not at all.

Nothing is locked.  A document is replaced only if it still has the revision that the
decision was made for; who comes second reads again and decides again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError
from pymongo.results import BulkWriteResult

from feedsvc.core.access import Rules
from feedsvc.core.item import Candidate, Item, Status, settle, tombstone
from feedsvc.core.position import Position
from feedsvc.errors import Conflict, FeedError, Unavailable
from feedsvc.store.documents import Document, to_document, to_item, to_ms

# Rounds in a row that other writers may win before we give up; each round one wins.
MAX_LOST_ROUNDS = 100

_DUPLICATE_KEY = 11000

Outcomes = dict[int, "Written | FeedError"]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an offer; ``item`` is what the store has now."""

    status: Status
    item: Item


class Writer:
    """Writes into one collection, which reads and writes with a majority."""

    def __init__(self, items: AsyncCollection[dict[str, Any]], rules: Rules) -> None:
        self._items = items
        self._rules = rules
        #: Nothing that was written here lies after this position.
        self.committed_at = Position(0, 0)

    async def write(
        self, offers: Sequence[Candidate], now: datetime, revive: bool
    ) -> list[Written | FeedError]:
        """Write round by round, in each the next offer of every id."""
        outcomes: Outcomes = {}
        lost_rounds = 0
        while len(outcomes) < len(offers):
            round_ = _next_of_each_id(offers, outcomes)
            settled = await self._write_round(round_, now, revive)
            outcomes |= settled
            lost_rounds = 0 if settled else lost_rounds + 1
            if lost_rounds:
                await _let_others_finish(lost_rounds)
        return [outcomes[at] for at in range(len(offers))]

    async def remove(self, item_id: str, now: datetime) -> Item | None:
        """Put a tombstone in the item's place, unless there is one."""
        lost_rounds = 0
        while True:
            known = (await self._known([item_id])).get(item_id)
            if known is None or known.is_removed:
                return known
            removed = tombstone(known, now)
            if await self.replace([removed]):
                return removed
            lost_rounds += 1
            await _let_others_finish(lost_rounds)

    async def replace(self, items: Iterable[Item]) -> int:
        """Write items over the revisions before; return how many were still there."""
        operations = [self._replacement(item, upsert=False) for item in items]
        return (await self._bulk_write(operations)).matched_count

    async def _write_round(
        self, offers: dict[int, Candidate], now: datetime, revive: bool
    ) -> Outcomes:
        """Write the offers, one for each id; return those with an outcome.

        The others lost against another writer and have to be settled again.
        """
        known = await self._known([offer.id for offer in offers.values()])
        outcomes: Outcomes = {}
        changed: dict[int, Written] = {}
        for at, offer in offers.items():
            try:
                settled = settle(offer, known.get(offer.id), now, revive=revive)
            except Conflict as conflict:
                outcomes[at] = conflict
                continue
            is_change = settled[0] in (Status.CREATED, Status.UPDATED)
            (changed if is_change else outcomes)[at] = Written(*settled)
        lost = await self._upsert([written.item for written in changed.values()])
        for index, (at, written) in enumerate(changed.items()):
            if index not in lost:
                outcomes[at] = written
        return outcomes

    async def _known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        cursor = self._items.find({"_id": {"$in": item_ids}})
        return {document["_id"]: to_item(document) async for document in cursor}

    async def _upsert(self, items: Sequence[Item]) -> set[int]:
        """Write new and changed items; return the places of those that lost.

        As an upsert, a replacement that finds another revision than it was made for
        tries to insert, and so fails by name: a duplicate key.
        """
        if not items:
            return set()
        operations = [self._replacement(item, upsert=True) for item in items]
        try:
            await self._bulk_write(operations)
        except BulkWriteError as error:
            return _lost(error)
        return set()

    async def _bulk_write(
        self, operations: Sequence[ReplaceOne[Document]]
    ) -> BulkWriteResult:
        client = self._items.database.client
        async with client.start_session(causal_consistency=False) as session:
            try:
                return await self._items.bulk_write(
                    operations, ordered=False, session=session
                )
            finally:
                if (time := session.operation_time) is not None:
                    committed = Position(time.time, time.inc)
                    self.committed_at = max(self.committed_at, committed)

    def _replacement(self, item: Item, *, upsert: bool) -> ReplaceOne[Document]:
        return ReplaceOne(
            {"_id": item.id, "rev": item.rev - 1},
            to_document(item, self._rules),
            upsert=upsert,
        )


def _next_of_each_id(
    offers: Sequence[Candidate], outcomes: Outcomes
) -> dict[int, Candidate]:
    """Return the first open offer of each id, dated as MongoDB keeps dates."""
    first: dict[str, int] = {}
    for at, offer in enumerate(offers):
        if at not in outcomes:
            first.setdefault(offer.id, at)
    return {at: _dated(offers[at]) for at in first.values()}


def _dated(offer: Candidate) -> Candidate:
    return replace(offer, date=to_ms(offer.date)) if offer.date else offer


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
