"""The change stream of the items: what was committed, in the order it was."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from bson import Timestamp
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import OperationFailure, PyMongoError

from feedsvc.core.item import Item
from feedsvc.core.position import Position
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document, to_item
from feedsvc.store.items import collection_epoch
from feedsvc.store.queries import ITEMS

log = logging.getLogger("feedsvc.store.changes")

BATCH_SIZE = 1_000
# How long the server waits for news before it says that there are none.
AWAIT_MS = 1_000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0

_HISTORY_LOST = 286
# Also ChangeStreamFatalError: the resume token is unknown there.
_NO_WAY_ON = {280, _HISTORY_LOST}
_RESUMABLE, _NOT_RESUMABLE = (
    "ResumableChangeStreamError",
    "NonResumableChangeStreamError",
)
# A cursor keeps ordinals in 16 bits.
_LAST_ORDINAL = 0xFFFF
_ENDINGS = {"drop", "rename", "dropDatabase", "invalidate"}
_PIPELINE: list[dict[str, Any]] = [
    {
        "$match": {
            "operationType": {
                "$in": ["insert", "replace", "update", "delete", *sorted(_ENDINGS)]
            }
        }
    },
    {
        "$project": {
            "operationType": 1,
            "clusterTime": 1,
            "wallTime": 1,
            "fullDocument": 1,
            "documentKey": 1,
        }
    },
]

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Committed:
    """An item has a new revision; ``at`` is when, by the server's clock."""

    position: Position
    item: Item
    at: float


@dataclass(frozen=True, slots=True)
class Silent:
    """A commit that readers are not told of.

    ``due_at`` is when to release what it held, if that is a matter of time.
    """

    position: Position
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Expired:
    """A document is gone; MongoDB deleted it, or somebody by hand."""

    position: Position
    item_id: str


@dataclass(frozen=True, slots=True)
class Idle:
    """All up to ``position`` has been yielded, and there is no more for now."""

    position: Position


class HistoryLost(LookupError):
    """Changes may be missing: forget what was built on them and ``open`` again."""


