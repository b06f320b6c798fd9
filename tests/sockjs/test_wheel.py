"""The wheel of heartbeats, turned by hand."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs.wheel import Wheel


class Rider:
    """Stands for a session: all that the wheel touches."""

    slot = -1


@given(st.integers(1, 12), st.integers(0, 30))
def test_nobody_is_due_before_a_whole_period(period: int, turns: int) -> None:
    """And nobody later than one sweep after it."""
    wheel = Wheel(float(period), 0.5, 1.0)
    for _ in range(turns):
        wheel.turn()
    rider: Any = Rider()
    wheel.add(rider)

    waits = 0
    while rider not in wheel.turn()[0]:
        waits += 1

    assert waits == period


def test_check_follows_its_time_after_the_heartbeat() -> None:
    """The same slot comes by twice a turn, for two purposes."""
    wheel = Wheel(10.0, 3.0, 1.0)
    rider: Any = Rider()
    wheel.add(rider)

    turns = [wheel.turn() for _ in range(30)]

    due = [n for n, (due, _) in enumerate(turns) if rider in due]
    check = [n for n, (_, check) in enumerate(turns) if rider in check]
    assert due == [10, 21]
    assert check == [2, 13, 24]


def test_rider_leaves() -> None:
    """Whether it is in or not."""
    wheel = Wheel(3.0, 1.0, 1.0)
    rider: Any = Rider()
    wheel.add(rider)
    wheel.discard(rider)
    wheel.discard(rider)

    assert list(wheel) == []
    assert all(wheel.turn() == ([], []) for _ in range(8))
