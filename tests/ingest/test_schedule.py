"""Schedules as operators write them."""

from __future__ import annotations

import pytest

from ingest.schedule import Schedule


@pytest.mark.parametrize(
    ("text", "seconds"), [("every 5m", 300), ("Every  90s", 90), ("every 1d", 86_400)]
)
def test_an_interval_is_read(text: str, seconds: int) -> None:
    """With its unit."""
    assert Schedule.parse(text).interval_s == seconds


@pytest.mark.parametrize(
    ("text", "day", "days"),
    [
        ("0 7 * * 0", "*", "sun"),
        ("0 7 * * 7", "*", "sun"),
        ("0 7 * * 1-5", "*", "mon,tue,wed,thu,fri"),
        ("0 7 * * fri-7", "*", "sun,fri,sat"),
        ("0 7 * * */2", "*", "sun,tue,thu,sat"),
        ("0 7 1,15 * *", "1,15", "*"),
        ("0 7 */10 * *", "1-31/10", "*"),
    ],
)
def test_days_of_the_week_are_crons(text: str, day: str, days: str) -> None:
    """Sunday is 0 and 7, which the scheduler counts otherwise: so by name."""
    cron = dict(Schedule.parse(text).cron)

    assert sorted(cron["day_of_week"].split(",")) == sorted(days.split(","))
    assert cron["day"] == day


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("every 1s", "every 5s to 30d"),
        ("every 31d", "every 5s to 30d"),
        ("every now", "duration"),
        ("hourly", "five fields"),
        ("* * * *", "five fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day"),
        ("* * * foo *", "month"),
        ("* * * * 5-1", "backwards"),
        ("*/0 * * * *", "not cron"),
        ("@daily", "five fields"),
        (5, "five fields"),
        (None, "five fields"),
    ],
)
def test_what_is_no_schedule_is_told_by_its_rule(value: object, rule: str) -> None:
    """And by the field."""
    with pytest.raises(ValueError, match=rule):
        Schedule.parse(value)
