"""Items: what a publisher or source offers, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from feedsvc.core.channel import Channel
from feedsvc.errors import Conflict


class ItemType(StrEnum):
    """What kind of thing an item is; a tweet is a post."""

    POST = "post"
    ARTICLE = "article"
    EVENT = "event"
    TRACK = "track"
    EPISODE = "episode"


class Change(StrEnum):
    """What happened to an item."""

    CREATED = "created"
    UPDATED = "updated"
    REMOVED = "removed"


class Status(StrEnum):
    """What a write did; ``GONE`` means that a tombstone kept it out."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that is offered and not yet accepted.

    ``body`` has the published optional fields under their wire names, instants as
    aware datetimes.  ``date`` None means "now, or what is stored already".
    ``fence`` grows from run to run of a source.
    """

    id: str
    type: ItemType
    channel: Channel
    body: Mapping[str, Any]
    date: datetime | None = None
    source: str = "api"
    source_id: str = ""
    alt_id: str | None = None
    backfill: bool = False
    fence: int = 0

    @property
    def content_hash(self) -> str:
        """What two offers of the same content have in common."""
        content = {"type": self.type.value, **self.body}
        text = json.dumps(content, sort_keys=True, default=wire_time)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Item:
    """A stored item, or with ``removed_at`` its tombstone."""

    id: str
    type: ItemType
    channel: Channel
    date: datetime
    rev: int
    body: Mapping[str, Any] = field(default_factory=dict)
    source: str = "api"
    source_id: str = ""
    alt_id: str | None = None
    backfill: bool = False
    content_hash: str = ""
    first_seen: datetime | None = None
    removed_at: datetime | None = None
    fence: int = 0
    #: Types that it had before: who wants only those has to be told that it left.
    was: frozenset[ItemType] = frozenset()

    @property
    def is_removed(self) -> bool:
        return self.removed_at is not None

    @property
    def change(self) -> Change:
        """What the newest revision did, as far as the item itself tells."""
        if self.removed_at is not None:
            return Change.REMOVED
        return Change.CREATED if self.rev == 1 else Change.UPDATED

    @property
    def order(self) -> tuple[datetime, str]:
        """The key that backlogs are sorted by, on every door; greatest first."""
        return self.date, self.id


def settle(
    offer: Candidate, known: Item | None, now: datetime, *, revive: bool
) -> tuple[Status, Item]:
    """Decide what ``offer`` makes of the ``known`` item of the same id.

    The same offer twice is one change: the second finds its own hash.  ``revive``
    says whether an offer may bring back what was removed: a publisher's may, a
    source that still shows it may not.  A run that was overtaken by a later one of
    the same source changes nothing, however late it writes.  Raise ``Conflict`` if
    the id lives in another channel.
    """
    if known is not None and known.channel != offer.channel:
        raise Conflict(offer.id)
    if known is not None and known.is_removed and not revive:
        return Status.GONE, known
    stored = known if known is not None and not known.is_removed else None
    if stored and stored.source == offer.source and stored.fence > offer.fence:
        return Status.UNCHANGED, stored
    date = offer.date or (stored.date if stored else now)
    offered_hash = offer.content_hash
    if stored and stored.content_hash == offered_hash and stored.date == date:
        return Status.UNCHANGED, stored
    item = Item(
        id=offer.id,
        type=offer.type,
        channel=offer.channel,
        date=date,
        rev=known.rev + 1 if known else 1,
        body=offer.body,
        source=offer.source,
        source_id=offer.source_id,
        alt_id=offer.alt_id,
        backfill=offer.backfill and known is None,
        fence=offer.fence,
        content_hash=offered_hash,
        first_seen=stored.first_seen if stored else now,
        was=(known.was | {known.type}) - {offer.type} if known else frozenset(),
    )
    return (Status.UPDATED if stored else Status.CREATED), item


def tombstone(known: Item, now: datetime) -> Item:
    """Return what stays of an item that is removed: all of its content is gone."""
    return Item(
        id=known.id,
        type=known.type,
        channel=known.channel,
        date=known.date,
        rev=known.rev + 1,
        source=known.source,
        source_id=known.source_id,
        alt_id=known.alt_id,
        first_seen=known.first_seen,
        removed_at=now,
        was=known.was,
    )


def wire_time(value: object) -> str:
    """Return an instant in its wire form: UTC, ISO 8601, milliseconds."""
    if not isinstance(value, datetime):
        raise TypeError(f"not an instant: {value!r}")
    utc = value.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
