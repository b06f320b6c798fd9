"""An item survives the way through its document."""

from __future__ import annotations

from dataclasses import replace
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
from feedsvc.store.documents import OWN_FIELDS, to_document, to_item, to_ms

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


@given(item=items)
def test_an_item_comes_back_from_mongodbs_own_format(item: Item) -> None:
    """Whatever its fields hold."""
    stored = bson.encode(to_document(item, RULES))

    assert to_item(bson.decode(stored, AWARE)) == item


@pytest.mark.parametrize("name", sorted(OWN_FIELDS))
def test_no_body_may_have_a_field_of_the_store(name: str) -> None:
    """Not one of them, since it would win over the store's."""
    item = Item("a", ItemType.POST, Channel("radio"), datetime.now(UTC), 1, {name: 1})

    with pytest.raises(ValueError, match=name):
        to_document(item, RULES)


def test_every_field_of_a_document_that_is_not_the_bodys_is_guarded() -> None:
    """A field that is added to documents has to be added to the guard as well."""
    now = datetime.now(UTC)
    full = Item(
        "a", ItemType.POST, Channel("radio"), now, 1, {}, "s", "i", "k", True, "h", now
    )
    full = replace(full, fence=1)
    removed = Item("a", ItemType.POST, Channel("radio"), now, 1, removed_at=now)
    changed = replace(full, was=frozenset({ItemType.EPISODE}))

    fields = {
        name for item in (full, removed, changed) for name in to_document(item, RULES)
    }

    assert fields == OWN_FIELDS
