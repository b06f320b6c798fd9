"""Budgets: counted, kept, and never exceeded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.budget import Budget, Meter, OverBudget
from ingest.summary import Outcome
from tests.ingest.scene import Scene, rss

NOW = datetime(2026, 11, 24, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "5000", "0/day", "5/week", "-1/day", "5 per day"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match="5000/day"):
        Budget.parse(text)


def test_windows_begin_with_the_minute_the_hour_and_the_day() -> None:
    """Of UTC, as providers count."""
    minute, hour, day = (
        Budget.parse(f"9 / {one}") for one in ("minute", "hour", "day")
    )

    assert minute.began_at(NOW) == NOW.replace(second=0)
    assert hour.ends_at(NOW) == NOW.replace(hour=13, minute=0, second=0)
    assert day.ends_at(NOW) == datetime(2026, 11, 25, tzinfo=UTC)
    assert day.text == "9/day"


@given(
    steps=st.lists(st.integers(0, 40), max_size=60),
    requests=st.integers(1, 5),
)
def test_no_window_ever_sees_more_than_its_budget(
    steps: list[int], requests: int
) -> None:
    """Whenever requests are made, and though the process starts anew each time."""
    now, used, since = NOW, 0, None
    taken: dict[datetime, int] = {}
    budget = Budget.parse(f"{requests}/minute")
    for seconds in steps:
        now += timedelta(seconds=seconds)
        meter = Meter(budget, lambda: now, used, since)  # noqa: B023 - called at once
        try:
            meter.take()
        except OverBudget:
            pass
        else:
            window = budget.began_at(now)
            taken[window] = taken.get(window, 0) + 1
        used, since = meter.used, meter.since

    assert max(taken.values(), default=0) <= requests


@pytest.mark.mongo
async def test_a_run_over_its_budget_waits_and_says_so(scene: Scene) -> None:
    """Until the next window; it is no failure, and other processes know it too."""
    scene.server.put("/feed", rss(("1", "One")))
    scene.job = scene.feed(budget=Budget.parse("2/day"))

    summaries = [await scene.run(even_early=True) for _ in range(3)]
    waiting = await scene.health()
    scene.now += timedelta(days=1)
    tomorrow = await scene.run()

    assert [one.outcome for one in summaries] == [
        Outcome.DONE,
        Outcome.DONE,
        Outcome.OVER_BUDGET,
    ]
    assert len(scene.server.requests) == 3
    assert (waiting.used, waiting.budget, waiting.failures) == (2, 2, 0)
    assert "2/day is used up" in waiting.error
    assert summaries[-1].next_due >= datetime(2026, 11, 25, tzinfo=UTC)
    assert tomorrow.outcome is Outcome.DONE
