"""An item survives the way through its document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.access import ChannelRule, Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.record import Held, Reason, Record
from feedsvc.store.documents import (
    OWN_FIELDS,
    to_document,
    to_item,
    to_ms,
    to_record,
)

AWARE = CodecOptions(tz_aware=True, tzinfo=UTC)
RULES = Rules([ChannelRule(Channel("radio"), retention_s=60)])

instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 hypothesis adds the zone
    timezones=st.just(UTC),
).map(to_ms)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts | instants,
    lambda inner: st.lists(inner) | st.dictionaries(st.just("name"), inner),
    max_leaves=5,
)
items = st.builds(
    Item,
    id=texts.filter(bool),
    type=st.sampled_from(ItemType),
    channel=st.sampled_from(["radio", "radio.news.local", "press"]).map(Channel),
    date=instants,
    rev=st.integers(1, 1000),
    body=st.dictionaries(st.sampled_from(["title", "tags", "starts_at"]), values),
    source=texts,
    source_id=texts,
    alt_id=st.none() | texts.filter(bool),
    backfill=st.booleans(),
    content_hash=texts,
    first_seen=st.none() | instants,
    removed_at=st.none() | instants,
    was=st.frozensets(st.sampled_from(ItemType)),
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records with a version that is shown, one that is held, or both."""
    shown = draw(st.none() | items)
    held_items = items if shown is None else items.map(lambda one: _as(one, shown))
    kinds = st.builds(
        Held, held_items, st.sampled_from(Reason), instants, st.none() | instants
    )
    held = draw(kinds if shown is None else st.none() | kinds)
    kept = held and replace(held, item=replace(held.item, rev=_next_rev(shown)))
    item_id = shown.id if shown else held.item.id  # type: ignore[union-attr]  # one of them is there
    return Record(item_id, shown, kept, draw(st.integers(0, 9)))


def _as(item: Item, shown: Item) -> Item:
    return replace(item, id=shown.id, channel=shown.channel)


def _next_rev(shown: Item | None) -> int:
    return shown.rev + 1 if shown else 1


@given(record=records(), silent=st.booleans())
def test_a_record_comes_back_from_mongodbs_own_format(
    record: Record, silent: bool
) -> None:
    """Whatever its fields hold; and readers get what is shown of it."""
    stored = bson.encode(to_document(record, RULES, silent=silent))

    assert to_record(bson.decode(stored, AWARE)) == record
    if record.shown is not None:
        assert to_item(bson.decode(stored, AWARE)) == record.shown


@given(record=records().filter(lambda record: record.shown is None))
def test_what_nobody_may_see_lies_outside_of_every_index_for_readers(
    record: Record,
) -> None:
    """They begin with the channel, the lineage, the date or the source."""
    document = to_document(record, RULES, silent=True)

    assert set(document) <= {"_id", "held", "version", "silent", "expire_at"}


@pytest.mark.parametrize("name", sorted(OWN_FIELDS))
def test_no_body_may_have_a_field_of_the_store(name: str) -> None:
    """Not one of them, since it would win over the store's."""
    now = datetime.now(UTC)
    item = Item("a", ItemType.POST, Channel("radio"), now, 1, {name: 1})

    with pytest.raises(ValueError, match=name):
        to_document(Record("a", item), RULES)
    with pytest.raises(ValueError, match=name):
        to_document(Record("a", None, Held(item, Reason.DELAY, now)), RULES)


def test_every_field_of_a_document_that_is_not_the_bodys_is_guarded() -> None:
    """A field that is added to documents has to be added to the guard as well."""
    now = datetime.now(UTC)
    full = Item(
        "a", ItemType.POST, Channel("radio"), now, 1, {}, "s", "i", "k", True, "h", now
    )
    full = replace(full, fence=1)
    removed = Item("a", ItemType.POST, Channel("radio"), now, 1, removed_at=now)
    changed = replace(full, was=frozenset({ItemType.EPISODE}))

    pinned = replace(full, pinned=True)
    held = Held(full, Reason.REVIEW, now)

    documents = [
        to_document(Record("a", item, held, 1), RULES, silent=True)
        for item in (full, removed, changed, pinned)
    ]

    assert {name for document in documents for name in document} == OWN_FIELDS