class ChangeStream:
    """All changes from ``past_s`` ago up to now and on for ever.

    ``open`` it, then iterate.  A server that goes away is waited for, and nothing is
    lost or repeated; only ``HistoryLost`` ends the iteration, and ``open`` starts a
    new one.  What the server sent in one batch is yielded without giving way to
    other tasks.
    """

    def __init__(self, database: Database, *, past_s: int = 600) -> None:
        self._database = database
        self._past_s = past_s
        self._stream: AsyncChangeStream[Event] | None = None
        self._token: Any = None
        # Of the newest event; before the first, the floor.
        self._position = Position(0, 0)
        self._not_before = Position(0, 0)
        self._epoch = b""
        self._as_of = time.time()
        # All that was committed before the stream was opened lies up to here.
        self.opened_at = Position(0, 0)
        self.healthy = False

    @property
    def lag_s(self) -> float:
        """Seconds by which we may be behind what was committed; 2 are normal.

        It is the server's clock against ours, and that one counts whole seconds.
        """
        return max(0.0, time.time() - self._as_of)

    @database_errors()
    async def open(self, after: Position | None = None) -> Position:
        """Go to the past and return the floor: all after it will be yielded.

        ``after`` is to be the floor itself; raise ``HistoryLost`` if the server's
        history begins later.
        """
        await self.close()
        self._epoch = await collection_epoch(self._database)
        if after is not None:
            if not await self._try_open(0, after):
                raise HistoryLost(f"the history begins after {after}")
            return self._position
        past_s = self._past_s
        while not await self._try_open(past_s):
            past_s //= 2
        log.info("change stream opened past_s=%d", past_s)
        return self._position

    async def close(self) -> None:
        """Let go of the server's cursor; the stream may be opened again."""
        self.healthy = False
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Committed | Silent | Expired | Idle:
        while True:
            news = await self._next()
            change = news if isinstance(news, Idle) else self._take(news)
            if change is not None:
                return change

    async def _try_open(self, past_s: int, after: Position | None = None) -> bool:
        """Open the stream in the past; False if the history begins later."""
        reply = await self._database.command("ping")
        now: Timestamp = reply["operationTime"]
        self.opened_at = Position(now.time, now.inc)
        # Increments count from 1, so nothing ever happens at 0.
        past = (now.time - past_s, 0) if past_s else (now.time, now.inc)
        self._position = max(after or Position(*past), self._not_before)
        self._token = None
        try:
            await self._watch()
        except OperationFailure as error:
            if error.code != _HISTORY_LOST:
                raise
            return False
        self._as_of = self._position.seconds
        return True

    async def _watch(self) -> AsyncChangeStream[Event]:
        """Open the stream after what was yielded last."""
        if self._token is not None:
            start: dict[str, Any] = {"resume_after": self._token}
        else:
            after = Timestamp(self._position.seconds, self._position.increment + 1)
            start = {"start_at_operation_time": after}
        stream = await self._database[ITEMS].watch(
            _PIPELINE,
            # For writers that are not ours: ours replace whole documents.
            full_document="updateLookup",
            batch_size=BATCH_SIZE,
            max_await_time_ms=AWAIT_MS,
            **start,
        )
        self._stream, self.healthy = stream, True
        return stream

    async def _next(self) -> Event | Idle:
        """Return the next event, or that there is none now; wait out failures."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                stream = self._stream or await self._reopen()
                # A batch that is here already is read without suspending this task.
                event = await stream.try_next()
                return event or self._idle(stream.resume_token)
            except PyMongoError as error:
                await self.close()
                if _ends_history(error):
                    raise HistoryLost(str(error)) from error
                # Whatever it is, somebody may repair it, and we go on where we were.
                log.warning("change stream broken wait_s=%.1f error=%s", wait_s, error)
                await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _reopen(self) -> AsyncChangeStream[Event]:
        epoch = await collection_epoch(self._database)
        if self._epoch and epoch != self._epoch:
            raise HistoryLost("the collection is another one than before")
        log.info("change stream resumes after=%s", self._position)
        return await self._watch()

    def _idle(self, token: Any) -> Idle:
        self._as_of = time.time()
        # Newer than the last event's: that one may fall out of the server's history.
        self._token = token or self._token
        return Idle(max(self._position, _position_before(self._token)))

    def _take(self, event: Event) -> Committed | Silent | Expired | None:
        """Move on to the event and return what it tells of an item."""
        self._position = position = self._position_of(event["clusterTime"])
        self._token = event["_id"]
        self._as_of = position.seconds
        kind = event["operationType"]
        if kind in _ENDINGS:
            self._not_before = position
            raise HistoryLost(f"the collection went through a {kind}")
        if kind == "delete":
            return Expired(position, event["documentKey"]["_id"])
        document = event.get("fullDocument")
        if document is None:  # looked up, and gone since: a delete follows
            return None
        if _is_silent(document, kind):
            return Silent(position, document.get("held", {}).get("due_at"))
        try:
            return Committed(position, to_item(document), _committed_at(event))
        except (LookupError, TypeError, ValueError):
            log.exception("document is no item id=%r", event["documentKey"]["_id"])
            return None

    def _position_of(self, cluster_time: Timestamp) -> Position:
        seconds, increment, ordinal = self._position
        if (cluster_time.time, cluster_time.inc) != (seconds, increment):
            return Position(cluster_time.time, cluster_time.inc)
        return Position(seconds, increment, min(ordinal + 1, _LAST_ORDINAL))


def _committed_at(event: Event) -> float:
    """Return when it was; the cluster's own time has whole seconds only."""
    wall_time: datetime | None = event.get("wallTime")
    seconds: int = event["clusterTime"].time
    return seconds if wall_time is None else wall_time.timestamp()


def _is_silent(document: Document, kind: str) -> bool:
    """True if this write of ours left what is shown as it was.

    The mark stays when somebody else updates the document; then it says nothing.
    """
    is_unseen = "held" in document and "channel" not in document
    return is_unseen or (kind != "update" and document.get("silent", False))


def _position_before(token: Any) -> Position:
    """Return a position that a stream with this resume token has passed.

    The token is a KeyString in hexadecimal; its first value is the cluster time: the
    type byte 0x82, seconds and increment, big-endian, 32 bits each.  A token without
    an event stands *before* the events of its time, hence the increment before.
    Of any other form of token nothing is said: position 0.
    """
    data = token.get("_data") if isinstance(token, dict) else None
    if not isinstance(data, str) or not data.startswith("82"):
        return Position(0, 0)
    try:
        seconds, increment = int(data[2:10], 16), int(data[10:18], 16)
    except ValueError:
        return Position(0, 0)
    return Position(seconds, max(increment - 1, 0))


def _ends_history(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and (
        error.code in _NO_WAY_ON or error.has_error_label(_NOT_RESUMABLE)
    )
