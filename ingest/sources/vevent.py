"""One VEVENT of a calendar read into the fields of an item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.cal import Component
from icalendar.prop import vBroken

from ingest import dates, identity
from ingest.text import one_line

UNTITLED = "Untitled event"

# What a damaged property makes the calendar library raise.
BROKEN = (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError)

_STATUS = {"CANCELLED": "cancelled", "POSTPONED": "postponed"}
_MARKUP = re.compile(r"</?(?:a|b|br|div|em|h\d|i|li|ol|p|span|strong|u|ul)\b[^<>]*>")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """A single date, a series, or with ``recurrence_id`` one changed date of it.

    ``start`` is local and without its zone; ``length`` is None if it has no end.
    """

    uid: str
    recurrence_id: datetime | None
    start: datetime
    zone: tzinfo
    length: timedelta | None
    all_day: bool
    version: tuple[int, datetime]
    fields: Mapping[str, Any]
    rules: tuple[str, ...]
    extra: frozenset[datetime]
    excluded: frozenset[datetime | date]

    @property
    def is_series(self) -> bool:
        return bool(self.rules or self.extra) and self.recurrence_id is None

    def at(self, local: datetime) -> datetime:
        """Return the instant of a local time of this event."""
        return local.replace(tzinfo=self.zone).astimezone(UTC)


def read_event(component: Component, default: ZoneInfo, now: datetime) -> Event:
    """Return the event; raise one of ``BROKEN`` if it has no readable start."""
    extra = list(_days(component, "RDATE"))
    first = _day(component, "DTSTART") or (extra[0] if extra else None)
    if first is None:
        raise ValueError(_why_no_start(component))
    start, zone = _local(first, default)
    return Event(
        uid=_uid(component, start),
        recurrence_id=_instant_of(component, "RECURRENCE-ID", default),
        start=start,
        zone=zone,
        length=_length(component, start, zone, default),
        all_day=not isinstance(first, datetime),
        version=_version(component, default),
        fields=_fields(component, zone, default, now),
        rules=tuple(_rule_text(rule) for rule in _all(component, "RRULE", broken=True)),
        extra=frozenset(_local(day, default)[0] for day in extra),
        excluded=frozenset(
            _instant(day, default) if isinstance(day, datetime) else day
            for day in _days(component, "EXDATE")
        ),
    )


def _why_no_start(component: Component) -> str:
    told = [text for name, text in component.errors if name == "DTSTART"]
    return f"has no start that can be read{f': {told[0]}' if told else ''}"


def _uid(component: Component, start: datetime) -> str:
    uid = one_line(_text(component, "UID"))
    words = (_text(component, name) for name in ("SUMMARY", "DESCRIPTION"))
    return uid or identity.digest(*words, start.isoformat())


def _version(component: Component, default: ZoneInfo) -> tuple[int, datetime]:
    names = ("LAST-MODIFIED", "DTSTAMP")
    instants = (_instant_of(component, name, default) for name in names)
    sequence = re.fullmatch(r"\d{1,9}", _text(component, "SEQUENCE"))
    return int(sequence[0]) if sequence else 0, next(filter(None, instants), _EPOCH)


def _length(
    component: Component, start: datetime, zone: tzinfo, default: ZoneInfo
) -> timedelta | None:
    end = _day(component, "DTEND")
    if end is not None and isinstance(end, datetime):
        return _positive(_instant(end, default) - start.replace(tzinfo=zone))
    if end is not None:
        return _positive(datetime.combine(end, time()) - start)
    duration = getattr(_one(component, "DURATION"), "td", None)
    return _positive(duration) if isinstance(duration, timedelta) else None


def _positive(length: timedelta) -> timedelta | None:
    return length if timedelta(0) < length < timedelta(days=3660) else None


def _fields(
    component: Component, zone: tzinfo, default: ZoneInfo, now: datetime
) -> dict[str, Any]:
    created = _instant_of(component, "CREATED", default)
    modified = _instant_of(component, "LAST-MODIFIED", default)
    key = zone.key if isinstance(zone, ZoneInfo) else default.key
    status = _text(component, "STATUS").upper()
    fields = {
        "type": "event",
        "title": one_line(_text(component, "SUMMARY")) or UNTITLED,
        **_description(component),
        "url": _text(component, "URL"),
        # A time in UTC names an instant, not where the event takes place.
        "timezone": default.key if key in ("UTC", "Etc/UTC") else key,
        "status": _STATUS.get(status, "scheduled"),
        "venue": _venue(component),
        "tags": list(_categories(component)),
        "attachments": list(_attachments(component)),
        **dates.published(created, None, now),
    }
    if created and modified and created < modified <= now:
        fields["date_modified"] = modified
    return fields


def _description(component: Component) -> dict[str, str]:
    for html in _all(component, "X-ALT-DESC"):
        if "html" in str(getattr(html, "params", {}).get("FMTTYPE", "")).lower():
            return {"content_html": str(html)}
    text = _text(component, "DESCRIPTION")
    return {"content_html" if _MARKUP.search(text) else "content_text": text}


def _venue(component: Component) -> dict[str, Any]:
    lines = [one_line(line) for line in _text(component, "LOCATION").splitlines()]
    venue: dict[str, Any] = {"name": ", ".join(line for line in lines if line)}
    geo = _one(component, "GEO")
    if isinstance(getattr(geo, "latitude", None), float):
        venue |= {"lat": geo.latitude, "lon": geo.longitude}
    return venue


def _categories(component: Component) -> Iterator[str]:
    for one in _all(component, "CATEGORIES"):
        yield from (str(category) for category in getattr(one, "cats", [one]))


def _attachments(component: Component) -> Iterator[dict[str, Any]]:
    for name, otherwise in (("ATTACH", None), ("IMAGE", "image/jpeg")):
        for one in _all(component, name):
            parameters = getattr(one, "params", {})
            yield {
                "url": str(one),
                "mime_type": parameters.get("FMTTYPE"),
                "otherwise": otherwise,
            }


def _text(component: Component, name: str) -> str:
    found = _one(component, name)
    return "" if found is None else str(found).strip()


def _rule_text(rule: Any) -> str:
    # Of a broken rule the text as it came: it may only have a space too many.
    return str(rule) if isinstance(rule, vBroken) else rule.to_ical().decode()


def _all(component: Component, name: str, *, broken: bool = False) -> list[Any]:
    """Return the values of a property, which may occur several times."""
    value = component.get(name)
    values = value if isinstance(value, list) else [value]
    return [
        one
        for one in values
        if one is not None and (broken or not isinstance(one, vBroken))
    ]


def _one(component: Component, name: str) -> Any:
    return next(iter(_all(component, name)), None)


def _day(component: Component, name: str) -> date | None:
    return next(_days(component, name), None)


def _days(component: Component, name: str) -> Iterator[date]:
    """Yield the days and times of a property; of periods their starts."""
    for value in _all(component, name):
        for one in getattr(value, "dts", [value]):
            day = getattr(one, "dt", None)
            if isinstance(day, tuple):
                day = day[0]
            if isinstance(day, date):
                yield day


def _local(day: date, default: ZoneInfo) -> tuple[datetime, tzinfo]:
    """Return the local time and its zone; a zone nobody knows is the default."""
    if not isinstance(day, datetime):
        return datetime.combine(day, time()), default
    return day.replace(tzinfo=None), day.tzinfo or default


def _instant(day: date, default: ZoneInfo) -> datetime:
    local, zone = _local(day, default)
    return local.replace(tzinfo=zone).astimezone(UTC)


def _instant_of(component: Component, name: str, default: ZoneInfo) -> datetime | None:
    day = _day(component, name)
    return None if day is None else _instant(day, default)
