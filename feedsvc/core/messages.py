"""The wire: what clients ask, and the JSON text of what they are told.

Items arrive here encoded once (``WireItem``); answers are put together from their
texts, so an item is never encoded a second time for a second client.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from feedsvc.core.channel import Channel
from feedsvc.core.item import Change, Item, ItemType, Order, wire_time
from feedsvc.core.position import Cursor
from feedsvc.errors import BadCursor, FeedError, RateLimited, Unavailable

RequestId = str | int | float | None

DEFAULT_BACKLOG = 20
MAX_BACKLOG = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Made once, and without a look for circles: what was parsed or stored has none.
_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=wire_time, check_circular=False
).encode
# Before the date of a page that ends with a pinned item.
_PINNED = "!"


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page of the backlog ends: what its last item is sorted by."""

    date: datetime
    item_id: str
    pinned: bool = False

    @property
    def order(self) -> Order:
        """The ``order`` of its last item."""
        return self.pinned, self.date, self.item_id

    def __str__(self) -> str:
        """Return the opaque form that clients hold."""
        ms = (self.date - _EPOCH) // timedelta(milliseconds=1)
        mark = _PINNED if self.pinned else ""
        text = f"{mark}{ms} {self.item_id}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def parse(cls, text: object, field: str = "before") -> Page:
        """Return what ``str`` made; raise ``BadCursor`` if it did not make it."""
        try:
            packed = base64.b64decode(str(text), altchars=b"-_", validate=True)
            ms, _, item_id = packed.decode().partition(" ")
            date = _EPOCH + timedelta(milliseconds=int(ms.removeprefix(_PINNED)))
            return cls(date, item_id, ms.startswith(_PINNED))
        except (ValueError, OverflowError, binascii.Error) as error:
            raise BadCursor(field, "must be a page as it was sent in next") from error


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for a subtree: its backlog, or what changed, and all that follows."""

    id: RequestId
    channel: Channel
    backlog: int = DEFAULT_BACKLOG
    types: frozenset[ItemType] | None = None
    since: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ask for no more of a subtree."""

    id: RequestId
    channel: Channel


@dataclass(frozen=True, slots=True)
class Backlog:
    """Ask for a page of a subtree by date."""

    id: RequestId
    channel: Channel
    limit: int = DEFAULT_BACKLOG
    before: Page | None = None
    types: frozenset[ItemType] | None = None


@dataclass(frozen=True, slots=True)
class Auth:
    """Present a token, for the first time or to renew."""

    id: RequestId
    token: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Offer an item."""

    id: RequestId
    channel: Channel
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a pong."""

    id: RequestId


Request = Subscribe | Unsubscribe | Backlog | Auth | Publish | Ping


