"""The items in MongoDB: written so that nothing is lost, read in one index scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from bson import Timestamp
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, Item, ItemType, Order
from feedsvc.core.position import Position
from feedsvc.core.record import Record
from feedsvc.core.settle import Terms
from feedsvc.errors import FeedError
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document, to_item, to_ms, to_record
from feedsvc.store.group_commit import GroupCommit
from feedsvc.store.queries import (
    INDEXES,
    ITEMS,
    MAX_NAMES,
    QUERY_MS,
    backlog_command,
    can_merge,
    counts_pipeline,
    index_of,
    names_pipeline,
    pinned_command,
    scope_filter,
)
from feedsvc.store.writer import Writer, Written

__all__ = ["ItemStore", "SnapshotGone", "Written", "collection_epoch"]

# A collection whose documents say nothing, but are commits like any other.
MARKS = "marks"

# Items that one round of ``trim`` removes.
TRIM_BATCH = 1_000

# SnapshotTooOld, SnapshotUnavailable, and a time that this server has yet to hear of.
_SNAPSHOT_GONE = {239, 246, 72}


class SnapshotGone(LookupError):
    """The state at a position can't be read (any more); try a newer position."""


class ItemStore:
    """The items of one deployment; ``rules`` say how long they stay."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        # What only this primary has may yet be rolled back, so it is not shown.
        self._items = database.get_collection(
            ITEMS, read_concern=ReadConcern("majority")
        )
        self._writer = Writer(self._items, rules)
        self._published: GroupCommit[Written | FeedError] = GroupCommit(self._publish)

    @property
    def committed_at(self) -> Position:
        """A position that nothing written by this store lies after."""
        return self._writer.committed_at

    @database_errors()
    async def prepare(self) -> None:
        """Make the collection and its indexes unless they are there."""
        # This makes the collection too; several processes may do it at once.
        await self._items.create_indexes(INDEXES)
        # One more commit: reads "as of" the stream's position, which is one commit
        # behind when nothing happens, then find the indexes there.
        await self._database[MARKS].update_one(
            {"_id": "prepared"}, {"$currentDate": {"at": True}}, upsert=True
        )

    @database_errors()
    async def epoch(self) -> bytes:
        """Return four bytes that change when the collection is made anew."""
        return await collection_epoch(self._database)

    @database_errors()
    async def write(
        self,
        offers: Sequence[Candidate],
        *,
        now: datetime,
        revive: bool,
        review: bool = False,
    ) -> list[Written | FeedError]:
        """Store what is new and changed; return each offer's outcome, in order.

        ``revive`` and ``review`` are those of ``Terms``.  What is returned is on a
        majority.  Offers of one id take effect one after the other.  A conflict is a
        value; raise ``Unavailable`` if outcomes are unknown: offering the same again
        is safe.
        """
        terms = Terms(revive, review)
        return await self._writer.write(offers, to_ms(now), terms)

    async def publish(self, offer: Candidate) -> Written | FeedError:
        """Do as ``write`` does with what a publisher offers now.

        It shares the way with what others offer at that time.
        """
        return await self._published.write(offer)

    async def _publish(self, offers: Sequence[Candidate]) -> list[Written | FeedError]:
        return await self.write(offers, now=datetime.now(UTC), revive=True)

    @database_errors()
    async def remove(self, item_id: str, *, now: datetime) -> Item | None:
        """Leave only a tombstone of the item and return it; None if unknown.

        Of an item that nobody has seen nobody is told.
        """
        record = await self.change(item_id, lambda one: one.remove(to_ms(now)))
        return record.newest if record else None

    @database_errors()
    async def change(
        self, item_id: str, change: Callable[[Record], Record]
    ) -> Record | None:
        """Make of the record what ``change`` makes of it; None if there is none.

        It may be called more than once, and raise; nothing is written then.
        """
        return await self._writer.change(item_id, change)

    async def get(self, item_id: str) -> Item | None:
        """Return the item that is shown, or its tombstone; None if there is neither."""
        record = await self.record(item_id)
        return record.shown if record else None

    @database_errors()
    async def seen(self, view: Scope, item_id: str) -> Item | None:
        """Return the item if the view sees it.

        What it does not see stays in the database, so that it takes as long as what is
        not there.
        """
        wanted = {"_id": item_id, **scope_filter(view), "removed_at": None}
        document = await self._items.find_one(wanted, {"held": 0})
        return to_record(document).shown if document else None

    @database_errors()
    async def record(self, item_id: str) -> Record | None:
        """Return all that is stored under the id, also what nobody sees."""
        document = await self._items.find_one({"_id": item_id})
        return to_record(document) if document else None

    @database_errors()
    async def backlog(
        self,
        scope: Scope,
        limit: int,
        *,
        before: Order | None = None,
        at: Position | None = None,
    ) -> list[Item]:
        """Return the first items that the scope sees: pinned, then newest by date.

        ``before`` is the ``order`` of the last item of the page before.  With ``at``
        the items are exactly as they were at that position; raise ``SnapshotGone``
        if that can't be told any more.
        """
        concern: Document = {"level": "majority"}
        if at is not None:
            time = Timestamp(at.seconds, at.increment)
            concern = {"level": "snapshot", "atClusterTime": time}
        roots = await self._roots(scope)
        if roots is not None and not roots:
            return []
        now, found = datetime.now(UTC), []
        if before is None or before[0]:
            command = pinned_command(scope, limit, now, before, roots)
            found = await self._run({**command, "readConcern": concern})
            before = None
        if len(found) < limit:
            command = backlog_command(scope, limit - len(found), now, before, roots)
            found += await self._run({**command, "readConcern": concern})
        return [to_item(document) for document in found]

    @database_errors()
    async def exists(self, scope: Scope) -> bool:
        """True if there is or was lately anything that the scope sees."""
        roots = await self._roots(scope)
        if roots is not None and not roots:
            return False
        found = await self._items.find_one(
            scope_filter(scope, roots),
            {"_id": 1},
            hint=index_of(scope, roots),
            max_time_ms=QUERY_MS,
        )
        return found is not None

    @database_errors()
    async def channels(self, scope: Scope) -> list[tuple[str, int]]:
        """Return the channels that the scope sees, and how many items each has.

        It counts every item of the scope: keep the answer for a while.
        """
        cursor = await self._items.aggregate(
            counts_pipeline(scope, datetime.now(UTC)),
            hint="channels",
            maxTimeMS=QUERY_MS,
        )
        counts = [(row["_id"], row["count"]) for row in await cursor.to_list()]
        # The pipeline leaves this to us, since to ask it in the index costs more.
        scope = Scope(scope.channel, None, scope.access)
        return [one for one in counts if scope.sees(Channel(one[0]), ItemType.POST)]

    @database_errors()
    async def trim(self, channel: Channel, keep: int, *, now: datetime) -> int:
        """Remove all but the newest ``keep`` items of the subtree; return how many.

        What is pinned stays and does not count.  Tombstones stay of the others, or a
        source that still shows them would bring them back.  Items that change
        meanwhile are left to the next time.
        """
        command = backlog_command(Scope(channel), TRIM_BATCH, now)
        surplus = await self._run({**command, "skip": keep})
        count = 0
        while surplus:
            last = surplus[-1]
            below = False, last["date"], last["_id"]
            records = [to_record(document) for document in surplus]
            steps = [(record, record.remove(to_ms(now))) for record in records]
            count += await self._writer.replace(steps)
            command = backlog_command(Scope(channel), TRIM_BATCH, now, below)
            surplus = await self._run(command)
        return count

    async def _roots(self, scope: Scope) -> list[str] | None:
        """Return the channels that a pattern stands for; None if they don't help.

        Looked up first, a pattern costs what it finds, and not what it passes over.
        """
        if not scope.channel.is_pattern:
            return None
        cursor = await self._items.aggregate(
            names_pipeline(scope.channel), hint="channels", maxTimeMS=QUERY_MS
        )
        names = [Channel(row["_id"]) for row in await cursor.to_list()]
        depth = len(scope.channel.segments)
        roots = {
            name.lineage[depth - 1] for name in names if scope.channel.covers(name)
        }
        too_many = len(names) > MAX_NAMES or not can_merge(scope, len(roots))
        return None if too_many else sorted(roots)

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
