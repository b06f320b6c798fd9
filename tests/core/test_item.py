"""Items: their tombstones and their times on the wire."""

from __future__ import annotations

from datetime import timedelta

from feedsvc.core.item import Change, tombstone, wire_time
from tests.core.strategies import NOON, make_item


def test_a_tombstone_has_nothing_of_the_content() -> None:
    """Removed is erased."""
    gone = tombstone(make_item("secret"), NOON + timedelta(hours=1))

    assert not gone.body
    assert gone.content_hash == ""
    assert (gone.change, gone.rev) == (Change.REMOVED, 2)


def test_instants_on_the_wire_have_milliseconds_and_a_z() -> None:
    """One form for everybody, whatever the zone was."""
    assert wire_time(NOON) == "2026-05-01T12:00:00.000Z"
