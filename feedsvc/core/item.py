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

# Pinned items first, then by date; of one date by id.
Order = tuple[bool, datetime, str]


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
    Nobody is to see it before ``publish_at``.  ``fence`` grows from run to run of a
    source.
    """

    id: str
    type: ItemType
    channel: Channel
    body: Mapping[str, Any]
    date: datetime | None = None
    publish_at: datetime | None = None
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
    pinned: bool = False
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
    def order(self) -> Order:
        """The key that backlogs are sorted by, on every door; greatest first."""
        return self.pinned, self.date, self.id


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
