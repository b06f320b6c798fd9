"""Writing items: each revision over the one before, or not at all.

Nothing is locked.  A document is replaced only if it still is what the decision was
made for; who comes second reads again and decides again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError
from pymongo.results import BulkWriteResult

from feedsvc.core.access import Rules
from feedsvc.core.item import Candidate, Item, Status
from feedsvc.core.position import Position
from feedsvc.core.record import Record
from feedsvc.core.settle import Terms, settle
from feedsvc.errors import FeedError, Unavailable
from feedsvc.store.documents import Document, to_document, to_ms, to_record

# Rounds in a row that other writers may win before we give up; each round one wins.
MAX_LOST_ROUNDS = 100

_DUPLICATE_KEY = 11000

Outcomes = dict[int, "Written | FeedError"]
#: A record as it was read, and what it is to become.
Step = tuple[Record | None, Record]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an offer; ``item`` is what the store has now, shown or held."""

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
        self, offers: Sequence[Candidate], now: datetime, terms: Terms
    ) -> list[Written | FeedError]:
        """Write round by round, in each the next offer of every id.

        The delay is that of each offer's channel.
        """
        outcomes: Outcomes = {}
        lost_rounds = 0
        while len(outcomes) < len(offers):
            round_ = _next_of_each_id(offers, outcomes)
            settled = await self._write_round(round_, now, terms)
            outcomes |= settled
            lost_rounds = 0 if settled else lost_rounds + 1
            if lost_rounds:
                await _let_others_finish(lost_rounds)
        return [outcomes[at] for at in range(len(offers))]

    async def change(
        self, item_id: str, change: Callable[[Record], Record]
    ) -> Record | None:
        """Make of the record what ``change`` makes of it; None if there is none.

        It is called again for every writer that comes in between.
        """
        lost_rounds = 0
        while True:
            known = (await self._known([item_id])).get(item_id)
            changed = change(known) if known else None
            if known is None or changed is None or changed is known:
                return known
            if await self.replace([(known, changed)]):
                return changed
            lost_rounds += 1
            await _let_others_finish(lost_rounds)

    async def replace(self, steps: Sequence[Step]) -> int:
        """Write what is still as it was read; return how many were."""
        operations = [self._replacement(*step, upsert=False) for step in steps]
        return (await self._bulk_write(operations)).matched_count

    async def _write_round(
        self, offers: dict[int, Candidate], now: datetime, terms: Terms
    ) -> Outcomes:
        """Write the offers, one for each id; return those with an outcome.

        The others lost against another writer and have to be settled again.
        """
        known = await self._known([offer.id for offer in offers.values()])
        outcomes: Outcomes = {}
        steps: dict[int, Step] = {}
        for at, offer in offers.items():
            before = known.get(offer.id)
            own_terms = replace(terms, delay_s=self._rules.delay_s(offer.channel))
            try:
                status, record = settle(offer, before, now, own_terms)
            except FeedError as refusal:
                outcomes[at] = refusal
                continue
            outcomes[at] = _written(status, record)
            if record is not before:
                steps[at] = before, record
        lost = await self._upsert(list(steps.values()))
        for index, at in enumerate(steps):
            if index in lost:
                del outcomes[at]
        return outcomes

    async def _known(self, item_ids: Sequence[str]) -> dict[str, Record]:
        cursor = self._items.find({"_id": {"$in": item_ids}})
        return {document["_id"]: to_record(document) async for document in cursor}

    async def _upsert(self, steps: Sequence[Step]) -> set[int]:
        """Write new and changed records; return the places of those that lost.

        As an upsert, a replacement that finds another record than it was made for
        tries to insert, and so fails by name: a duplicate key.
        """
        if not steps:
            return set()
        operations = [self._replacement(*step, upsert=True) for step in steps]
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

    def _replacement(
        self, before: Record | None, after: Record, *, upsert: bool
    ) -> ReplaceOne[Document]:
        known = before or Record(after.id)
        # What is 0 is not in the document, and matches None.
        state = {"rev": known.rev or None, "version": known.version or None}
        is_silent = after.rev == known.rev
        return ReplaceOne(
            {"_id": after.id, **state},
            to_document(after, self._rules, silent=is_silent),
            upsert=upsert,
        )


def _written(status: Status, record: Record) -> Written:
    if record.newest is None:
        raise RuntimeError(f"an offer left nothing of {record.id!r}")
    return Written(status, record.newest)


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
