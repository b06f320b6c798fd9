"""Dates of recurring events, bounded in number and in the work they take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, tzinfo
from itertools import islice
from typing import cast

from dateutil.rrule import rrule, rrulestr

# A rule may be asked for at most this many dates, the past ones included: a daily
# event since 1970 has 20,000.
MAX_STEPS = 50_000

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
_DROPPED = ("COUNT", "UNTIL", "SKIP", "RSCALE")


def occurrences(
    text: str, start: datetime, zone: tzinfo, before: datetime
) -> Iterator[datetime]:
    """Yield the local dates of the rule up to ``before``, ``start`` among them.

    ``start`` and the dates have no zone: a weekly show stays at eight o'clock when
    the clocks change.  Raise ``ValueError`` for a rule that is refused.
    """
    pairs = text.upper().replace(" ", "").split(";")
    parts = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"recurs {parts.get('FREQ', 'never').lower()}: is not taken")
    if "BYSETPOS" in parts and parts["FREQ"] in ("DAILY", "HOURLY"):
        raise ValueError("recurs by position in a day: is not taken")
    if parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise ValueError(f"recurs by the {parts['RSCALE'].lower()} calendar")
    count = int(parts.get("COUNT", MAX_STEPS + 1))
    if "UNTIL" in parts:
        before = min(before, _until(parts["UNTIL"], zone))
    if before < start:
        return
    # The search for a date that never comes, a 30th of February, ends with the year
    # 9999 only.  The calendar repeats itself every 400 years: so search close to it.
    years = (MAXYEAR - before.year) // 400 * 400
    kept = ";".join(f"{k}={v}" for k, v in parts.items() if k not in _DROPPED)
    rule = cast(rrule, rrulestr(kept, dtstart=_later(start, years)))
    dates = rule.replace(until=_later(before, years))
    for steps, found in enumerate(islice(dates, count)):
        if steps >= MAX_STEPS:
            raise ValueError(f"recurs more than {MAX_STEPS} times")
        yield _later(found, -years)


def _later(at: datetime, years: int) -> datetime:
    return at.replace(year=at.year + years)


def _until(text: str, zone: tzinfo) -> datetime:
    """Return the local end: it is given in UTC, in local time or as a day."""
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d").replace(hour=23, minute=59)  # noqa: DTZ007 - a local day
    if text.endswith("Z"):
        instant = datetime.strptime(text, "%Y%m%dT%H%M%S%z")
        return instant.astimezone(zone).replace(tzinfo=None)
    return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a local time
