"""What follows from an attempt: pure decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.webhooks import retry
from feedsvc.webhooks.retry import Outcome, wait_s

DAY_S = 86_400.0


def decide(outcome: Outcome, attempt: int = 1, failing_s: float = 0.0) -> float | None:
    return wait_s(outcome, attempt, failing_s, DAY_S, lambda: 0.5)


@given(
    st.sampled_from([0, 408, 425, 429, 500, 502, 503, 504]),
    st.integers(1, 10_000),
    st.floats(0, 1, exclude_max=True),
)
def test_a_receiver_that_is_not_well_is_waited_for_with_a_bound(
    status: int, attempt: int, chance: float
) -> None:
    """However often it was tried, and never at once."""
    pause_s = wait_s(Outcome(status), attempt, 60.0, DAY_S, lambda: chance)

    assert pause_s is not None
    assert retry.FIRST_WAIT_S / 2 <= pause_s <= retry.LONGEST_WAIT_S


def test_the_pause_grows_with_every_attempt() -> None:
    """Twice as long each time, half of it by chance."""
    pauses = [decide(Outcome(503), attempt) for attempt in (1, 2, 3)]

    assert pauses == [0.75, 1.5, 3.0]


def test_a_receiver_that_never_gets_well_is_given_up() -> None:
    """After the time that the configuration has for it."""
    assert decide(Outcome(0), 100, DAY_S - 1) is not None
    assert decide(Outcome(0), 1, DAY_S) is None


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 422])
def test_a_refusal_is_meant_at_the_third_time(status: int) -> None:
    """A message that the receiver does not want must not hold up the others."""
    assert [decide(Outcome(status), attempt) is None for attempt in (1, 2, 3)] == [
        False,
        False,
        True,
    ]


def test_a_receiver_that_is_gone_is_not_asked_twice() -> None:
    """410 says so."""
    assert decide(Outcome(410)) is None


def test_a_receiver_may_ask_for_more_time_within_a_bound() -> None:
    """Retry-After counts where it is longer than the pause of ours."""
    assert decide(Outcome(429, "", 90.0)) == 90.0
    assert decide(Outcome(503, "", 0.1)) == 0.75
    assert decide(Outcome(503, "", 1e9)) == retry.LONGEST_RETRY_AFTER_S
