"""What an offer makes of what is stored: the rules of writing, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.core.item import (
    Candidate,
    Change,
    Item,
    ItemType,
    Status,
    settle,
    tombstone,
    wire_time,
)
from feedsvc.errors import Conflict
from tests.core.strategies import NOON, dates

LATER = NOON + timedelta(hours=1)


def make_offer(text: str = "hello", **fields: object) -> Candidate:
    offer = Candidate("x", ItemType.POST, Channel("a.b"), {"content_text": text})
    return replace(offer, **fields)  # type: ignore[arg-type]


offers = st.builds(
    make_offer, st.sampled_from(["one", "two"]), date=st.one_of(st.none(), dates)
)


@given(st.lists(offers, max_size=8), offers)
def test_the_same_offer_twice_is_one_change(
    before: list[Candidate], offer: Candidate
) -> None:
    """Whatever was stored before: publishing again changes nothing."""
    known: Item | None = None
    for earlier in before:
        _, known = settle(earlier, known, NOON, revive=True)

    _, once = settle(offer, known, NOON, revive=True)
    status, twice = settle(offer, once, LATER, revive=True)

    assert status is Status.UNCHANGED
    assert twice == once


@given(st.lists(st.tuples(offers, st.booleans()), max_size=12))
def test_a_revision_grows_by_one_with_every_change_and_no_other(
    steps: list[tuple[Candidate, bool]],
) -> None:
    """Offers and removals in any order."""
    known: Item | None = None
    for offer, removes in steps:
        rev = known.rev if known else 0
        if removes and known is not None and not known.is_removed:
            known = tombstone(known, NOON)
            assert known.rev == rev + 1
        else:
            status, known = settle(offer, known, NOON, revive=True)
            assert known.rev == rev + (status is not Status.UNCHANGED)


def test_an_offer_without_a_date_keeps_the_one_that_is_stored() -> None:
    """Else every repetition would move the item to the top."""
    _, stored = settle(make_offer(), None, NOON, revive=True)

    status, item = settle(make_offer("edited"), stored, LATER, revive=True)

    assert status is Status.UPDATED
    assert item.date == NOON
    assert item.first_seen == NOON


def test_an_offer_with_another_date_is_a_change() -> None:
    """The item has to take another place."""
    _, stored = settle(make_offer(date=NOON), None, NOON, revive=True)

    status, item = settle(make_offer(date=LATER), stored, NOON, revive=True)

    assert status is Status.UPDATED
    assert item.date == LATER


def test_a_source_does_not_bring_back_what_was_removed() -> None:
    """It may still show the item; the tombstone keeps it out."""
    _, stored = settle(make_offer(), None, NOON, revive=True)
    gone = tombstone(stored, NOON)

    status, item = settle(make_offer(), gone, LATER, revive=False)

    assert status is Status.GONE
    assert item is gone


def test_a_publisher_may_bring_back_what_was_removed() -> None:
    """As a new item of a higher revision, so that every client takes it."""
    _, stored = settle(make_offer(), None, NOON, revive=True)

    status, item = settle(make_offer(), tombstone(stored, NOON), LATER, revive=True)

    assert (status, item.rev, item.date) == (Status.CREATED, 3, LATER)


def test_an_id_stays_in_its_channel() -> None:
    """Even after the item was removed."""
    _, stored = settle(make_offer(), None, NOON, revive=True)

    with pytest.raises(Conflict):
        settle(make_offer(channel=Channel("a.c")), stored, NOON, revive=True)


def test_a_tombstone_has_nothing_of_the_content() -> None:
    """Removed is erased."""
    _, stored = settle(make_offer("secret"), None, NOON, revive=True)

    gone = tombstone(stored, LATER)

    assert not gone.body
    assert gone.content_hash == ""
    assert (gone.change, gone.rev) == (Change.REMOVED, 2)


def test_instants_on_the_wire_have_milliseconds_and_a_z() -> None:
    """One form for everybody, whatever the zone was."""
    assert wire_time(NOON) == "2026-05-01T12:00:00.000Z"
