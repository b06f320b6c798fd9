"""The health of a source: streaks, usual days, and the alarm when it goes quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.health import DAYS, Health, Standing
from ingest import standing

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def busy(*, every: timedelta = timedelta(hours=2), runs: int = 40) -> Health:
    """Return the health of a source that brought one item with each of its runs."""
    health = Health()
    for n in reversed(range(runs)):
        health = standing.succeeded(health, NOW - n * every, 1)
    return health


def test_a_busy_source_is_quiet_after_twice_its_longest_pause() -> None:
    """The alarm begins once, and ends with the next item."""
    health = busy()
    pause = timedelta(hours=4)

    before = standing.succeeded(health, NOW + pause, 0)
    quiet = standing.succeeded(before, NOW + pause + timedelta(seconds=1), 0)
    later = standing.succeeded(quiet, NOW + timedelta(days=60), 0)
    again = standing.succeeded(later, NOW + timedelta(days=60, hours=1), 1)

    assert before.quiet_since is None
    assert quiet.quiet_since == NOW + pause + timedelta(seconds=1)
    assert quiet.standing(NOW) is Standing.QUIET
    assert later.quiet_since == quiet.quiet_since
    assert again.quiet_since is None


def test_a_source_that_rests_at_weekends_is_not_quiet_on_sunday() -> None:
    """Its longest pause so far is the measure."""
    health, friday = Health(), datetime(2026, 11, 6, 18, tzinfo=UTC)
    for day in (*range(-4, 1), *range(3, 8)):
        for hour in range(10):
            at = friday + timedelta(days=day, hours=hour - 9)
            health = standing.succeeded(health, at, 1)

    sunday = standing.succeeded(health, friday + timedelta(days=9), 0)

    assert sunday.quiet_since is None


@pytest.mark.parametrize(
    "health",
    [
        Health(),
        busy(runs=15),
        busy(every=timedelta(minutes=1), runs=30),
        replace(busy(), last_item_at=None),
    ],
)
def test_of_others_nobody_expects_anything(health: Health) -> None:
    """They bring little, or are not known for long."""
    after = standing.succeeded(health, NOW + timedelta(hours=11), 0)

    assert after.quiet_since is None


def test_usual_is_the_median_of_the_days_before() -> None:
    """Days without an item count, one day of a hundred items does not."""
    health = Health()
    for day, items in enumerate([3, 0, 100, 5, 4]):
        health = standing.succeeded(health, NOW + timedelta(days=day), items)

    assert health.usual(NOW + timedelta(days=4)) == 4.0
    assert health.today(NOW + timedelta(days=4)) == 4
    assert Health().usual(NOW) is None


@given(steps=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3)), max_size=40))
def test_what_is_kept_is_bounded_and_counts_every_item(
    steps: list[tuple[int, int]],
) -> None:
    """However long and however irregularly a source runs."""
    health, now = Health(), NOW
    for hours, created in steps:
        now += timedelta(hours=hours)
        health = standing.succeeded(health, now, created)

    assert len(health.days) <= DAYS + 1
    assert list(health.days) == sorted(health.days)
    assert health.items == sum(created for _, created in steps)
    assert sum(one["items"] for one in health.days.values()) <= health.items


def test_three_failures_in_a_row_are_told_and_a_success_forgets_them() -> None:
    """What was known before stays known."""
    health = busy()
    for n in range(1, 4):
        health = standing.failed(health, NOW, "no answer", n, "")

    well = standing.succeeded(health, NOW, 0)

    assert health.standing(NOW) is Standing.FAILING
    assert (health.failed_runs, health.items) == (3, 40)
    assert well.standing(NOW) is Standing.OK
    assert well.error == ""
