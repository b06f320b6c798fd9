"""Instants and local times as people read them, from the data that browsers use too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from babel import Locale
from babel.dates import format_datetime, format_time, get_timezone_name

from feedsvc.feeds import Entry


class PlaceTime(NamedTuple):
    """The parts of an event's time as it reads on the clock of its place."""

    day: str
    month: str
    date: str
    time: str


def moment(at: datetime, locale: Locale) -> str:
    """Return date and time in UTC: nobody here knows where the reader is."""
    utc = at.astimezone(UTC)
    return f"{_show(utc, 'yMMMd', locale)}, {_time(utc, locale)} UTC"


def place_time(at: datetime, entry: Entry, locale: Locale) -> PlaceTime:
    local = entry.local(at)
    return PlaceTime(
        day=_show(local, "d", locale),
        month=_show(local, "MMM", locale),
        date=_show(local, "MMMEd", locale),
        time=f"{_time(local, locale)} {_zone(local, locale)}",
    )


def _zone(at: datetime, locale: Locale) -> str:
    """Return the zone's name where the language has a short one, else its offset."""
    name = get_timezone_name(at, "short", locale=locale)
    if name[:1] not in "+-":
        return name
    if name[1:] == "0000":
        return "UTC"
    minutes = "" if name.endswith("00") else f":{name[3:]}"
    return f"GMT{name[0]}{int(name[1:3])}{minutes}"


def _time(at: datetime, locale: Locale) -> str:
    return format_time(at, "short", tzinfo=at.tzinfo, locale=locale)


def _show(at: datetime, skeleton: str, locale: Locale) -> str:
    pattern = str(locale.datetime_skeletons[skeleton].pattern)
    # Names that stand alone may come out in the language that was asked for first.
    pattern = pattern.replace("LLL", "MMM")
    return format_datetime(at, pattern, tzinfo=at.tzinfo, locale=locale)
