"""What the tests of the core draw from: small worlds in which things collide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.messages import WireItem, encode_item

SEGMENTS = ("a", "b", "ab")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

paths = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(".".join)
patterns = st.lists(st.sampled_from((*SEGMENTS, "*")), min_size=1, max_size=4).map(
    ".".join
)
ids = st.sampled_from("uvwxyz")
dates = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
types = st.sampled_from(ItemType)


def make_item(
    item_id: str = "x",
    path: str = "a.b",
    *,
    rev: int = 1,
    date: datetime = NOON,
    item_type: ItemType = ItemType.POST,
    removed: bool = False,
    was: frozenset[ItemType] = frozenset(),
    pinned: bool = False,
) -> Item:
    """Return an item with a body that tells its revision."""
    return Item(
        id=item_id,
        type=item_type,
        channel=Channel(path),
        date=date,
        rev=rev,
        body={} if removed else {"content_text": f"{item_id} {rev}"},
        removed_at=NOON if removed else None,
        was=was,
        pinned=pinned and not removed,
    )


def make_wire(item_id: str = "x", **fields: object) -> WireItem:
    """Return the encoded form of ``make_item``."""
    return encode_item(make_item(item_id, **fields))  # type: ignore[arg-type]