@dataclass(frozen=True, slots=True, eq=False)
class WireItem:
    """An item, or its tombstone, encoded once: what hub and backlogs hold."""

    id: str
    path: str
    type: ItemType
    date: datetime
    rev: int
    is_removed: bool
    text: str
    expires_at: datetime | None = None
    was: frozenset[ItemType] = frozenset()
    is_pinned: bool = False

    @property
    def order(self) -> Order:
        """The key that backlogs are sorted by; greatest first."""
        return self.is_pinned, self.date, self.id

    @property
    def page(self) -> Page:
        """The page that ends with this item."""
        return Page(self.date, self.id, self.is_pinned)

    @property
    def gone(self) -> WireItem:
        """What those see who want only types that the item had before."""
        text = encode(_tombstone(self.id, self.path, self.rev))
        return replace(self, is_removed=True, text=text)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A committed change on its way to sessions: its live message, encoded once."""

    cursor: Cursor
    item: WireItem
    message: str

    def leaving(self) -> Delivery:
        """Return the same commit as a removal, for those whose types it left."""
        gone = self.item.gone
        return Delivery(self.cursor, gone, _live(Change.REMOVED, "", gone, self.cursor))


def encode(value: object) -> str:
    """Return compact JSON; instants in their wire form."""
    return _encode(value)


def encode_item(item: Item, expires_at: datetime | None = None) -> WireItem:
    """Encode an item, or its tombstone, for every client that will get it."""
    if item.is_removed:
        fields = _tombstone(item.id, item.channel.path, item.rev)
    else:
        fields = {"id": item.id, "channel": item.channel.path}
        fields |= {"type": item.type.value, "date": item.date, **item.body}
        fields |= {"source": item.source, "rev": item.rev}
        if item.pinned:
            fields["pinned"] = True
    return WireItem(
        id=item.id,
        path=item.channel.path,
        type=item.type,
        date=item.date,
        rev=item.rev,
        is_removed=item.is_removed,
        text=encode(fields),
        expires_at=expires_at,
        was=item.was,
        is_pinned=item.pinned,
    )


def deliver(item: Item, cursor: Cursor, expires_at: datetime | None = None) -> Delivery:
    """Encode the live message of a committed item."""
    wire = encode_item(item, expires_at)
    # A first revision that comes from a source's history is placed, not announced.
    mark = ',"backfill":true' if item.backfill and item.change is Change.CREATED else ""
    return Delivery(cursor, wire, _live(item.change, mark, wire, cursor))


def join(items: Iterable[WireItem]) -> str:
    """Return the JSON array of encoded items."""
    return f"[{','.join([item.text for item in items])}]"


def subscribed(
    request_id: RequestId,
    channel: Channel,
    items: str,
    cursor: Cursor,
    *,
    resumed: bool,
    more: bool,
) -> str:
    """Return the answer to ``Subscribe``; ``items`` is what ``join`` made."""
    return (
        f'{{"msg":"subscribed"{_id(request_id)},"channel":"{channel}"'
        f',"items":{items},"cursor":"{cursor}"'
        f',"resumed":{_bool(resumed)},"more":{_bool(more)}}}'
    )


def unsubscribed(request_id: RequestId, channel: Channel) -> str:
    """Return the answer to ``Unsubscribe``."""
    return f'{{"msg":"unsubscribed"{_id(request_id)},"channel":"{channel}"}}'


def backlog(
    request_id: RequestId, channel: Channel, items: str, following: Page | None
) -> str:
    """Return the answer to ``Backlog``."""
    page = f'"{following}"' if following else "null"
    return (
        f'{{"msg":"backlog"{_id(request_id)},"channel":"{channel}"'
        f',"items":{items},"next":{page}}}'
    )


def authenticated(request_id: RequestId, expires_at: datetime | None) -> str:
    """Return the answer to ``Auth``; ``expires`` is an instant or null."""
    expires = f'"{wire_time(expires_at)}"' if expires_at else "null"
    return f'{{"msg":"authenticated"{_id(request_id)},"expires":{expires}}}'


def published(request_id: RequestId, item_id: str, status: str, rev: int) -> str:
    """Return the answer to ``Publish``."""
    fields = {"item_id": item_id, "status": status, "rev": rev}
    return f'{{"msg":"published"{_id(request_id)},{encode(fields)[1:]}'


def pong(request_id: RequestId) -> str:
    """Return the answer to ``Ping``."""
    return f'{{"msg":"pong"{_id(request_id)}}}'


def reset(channel: Channel) -> str:
    """Return the news that continuity was lost; a fresh backlog follows."""
    return f'{{"msg":"reset","channel":"{channel}"}}'


def error(request_id: RequestId, cause: FeedError) -> str:
    """Return the news that something asked for was not done, and why."""
    fields: dict[str, Any] = {"code": cause.code, "text": cause.text}
    if isinstance(cause, Unavailable | RateLimited):
        fields["retry_after"] = cause.retry_after_s
    return f'{{"msg":"error"{_id(request_id)},{encode(fields)[1:]}'


def _live(change: Change, mark: str, item: WireItem, cursor: Cursor) -> str:
    return (
        f'{{"msg":"item","change":"{change.value}"{mark}'
        f',"item":{item.text},"cursor":"{cursor}"}}'
    )


def _tombstone(item_id: str, path: str, rev: int) -> dict[str, Any]:
    return {"id": item_id, "channel": path, "rev": rev, "removed": True}


def _id(request_id: RequestId) -> str:
    return "" if request_id is None else f',"id":{encode(request_id)}'


def _bool(value: bool) -> str:
    return "true" if value else "false"
