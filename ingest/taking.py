"""What was read of a page becomes items: recognised, selected, written, counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from feedsvc.core.access import Rules
from feedsvc.core.item import Candidate, Item
from feedsvc.store.items import ItemStore, Written
from feedsvc.store.sourced import SourcedItems
from ingest import decide, identity
from ingest.offers import Reading
from ingest.summary import Summary


class Taker:
    """Writes for one run of one source; ``fence`` is its lease's.

    What a run writes that was overtaken by a later one is refused by the store.  With
    ``review`` editors see it before anybody else does.
    """

    def __init__(
        self,
        items: ItemStore,
        sourced: SourcedItems,
        rules: Rules,
        policy: decide.Policy,
        fence: int,
        summary: Summary,
        *,
        review: bool = False,
    ) -> None:
        self._items = items
        self._sourced = sourced
        self._rules = rules
        self._policy = policy
        self._fence = fence
        self._summary = summary
        self._review = review

    async def take(self, reading: Reading, now: datetime) -> set[str]:
        """Write what is selected of a page, and count what became of the rest.

        Return the ids that its items have by now, also of those not selected.
        """
        offers = await self._recognised(reading.offers)
        selection = decide.select(offers, self._policy, self._rules, now)
        self._summary.dropped.update(reading.unwanted)
        self._summary.dropped.update(selection.dropped)
        self._summary.add_faults(reading.faults, reading.fault_count)
        await self._write(selection.kept, now)
        for source_id in reading.removed:
            await self.remove(identity.item_id(self._summary.source, source_id), now)
        return {offer.id for offer in offers}

    async def cancel(self, events: Sequence[Item], now: datetime) -> None:
        """Update events that are no longer in their calendar: they do not happen."""
        offers = [
            Candidate(
                id=event.id,
                type=event.type,
                channel=event.channel,
                body={**event.body, "status": decide.CANCELLED},
                date=event.date,
                source=event.source,
                source_id=event.source_id,
                alt_id=event.alt_id,
            )
            for event in events
        ]
        await self._write(offers, now)

    async def remove(self, item_id: str, now: datetime) -> bool:
        """Remove the item everywhere; false if there was nothing to remove."""
        known = await self._items.record(item_id)
        if known is None or known.remove(now) is known:
            return False
        await self._items.remove(item_id, now=now)
        self._summary.written["removed"] += 1
        return True

    async def _recognised(self, offers: Sequence[Candidate]) -> list[Candidate]:
        alt_ids = {offer.alt_id for offer in offers if offer.alt_id}
        if not alt_ids:
            return list(offers)
        known = await self._sourced.by_alt_id(self._summary.source, alt_ids)
        return decide.recognise(offers, known)

    async def _write(self, offers: Collection[Candidate], now: datetime) -> None:
        fenced = [replace(offer, fence=self._fence) for offer in offers]
        outcomes = await self._items.write(
            fenced, now=now, revive=False, review=self._review
        )
        for offer, outcome in zip(fenced, outcomes, strict=True):
            if isinstance(outcome, Written):
                self._summary.written[outcome.status] += 1
            else:
                self._summary.add_faults([f"{offer.source_id}: {outcome}"], 1)
