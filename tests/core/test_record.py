"""What an offer, an editor and time make of what is stored, without a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, Item, ItemType, Status
from feedsvc.core.record import Reason, Record
from feedsvc.core.settle import Terms, settle
from feedsvc.errors import BadMessage, Conflict, NotFound, Outdated
from tests.core.strategies import NOON, dates

LATER = NOON + timedelta(hours=1)
PUBLISHER = Terms(revive=True)
SOURCE = Terms()
QUEUE = Terms(review=True)
LATE = Terms(revive=True, delay_s=30)


def make_offer(text: str = "hello", **fields: object) -> Candidate:
    offer = Candidate("x", ItemType.POST, Channel("a.b"), {"content_text": text})
    return replace(offer, **fields)  # type: ignore[arg-type]


def take(
    *offers: Candidate,
    terms: Terms = PUBLISHER,
    now: datetime = NOON,
    known: Record | None = None,
) -> Record:
    """Return what the offers, one after the other, make of the record."""
    for offer in offers:
        _, known = settle(offer, known, now, terms)
    assert known is not None
    return known


def text_of(item: Item | None) -> str | None:
    return item.body["content_text"] if item else None


def seen(record: Record) -> str | None:
    """What readers see of the record."""
    return text_of(record.visible)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


offers = st.builds(
    make_offer,
    st.sampled_from(["one", "two"]),
    date=st.none() | dates,
    publish_at=st.none() | dates,
    fence=st.integers(0, 1),
)
terms = st.builds(Terms, st.booleans(), st.booleans(), st.sampled_from([0, 150]))
instants = st.integers(0, 600).map(after)
deeds: st.SearchStrategy[Callable[[Record, datetime], Record]] = st.sampled_from(
    [
        Record.release,
        Record.remove,
        Record.approve,
        Record.reject,
        Record.review,
        lambda record, _: record.pin(True),
        lambda record, _: record.pin(False),
    ]
)
steps = st.tuples(st.one_of(st.tuples(offers, terms), deeds), instants)
Step = tuple[object, datetime]


def do(step: object, known: Record | None, now: datetime) -> Record | None:
    """Return what the step makes of the record; what is refused changes nothing."""
    try:
        if isinstance(step, tuple):
            return settle(step[0], known, now, step[1])[1]
        return step(known, now) if known else None  # type: ignore[operator]  # a deed
    except (BadMessage, NotFound):
        return known


@given(st.lists(steps, max_size=10), offers, terms, instants)
def test_the_same_offer_twice_is_one_change(
    before: list[Step], offer: Candidate, terms: Terms, now: datetime
) -> None:
    """Whatever was stored before, and on whatever terms: nothing is written again."""
    known: Record | None = None
    for step, at in before:
        known = do(step, known, at)
    try:
        _, once = settle(offer, known, now, terms)
    except BadMessage:
        return

    again = replace(offer, publish_at=None if once.visible else offer.publish_at)
    status, twice = settle(again, once, now, terms)

    assert status in (Status.UNCHANGED, Status.GONE)
    assert twice is once


@given(st.lists(steps, max_size=20))
def test_readers_are_told_of_each_change_by_a_revision_of_its_own(
    history: list[Step],
) -> None:
    """And of nothing else: what is not shown has no revision.

    Together revision and version name a state, so that who decided on an old one
    finds out.
    """
    known: Record | None = None
    states: set[tuple[int, int]] = set()
    for step, at in history:
        before = known
        known = do(step, known, at)
        if known is None or known is before:
            continue
        shown = before.shown if before else None
        is_told = known.shown is not shown
        assert known.rev == (before.rev if before else 0) + is_told
        assert (known.rev, known.version) not in states
        states.add((known.rev, known.version))
        assert known.channel == Channel("a.b")


def test_an_offer_without_a_date_keeps_the_one_that_is_stored() -> None:
    """Else every repetition would move the item to the top."""
    stored = take(make_offer())

    status, record = settle(make_offer("edited"), stored, LATER, PUBLISHER)

    assert status is Status.UPDATED
    assert record.visible is not None
    assert record.visible.date == NOON
    assert record.visible.first_seen == NOON


def test_an_offer_with_another_date_is_a_change() -> None:
    """The item has to take another place."""
    stored = take(make_offer(date=NOON))

    status, record = settle(make_offer(date=LATER), stored, NOON, PUBLISHER)

    assert status is Status.UPDATED
    assert record.visible is not None
    assert record.visible.date == LATER


def test_a_source_does_not_bring_back_what_was_removed() -> None:
    """It may still show the item; the tombstone keeps it out."""
    gone = take(make_offer()).remove(NOON)

    status, record = settle(make_offer(), gone, LATER, SOURCE)

    assert status is Status.GONE
    assert record is gone


def test_what_a_source_still_shows_is_kept_out_as_long_as_it_does() -> None:
    """Its tombstone is written anew once a day, and tells readers nothing."""
    removed = take(make_offer(), terms=SOURCE).remove(NOON)
    soon, later = NOON + timedelta(hours=23), NOON + timedelta(hours=24)

    _, same = settle(make_offer(), removed, soon, SOURCE)
    status, renewed = settle(make_offer(), removed, later, SOURCE)

    assert same is removed
    assert (status, renewed.rev) == (Status.GONE, removed.rev)
    assert renewed.shown is not None
    assert renewed.shown.removed_at == later


def test_what_was_rejected_is_remembered_as_long_as_its_source_shows_it() -> None:
    """For it was never shown, there is no tombstone."""
    rejected = take(make_offer(), terms=QUEUE).reject(NOON)
    later = NOON + timedelta(days=2)

    status, renewed = settle(make_offer(), rejected, later, QUEUE)

    assert status is Status.GONE
    assert renewed.held is not None
    assert renewed.held.since == later


def test_a_publisher_may_bring_back_what_was_removed() -> None:
    """As a new item of a higher revision, so that every client takes it."""
    gone = take(make_offer()).remove(NOON)

    status, record = settle(make_offer(), gone, LATER, PUBLISHER)

    assert status is Status.CREATED
    assert record.visible is not None
    assert (record.rev, record.visible.date) == (3, LATER)


def test_an_id_stays_in_its_channel() -> None:
    """Even after the item was removed, and while nobody sees it."""
    for stored in (take(make_offer()), take(make_offer(), terms=QUEUE)):
        for known in (stored, stored.remove(NOON)):
            with pytest.raises(Conflict):
                settle(make_offer(channel=Channel("a.c")), known, NOON, PUBLISHER)


def test_a_delayed_item_appears_once_the_listener_has_heard_it() -> None:
    """Created like any other, with the date that it has."""
    held = take(make_offer(), terms=LATE)

    assert held.release(after(29.9)) is held
    released = held.release(after(30))

    assert seen(held) is None
    assert seen(released) == "hello"
    assert released.visible is not None
    assert (released.rev, released.visible.date) == (1, NOON)


def test_an_edit_of_a_delayed_item_takes_its_place_and_keeps_its_time() -> None:
    """Else whoever edits once more would put it off once more."""
    held = take(make_offer(), terms=LATE)

    edited = take(make_offer("better"), terms=LATE, known=held, now=after(20))

    assert edited.held is not None
    assert edited.held.due_at == after(30)
    assert seen(edited.release(after(30))) == "better"
    assert edited.release(after(30)).rev == 1


def test_edits_of_what_is_heard_already_act_at_once() -> None:
    """A mistake is not to be seen for longer than needed; removals too."""
    heard = take(make_offer(), terms=LATE).release(LATER)

    edited = take(make_offer("better"), terms=LATE, known=heard, now=LATER)

    assert (seen(edited), edited.held) == ("better", None)
    assert seen(edited.remove(LATER)) is None


def test_a_track_is_delayed_from_when_it_began() -> None:
    """However late it was noticed; it may have been heard by then."""

    def track(at: datetime) -> Candidate:
        offer = make_offer(type=ItemType.TRACK)
        return replace(offer, body={**offer.body, "started_at": at})

    soon = take(track(after(-20)), terms=LATE)
    heard = take(track(after(-40)), terms=LATE)
    early = take(track(after(900)), terms=LATE)

    assert soon.held is not None
    assert soon.held.due_at == after(10)
    assert seen(heard) == "hello"
    assert early.held is not None
    assert early.held.due_at == after(30)


def test_history_is_not_delayed() -> None:
    """What a source brings at its first run was heard long ago."""
    assert seen(take(make_offer(backfill=True), terms=LATE)) == "hello"


def test_an_embargo_ends_on_time_and_dates_the_item() -> None:
    """Unless the publisher dates it otherwise."""
    held = take(make_offer(publish_at=LATER))
    dated = take(make_offer(publish_at=LATER, date=NOON))

    released = held.release(LATER)

    assert held.release(after(3599)) is held
    assert released.visible is not None
    assert (released.visible.date, released.rev) == (LATER, 1)
    assert dated.held is not None
    assert dated.held.item.date == NOON


def test_an_embargo_can_be_moved_lifted_and_left_as_it_is() -> None:
    """By ``publish_at`` of the next offer, or its absence."""
    held = take(make_offer(publish_at=LATER))

    moved = take(make_offer(publish_at=after(60)), known=held)
    kept = take(make_offer("better"), known=held)
    lifted = take(make_offer(publish_at=NOON), known=held)

    assert moved.held is not None
    assert moved.held.due_at == after(60)
    assert moved.held.item.date == after(60)
    assert kept.held is not None
    assert kept.held.due_at == LATER
    assert seen(lifted) == "hello"


def test_an_embargo_of_what_is_out_is_refused() -> None:
    """Shown at once it would be a leak, and kept back it would be silently late."""
    with pytest.raises(BadMessage, match="publish_at"):
        settle(
            make_offer("secret", publish_at=LATER), take(make_offer()), NOON, PUBLISHER
        )


def test_an_embargo_longer_than_the_delay_counts_alone() -> None:
    """And a shorter one not at all."""
    long = take(make_offer(publish_at=LATER), terms=LATE)
    short = take(make_offer(publish_at=after(1)), terms=LATE)

    assert long.held is not None
    assert long.held.due_at == LATER
    assert short.held is not None
    assert (short.held.due_at, short.held.reason) == (after(30), Reason.DELAY)


def test_an_overdue_item_that_is_offered_again_is_released() -> None:
    """The offer was first, or the release was: it is the same."""
    held = take(make_offer(), terms=LATE)

    status, record = settle(make_offer(), held, LATER, LATE)

    assert status is Status.UNCHANGED
    assert record == held.release(LATER)


def test_what_is_in_review_waits_for_an_editor() -> None:
    """However often it is offered and edited meanwhile; approved it is news."""
    queued = take(make_offer(backfill=True), terms=QUEUE)
    edited = take(make_offer("better"), terms=QUEUE, known=queued, now=LATER)

    approved = edited.approve(LATER)

    assert edited.release(LATER) is edited
    assert edited.held is not None
    assert edited.held.since == NOON
    assert seen(approved) == "better"
    assert approved.visible is not None
    assert (approved.rev, approved.visible.backfill) == (1, False)


def test_an_edit_of_an_approved_item_waits_beside_it() -> None:
    """Readers keep what was approved until the edit is."""
    approved = take(make_offer(), terms=QUEUE).approve(NOON)

    pending = take(make_offer("better"), terms=QUEUE, known=approved)

    assert (seen(pending), pending.rev) == ("hello", 1)
    assert seen(pending.approve(NOON)) == "better"
    assert pending.approve(NOON).rev == 2
    assert seen(pending.reject(NOON)) == "hello"


def test_an_edit_that_is_taken_back_waits_no_more() -> None:
    """The source says again what is shown."""
    approved = take(make_offer(), terms=QUEUE).approve(NOON)
    pending = take(make_offer("worse"), terms=QUEUE, known=approved)

    status, record = settle(make_offer(), pending, NOON, QUEUE)

    assert status is Status.UNCHANGED
    assert (record.held, record.shown) == (None, approved.shown)


def test_a_rejected_item_never_comes_back_from_its_source() -> None:
    """Not when it was edited either, nor when the source needs no approval any more."""
    rejected = take(make_offer(), terms=QUEUE).reject(NOON)

    for text in ("hello", "better"):
        for terms in (QUEUE, SOURCE):
            status, record = settle(make_offer(text), rejected, LATER, terms)
            assert status is Status.GONE
            assert record is rejected


def test_a_rejected_edit_does_not_come_back_but_another_one_may() -> None:
    """The item itself was approved."""
    approved = take(make_offer(), terms=QUEUE).approve(NOON)
    rejected = take(make_offer("worse"), terms=QUEUE, known=approved).reject(NOON)

    again, same = settle(make_offer("worse"), rejected, LATER, QUEUE)
    other = take(make_offer("better"), terms=QUEUE, known=rejected)

    assert again is Status.GONE
    assert same is rejected
    assert seen(other) == "hello"
    assert seen(other.approve(NOON)) == "better"


def test_an_approved_embargo_lasts_until_its_time() -> None:
    """Approval and time are both needed."""
    queued = take(make_offer(publish_at=LATER), terms=QUEUE)

    approved = queued.approve(NOON)

    assert queued.release(LATER) is queued
    assert seen(approved) is None
    assert seen(approved.release(LATER)) == "hello"
    assert seen(queued.approve(LATER)) == "hello"


def test_an_editor_approves_only_what_he_has_seen() -> None:
    """What the source has changed since is to be looked at again."""
    queued = take(make_offer(), terms=QUEUE)
    changed = take(make_offer("worse"), terms=QUEUE, known=queued)

    with pytest.raises(Outdated):
        changed.approve(NOON, queued.version)
    with pytest.raises(Outdated):
        changed.reject(NOON, queued.version)
    assert seen(queued.approve(NOON, queued.version)) == "hello"


def test_approvals_and_rejections_can_be_taken_back() -> None:
    """An approval at the price of a removal: readers have seen the item."""
    queued = take(make_offer(), terms=QUEUE)

    back = queued.reject(NOON).review(LATER)
    withdrawn = queued.approve(NOON).review(LATER)

    assert seen(back.approve(LATER)) == "hello"
    assert (seen(withdrawn), withdrawn.rev) == (None, 2)
    assert seen(withdrawn.approve(LATER)) == "hello"
    assert withdrawn.approve(LATER).rev == 3


@pytest.mark.parametrize("deed", [Record.approve, Record.reject])
def test_there_is_nothing_to_decide_on_what_does_not_wait(
    deed: Callable[[Record, datetime], Record],
) -> None:
    """Approved or removed already, perhaps by somebody else."""
    for record in (take(make_offer()), take(make_offer()).remove(NOON)):
        with pytest.raises(NotFound):
            deed(record, NOON)


def test_what_was_removed_is_not_to_be_had_for_review() -> None:
    """Its content is gone."""
    for record in (take(make_offer()), take(make_offer(), terms=QUEUE)):
        with pytest.raises(NotFound):
            record.remove(NOON).review(NOON)


def test_removing_what_nobody_has_seen_tells_nobody_and_erases_it() -> None:
    """It does not come back either, and removing it twice is removing it once."""
    removed = take(make_offer("secret"), terms=LATE).remove(NOON)

    status, same = settle(make_offer("secret"), removed, LATER, SOURCE)

    assert removed.shown is None
    assert removed.newest is not None
    assert not removed.newest.body
    assert removed.remove(LATER) is removed
    assert (status, same is removed) == (Status.GONE, True)
    assert seen(take(make_offer("again"), known=removed)) == "again"


def test_removing_a_visible_item_removes_what_waits_beside_it() -> None:
    """Both are the same item."""
    approved = take(make_offer(), terms=QUEUE).approve(NOON)
    pending = take(make_offer("better"), terms=QUEUE, known=approved)

    removed = pending.remove(NOON)

    assert (removed.held, removed.rev) == (None, 2)
    assert removed.shown is not None
    assert removed.shown.is_removed


def test_a_withdrawn_item_that_is_removed_stays_removed() -> None:
    """Readers were told when it was withdrawn; there is nothing more to tell."""
    withdrawn = take(make_offer(), terms=QUEUE).approve(NOON).review(NOON)

    removed = withdrawn.remove(LATER)

    assert (removed.shown, removed.held) == (withdrawn.shown, None)
    assert removed.remove(LATER) is removed


def test_a_pin_is_a_revision_and_outlives_edits() -> None:
    """But no removal; pinning twice is pinning once."""
    pinned = take(make_offer()).pin(True)
    edited = take(make_offer("better"), known=pinned)

    again = take(make_offer("again"), known=edited.remove(NOON))

    assert pinned.rev == 2
    assert pinned.pin(True) is pinned
    assert edited.visible is not None
    assert edited.visible.pinned
    assert edited.pin(False).rev == 4
    assert again.visible is not None
    assert not again.visible.pinned


def test_only_what_is_visible_can_be_pinned() -> None:
    """An item of the queue is first of all to be approved."""
    with pytest.raises(NotFound):
        take(make_offer(), terms=QUEUE).pin(True)
