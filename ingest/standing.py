"""What a run changes in the health of its source; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from feedsvc.core.health import DAYS, Health

Days = Mapping[str, Mapping[str, float]]

NO_ITEMS = {"items": 0.0, "pause_s": 0.0}


def succeeded(health: Health, now: datetime, created: int) -> Health:
    """Return the health after a run that read what the source has."""
    last = health.last_item_at
    pause_s = (now - last).total_seconds() if created and last else 0.0
    after = replace(
        health,
        error="",
        disabled="",
        failures=0,
        runs=health.runs + 1,
        items=health.items + created,
        days=_with(health.days, now, created, pause_s),
        last_run_at=now,
        last_success_at=now,
        last_item_at=now if created else last,
        quiet_since=None if created else health.quiet_since,
        waits_until=None,
    )
    if after.quiet_since is None and after.is_quiet(now):
        return replace(after, quiet_since=now)
    return after


def failed(
    health: Health, now: datetime, error: str, failures: int, disabled: str
) -> Health:
    """Return the health after a run that could not read the source."""
    return replace(
        health,
        error=error,
        disabled=disabled,
        failures=failures,
        runs=health.runs + 1,
        failed_runs=health.failed_runs + 1,
        last_run_at=now,
        waits_until=None,
    )


def waiting(health: Health, now: datetime, why: str, until: datetime) -> Health:
    """Return the health of a source whose budget is used up."""
    return replace(health, error=why, last_run_at=now, waits_until=until)


def took_down(
    health: Health, now: datetime, removed: int, known_at: datetime | None
) -> Health:
    """Return the health after removals; ``known_at`` all of it was there, if ever.

    When exactly something was removed upstream nobody tells, so this is the most
    that can have passed since.
    """
    return replace(
        health,
        takedowns=health.takedowns + removed,
        takedown_s=(now - known_at).total_seconds() if known_at else None,
    )


def _with(days: Days, now: datetime, created: int, pause_s: float) -> Days:
    """Return the days with what came today; those without items are days too."""
    first = now - timedelta(days=DAYS)
    names = [f"{first + timedelta(days=n):%Y-%m-%d}" for n in range(DAYS + 1)]
    known = [name for name in names if name in days]
    filled: dict[str, Mapping[str, float]] = {
        name: days.get(name, NO_ITEMS) for name in names if known and name >= known[0]
    }
    today = {**NO_ITEMS, **filled.get(names[-1], {})}
    today["items"] += created
    today["pause_s"] = max(today["pause_s"], pause_s)
    return {**filled, names[-1]: today}
