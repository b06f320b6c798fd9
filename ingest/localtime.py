"""Dates of events as people write them: local, with a zone, or a day alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ingest import dates

_ISO = re.compile(
    r"""(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
        (?:[T\s]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?
        \s*(?P<half>[ap])?(?:\.?m\.?)?
        \s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(?::?\d\d)?)?(?:\[[\w/+-]+\])?)?""",
    re.VERBOSE | re.IGNORECASE,
)
_LENGTH = re.compile(
    r"P(?:(\d{1,3})W)?(?:(\d{1,4})D)?"
    r"(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:[.,]\d+)?S)?)?",
    re.IGNORECASE,
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, or with ``is_day`` a day, which is over at ``until``.

    ``timezone`` is the zone that its clock showed, "" if no zone is known for it.
    """

    at: datetime
    until: datetime
    timezone: str
    is_day: bool = False


def read_moment(value: object, default: ZoneInfo) -> Moment | None:
    """Return what ``value`` names, or None; without a zone it is in ``default``."""
    if not isinstance(value, str) or len(value) > 100:
        return None
    found = _ISO.fullmatch(value.strip())
    try:
        if found is not None:
            return _moment(found, default)
        at = dates.read_instant(value)
    except (ValueError, OverflowError):
        return None
    return Moment(at, at, default.key) if at else None


def read_length(value: object) -> timedelta | None:
    """Return an ISO 8601 duration such as PT2H30M, or None."""
    found = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(
        weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
    )


def span(start: Moment, end: Moment | None) -> dict[str, Any]:
    """Return the fields of an event that lasts from ``start`` to ``end``.

    A last day belongs to it.  An end that comes before the start is none.
    """
    fields: dict[str, Any] = {"starts_at": start.at, "timezone": start.timezone}
    if start.is_day:
        fields["all_day"] = True
    # The day of a concert that begins at 20:00 says nothing of when it ends.
    is_same_day = end is not None and end.is_day and end.until - start.at <= _DAY
    if end is not None and not (is_same_day and not start.is_day):
        if end.until > start.at:
            fields["ends_at"] = end.until
    elif start.is_day:
        fields["ends_at"] = start.until
    return fields


def _moment(found: re.Match[str], default: ZoneInfo) -> Moment:
    year, month, day = (int(found[part]) for part in ("year", "month", "day"))
    local = datetime(year, month, day)  # noqa: DTZ001 - the zone is added below
    if found["hour"] is None:
        at, until = _instant(local, default), _instant(local + _DAY, default)
        return Moment(at, until, default.key, is_day=True)
    hour, minute, second = (
        int(found[part] or 0) for part in ("hour", "minute", "second")
    )
    if hour > 24 or minute > 59 or second > 60:
        raise ValueError("no time of day")
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    # Added, since 24:00 does occur.
    local += timedelta(hours=hour, minutes=minute, seconds=second)
    if not found["zone"]:
        at = _instant(local, default)
        return Moment(at, at, default.key)
    offset = _offset(found["zone"])
    at = _instant(local, timezone(offset))
    return Moment(at, at, _zone_of(offset, at, default))


def _instant(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        return timedelta(0)
    digits = text[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if text[0] == "-" else offset


def _zone_of(offset: timedelta, at: datetime, default: ZoneInfo) -> str:
    """Return the zone whose clocks were so far off UTC at that time."""
    # A time in UTC names an instant, not where the event takes place.
    if not offset or at.astimezone(default).utcoffset() == offset:
        return default.key
    hours, rest = divmod(offset, timedelta(hours=1))
    # These zones count the other way: Etc/GMT-2 is two hours ahead of UTC.
    return f"Etc/GMT{-hours:+d}" if not rest and -12 <= hours <= 14 else ""
