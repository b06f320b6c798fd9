"""Items as documents of MongoDB, and back.

A document is flat: what the store needs, and beside it the body's fields under the
names that they have on the wire.  That is the version that is shown; one that is held
lies inside, where neither an index nor a query for readers looks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.record import Held, Reason, Record

Document = dict[str, Any]

# So long a removed item is kept from coming back by a source that still shows it.
TOMBSTONE_AGE = timedelta(days=30)
# So long an editor's no stands, and a queue keeps what nobody looks at.
REJECTED_AGE = timedelta(days=365)
QUEUE_AGE = timedelta(days=90)

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
        "pinned",
        "was",
        "held",
        "version",
        "silent",
    }
)


def to_document(record: Record, rules: Rules, *, silent: bool = False) -> Document:
    """Return the whole document of the record; empty fields are left out.

    ``silent`` says that readers are to be told nothing of this write.  Raise
    ``ValueError`` if a body has a field with a name of the store's own: a schema let
    it through.
    """
    document: Document = {"_id": record.id}
    if record.shown is not None:
        document |= _fields(record.shown)
        document["lineage"] = list(record.shown.channel.lineage)
        document["rev"] = record.shown.rev
    optional = {
        "expire_at": _expire_at(record, rules),
        "held": _held_fields(record.held) if record.held else None,
        "version": record.version,
        "silent": silent,
    }
    return document | {name: value for name, value in optional.items() if value}


def _held_fields(held: Held) -> Document:
    # Only what time releases has ``due_at``, so that its index has nothing else.
    until = "due_at" if held.due_at else "publish_at"
    fields: Document = {"reason": held.reason.value, "since": held.since}
    if held.until is not None:
        fields[until] = held.until
    return {**fields, "item": _fields(held.item)}


def _fields(item: Item) -> Document:
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
        "pinned": item.pinned,
        "was": sorted(item.was),
    }
    return {
        "channel": item.channel.path,
        "type": item.type.value,
        "date": item.date,
        "source": item.source,
        **{name: value for name, value in optional.items() if value},
        **item.body,
    }


def to_record(document: Document) -> Record:
    """Return the record of a document, which is used up."""
    item_id, held = document["_id"], document.get("held")
    version = document.get("version", 0)
    shown = to_item(document) if "channel" in document else None
    if held is None:
        return Record(item_id, shown, None, version)
    rev = shown.rev + 1 if shown else 1
    item = to_item({"_id": item_id, "rev": rev, **held["item"]})
    until = held.get("due_at") or held.get("publish_at")
    kept = Held(item, Reason(held["reason"]), held["since"], until)
    return Record(item_id, shown, kept, version)


def to_item(document: Document) -> Item:
    """Return the shown item of a document, which is used up.

    What is left of it is the body.
    """
    take = document.pop
    for name in ("lineage", "expire_at", "held", "version", "silent"):
        take(name, None)
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
        pinned=take("pinned", False),
        was=frozenset(map(ItemType, take("was", ()))),
        body=document,
    )


def to_ms(instant: datetime) -> datetime:
    """Return the instant as MongoDB keeps it: whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _expire_at(record: Record, rules: Rules) -> datetime | None:
    """Return when MongoDB deletes the document; what is pinned or on time stays."""
    item = record.visible
    if item is None:
        return _forget_at(record)
    if item.pinned:
        return None
    age_s = rules.retention_s(item.channel)
    if age_s is None:
        return None
    try:
        return item.date + timedelta(seconds=age_s)
    except OverflowError:
        return None  # beyond the year 9999


def _forget_at(record: Record) -> datetime | None:
    """Return when to forget what nobody sees."""
    shown, held = record.shown, record.held
    if held is None:
        removed_at = shown.removed_at if shown else None
        return removed_at + TOMBSTONE_AGE if removed_at else None
    if held.reason is Reason.REVIEW:
        return held.since + QUEUE_AGE
    return held.since + REJECTED_AGE if held.reason is Reason.REJECTED else None
