"""Items as documents of MongoDB, and back.

A document is flat: what the store needs, and beside it the body's fields under the
names that they have on the wire.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType

Document = dict[str, Any]

# So long a removed item is kept from coming back by a source that still shows it.
TOMBSTONE_AGE = timedelta(days=30)

OWN_FIELDS = frozenset(
    {
        "_id",
        "channel",
        "lineage",
        "type",
        "date",
        "rev",
        "hash",
        "first_seen",
        "source",
        "source_id",
        "alt_id",
        "backfill",
        "fence",
        "removed_at",
        "expire_at",
        "was",
    }
)


def to_document(item: Item, rules: Rules) -> Document:
    """Return the whole document of the item; empty fields are left out.

    Raise ``ValueError`` if the body has a field with a name of the store's own: a
    schema let it through.
    """
    taken = OWN_FIELDS.intersection(item.body)
    if taken:
        raise ValueError(f"an item's body has fields of the store: {sorted(taken)}")
    optional = {
        "hash": item.content_hash,
        "first_seen": item.first_seen,
        "source_id": item.source_id,
        "alt_id": item.alt_id,
        "backfill": item.backfill,
        "fence": item.fence,
        "removed_at": item.removed_at,
        "expire_at": _expire_at(item, rules),
        "was": sorted(item.was),
    }
    return {
        "_id": item.id,
        "channel": item.channel.path,
        "lineage": list(item.channel.lineage),
        "type": item.type.value,
        "date": item.date,
        "rev": item.rev,
        "source": item.source,
        **{name: value for name, value in optional.items() if value},
        **item.body,
    }


def to_item(document: Document) -> Item:
    """Return the item of a document, which is used up: what is left is the body."""
    take = document.pop
    take("lineage", None)
    take("expire_at", None)
    return Item(
        id=take("_id"),
        type=ItemType(take("type")),
        channel=Channel(take("channel")),
        date=take("date"),
        rev=take("rev"),
        source=take("source", ""),
        source_id=take("source_id", ""),
        alt_id=take("alt_id", None),
        backfill=take("backfill", False),
        fence=take("fence", 0),
        content_hash=take("hash", ""),
        first_seen=take("first_seen", None),
        removed_at=take("removed_at", None),
        was=frozenset(map(ItemType, take("was", ()))),
        body=document,
    )


def to_ms(instant: datetime) -> datetime:
    """Return the instant as MongoDB keeps it: whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _expire_at(item: Item, rules: Rules) -> datetime | None:
    if item.removed_at is not None:
        return item.removed_at + TOMBSTONE_AGE
    age_s = rules.retention_s(item.channel)
    if age_s is None:
        return None
    try:
        return item.date + timedelta(seconds=age_s)
    except OverflowError:
        return None  # beyond the year 9999
