"""How a source of ingest fares, and when a person should look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

# From so many failures in a row on a person should look at the source.
ALERT_AFTER = 3

# What "usual" is made of: the days before this one.
DAYS = 14

# A source is busy if it brought so many items in those days.  It is quiet if nothing
# came for twice as long as its longest pause was, but not before an hour.
BUSY_ITEMS = 20
QUIET_FACTOR = 2.0
QUIET_LEAST_S = 3_600.0


class Standing(StrEnum):
    """What a person sees first, from the worst to the best."""

    DISABLED = "disabled"
    FAILING = "failing"
    QUIET = "quiet"
    WAITING = "waiting"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Health:
    """What is kept of a source's runs.

    ``days`` has for each day, as ``2026-11-24``, how many items came and the longest
    pause that ended on it, in seconds.  ``used`` counts the requests since
    ``used_since``.  ``takedown_s`` says of the last removal how long before it the
    source was last known to have the item.
    """

    kind: str = ""
    schedule: str = ""
    channel: str = ""
    outcome: str = ""
    error: str = ""
    disabled: str = ""
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    last_item_at: datetime | None = None
    quiet_since: datetime | None = None
    failures: int = 0
    runs: int = 0
    failed_runs: int = 0
    items: int = 0
    days: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    budget: int | None = None
    budget_text: str = ""
    used: int = 0
    used_since: datetime | None = None
    waits_until: datetime | None = None
    takedowns: int = 0
    takedown_s: float | None = None

    def standing(self, now: datetime) -> Standing:
        """Return the worst that is to be said of the source."""
        if self.disabled:
            return Standing.DISABLED
        if self.failures >= ALERT_AFTER:
            return Standing.FAILING
        if self.quiet_since is not None:
            return Standing.QUIET
        if self.waits_until is not None and self.waits_until > now:
            return Standing.WAITING
        return Standing.OK

    def today(self, now: datetime) -> int:
        """Return how many items came since midnight, UTC."""
        return int(self.days.get(f"{now:%Y-%m-%d}", {}).get("items", 0))

    def usual(self, now: datetime) -> float | None:
        """Return the median of items a day before today; None if no day is over."""
        before = [
            one["items"] for day, one in self.days.items() if day < f"{now:%Y-%m-%d}"
        ]
        return float(median(before)) if before else None

    def quiet_after_s(self) -> float | None:
        """Return after which pause a busy source is quiet; None if it is not busy."""
        items = sum(one["items"] for one in self.days.values())
        if len(self.days) < 2 or items < BUSY_ITEMS:
            return None
        longest = max(one["pause_s"] for one in self.days.values())
        return max(QUIET_FACTOR * longest, QUIET_LEAST_S)

    def is_quiet(self, now: datetime) -> bool:
        """True if a busy source has brought nothing for suspiciously long."""
        after_s = self.quiet_after_s()
        if after_s is None or self.last_item_at is None:
            return False
        return now - self.last_item_at > timedelta(seconds=after_s)


def health_of(document: Mapping[str, Any]) -> Health:
    """Return the health that a document holds, of whichever version wrote it."""
    known = {one.name for one in fields(Health)}
    return Health(**{name: document[name] for name in known & document.keys()})
