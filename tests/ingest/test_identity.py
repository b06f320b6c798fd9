"""What makes an item the same item the next time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identity import MAX_LENGTH, Keys, bounded, item_id, moved_key


@given(st.text(max_size=3_000))
def test_a_key_fits_and_keeps_what_tells_it_apart(key: str) -> None:
    """Too long ones differ as long as the originals do."""
    assert len(bounded(key)) <= MAX_LENGTH
    assert bounded(key + "a" * MAX_LENGTH) != bounded(key + "b" * MAX_LENGTH)


def test_an_id_belongs_to_a_source() -> None:
    """Two sources may use the same guid."""
    assert item_id("a", "1") == item_id("a", "1")
    assert item_id("a", "1") != item_id("b", "1")
    assert item_id("a-b", "1") != item_id("a", "b-1")


@pytest.mark.parametrize(
    ("key", "stays"),
    [
        ("https://radio.example/a?b=1", "/a?b=1"),
        ("http://www.radio.example/a?b=1", "/a?b=1"),
        ("http://radio.example/", None),
        ("urn:uuid:1", None),
        ("http://[", None),
    ],
)
def test_a_guid_survives_a_move_without_scheme_and_host(
    key: str, stays: str | None
) -> None:
    """If it is an address at all."""
    assert moved_key(key) == stays


def test_different_entries_never_share_a_key_and_equal_ones_do() -> None:
    """The first with a guid keeps it, in any order of the others."""
    keys = Keys()

    taken = [keys.take("g", link) for link in ("a", "b", "c", "b", "a")]

    assert taken == ["g", "g b", "g c", "g b", "g"]
