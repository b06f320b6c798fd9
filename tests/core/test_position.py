"""Positions, cursors and the ring of recent changes."""

from __future__ import annotations

import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.errors import BadCursor

positions = st.builds(
    Position,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
)
cursors = st.builds(Cursor, st.binary(min_size=4, max_size=4), positions)


@given(cursors)
def test_a_cursor_comes_back_as_it_was_sent(cursor: Cursor) -> None:
    """Short, and nothing of it is lost."""
    assert Cursor.parse(str(cursor)) == cursor
    assert len(str(cursor)) == 20


@given(st.one_of(st.none(), st.integers(), st.text(), st.binary()))
def test_anything_else_is_a_bad_cursor(value: object) -> None:
    """Never another error, whatever a client sends."""
    with pytest.raises(BadCursor) as caught:
        Cursor.parse(value)

    assert caught.value.field == "since"


@pytest.mark.parametrize("text", ["A" * 18 + "==", "A" * 19 + "+", "_" * 20])
def test_a_damaged_cursor_of_the_right_length_is_bad(text: str) -> None:
    """Padding, foreign characters and other versions."""
    with pytest.raises(BadCursor):
        Cursor.parse(text)


def make_ring(**limits: int) -> Ring[str]:
    bounds = {"max_count": 100, "max_bytes": 10_000, "max_age_s": 1_000, **limits}
    return Ring(Position(0, 0), **bounds)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=300),
    st.integers(0, 400),
)
def test_the_ring_gives_all_after_a_position_or_admits_a_gap(
    steps: list[tuple[int, int]], asked: int
) -> None:
    """Whatever the limits drop: an answer that is not None is complete."""
    ring = make_ring(max_count=20, max_bytes=400, max_age_s=30)
    history: list[tuple[Position, str]] = []
    seconds = 0
    for number, (pause, size) in enumerate(steps):
        seconds += pause
        position = Position(seconds, number + 1)
        history.append((position, str(number)))
        ring.append(position, str(number), size)
    position = Position(asked, 0)

    found = ring.after(position)

    expected = [entry for at, entry in history if at > position]
    assert found is None or list(found) == expected
    assert (found is None) == (position < ring.floor)
    assert len(ring) <= 20


def test_what_is_over_a_limit_is_let_go_at_once() -> None:
    """The bound in bytes is the bound: nothing older waits to be thrown away."""

    class Change:
        """Something whose end can be seen."""

    ring: Ring[Change] = Ring(
        Position(0, 0), max_count=1_000, max_bytes=100, max_age_s=1_000
    )
    alive: weakref.WeakSet[Change] = weakref.WeakSet()
    for number in range(500):
        change = Change()
        alive.add(change)
        ring.append(Position(1, number), change, 10)
    del change

    assert len(alive) == len(ring) == 10


def test_the_newest_change_stays_even_if_it_is_over_the_limit_by_itself() -> None:
    """One very long item must not make every client start afresh."""
    ring = make_ring(max_bytes=10)
    ring.append(Position(1, 1), "small", 5)

    ring.append(Position(2, 1), "huge", 50)

    assert ring.after(Position(1, 1)) == ["huge"]
    assert ring.after(Position(0, 9)) is None
