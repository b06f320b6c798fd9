"""What the rules of retention say of the items that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.read_concern import ReadConcern

from feedsvc.core.access import Scope
from feedsvc.core.channel import Channel
from feedsvc.store.database import Database, database_errors
from feedsvc.store.queries import ITEMS, scope_filter

Filter = dict[str, Any]


class RetentionStore:
    """Counts and marks what is past its time; MongoDB deletes what is marked."""

    def __init__(self, database: Database) -> None:
        self._items = database.get_collection(
            ITEMS, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def surplus(self, channel: Channel, keep: int) -> int:
        """Return how many items the subtree has beyond the newest ``keep``."""
        found = await self._items.count_documents(
            {**scope_filter(Scope(channel)), **_MORTAL}
        )
        return max(0, found - keep)

    @database_errors()
    async def past(
        self, channel: Channel, age_s: int, others: Sequence[Channel], now: datetime
    ) -> int:
        """Return how many items of the subtree are older than ``age_s``.

        ``others`` are channels inside of it that have an age of their own.
        """
        limit = now - timedelta(seconds=age_s)
        wanted = {**_part(channel, others), "date": {"$lte": limit}}
        return await self._items.count_documents(wanted)

    @database_errors()
    async def mark(
        self, channel: Channel, age_s: int, others: Sequence[Channel]
    ) -> int:
        """Give the items of the subtree the end that the age says; return how many.

        That is needed for those that were written before the rule was; readers are
        told nothing of it.
        """
        ends_at = {"$add": ["$date", age_s * 1_000]}
        done = await self._items.update_many(
            {**_part(channel, others), "$expr": {"$ne": ["$expire_at", ends_at]}},
            [{"$set": {"expire_at": ends_at, "silent": True}}],
        )
        return int(done.modified_count)


# What a rule may take away: it is shown, and not pinned.
_MORTAL: Filter = {
    "removed_at": None,
    "pinned": {"$ne": True},
    "date": {"$exists": True},
}


def _part(channel: Channel, others: Sequence[Channel]) -> Filter:
    paths = [one.path for one in others]
    return {
        "$and": [{"lineage": channel.path}, {"lineage": {"$nin": paths}}],
        **_MORTAL,
    }
