"""Calendars: iCalendar at a URL, recurring events as one item for each date."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.cal import Component

from feedsvc.config import duration_s
from feedsvc.errors import SourceError
from ingest import identity, trim
from ingest.exchange import Request, Response
from ingest.sources.base import Batch, Option, RawCandidate, Source, State
from ingest.sources.recurrence import occurrences
from ingest.sources.vevent import BROKEN, Event, read_event

# A date that began this long ago is no longer news.
PAST = timedelta(days=1)
# Dates of one series, and events of one calendar, that are looked at.
MAX_DATES = 400
MAX_EVENTS = 5_000

_BLOCK = r"(?ims)^BEGIN:{0}\s*?$.*?^END:{0}\s*?$"


def zone(value: object) -> ZoneInfo:
    """Return the IANA zone; raise ``ValueError`` with the rule if there is none."""
    try:
        return ZoneInfo(str(value))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError("must be an IANA zone such as Europe/Berlin") from error


class CalendarSource(Source):
    """A calendar.  Times without a zone, or in one nobody knows, are ``timezone``'s.

    Of recurring events the dates up to ``horizon`` ahead are taken, and of those
    that are over the last one.
    """

    kind = "ical"
    is_snapshot = True
    options: ClassVar[Mapping[str, Option]] = {
        "timezone": Option(zone, "zone of times that have none", ZoneInfo("UTC")),
        "horizon": Option(
            duration_s, "how far ahead recurring events are taken", 90 * 86_400
        ),
    }

    def request(self, state: State) -> Request:
        return Request(self.url, {"Accept": "text/calendar, */*;q=0.1"})

    def parse(self, response: Response, state: State) -> Batch:
        batch = Batch()
        events = self._events(response, batch)
        changed: dict[str, set[datetime]] = defaultdict(set)
        for uid, recurrence_id in events:
            if recurrence_id is not None:
                changed[uid].add(recurrence_id)
        horizon = response.fetched_at + timedelta(seconds=self.given["horizon"])
        for event in events.values():
            try:
                found = _dates(event, changed[event.uid], response.fetched_at, horizon)
            except BROKEN as error:
                batch.faults.append(f"event {event.uid}: {_first_line(error)}")
                found = [event.start]
            batch.candidates.extend(
                _candidate(event, local, response.url) for local in found
            )
        return replace(batch, is_complete=_ends(response) and not batch.faults)

    def _events(
        self, response: Response, batch: Batch
    ) -> dict[tuple[str, datetime | None], Event]:
        """Return the newest version of each event."""
        events: dict[tuple[str, datetime | None], Event] = {}
        for number, component in enumerate(_components(response), start=1):
            if number > MAX_EVENTS:
                batch.faults.append(f"only the first {MAX_EVENTS} events are read")
                break
            try:
                event = read_event(
                    component, self.given["timezone"], response.fetched_at
                )
            except BROKEN as error:
                batch.faults.append(f"event {number}: {_first_line(error)}")
                continue
            for name, text in component.errors:
                batch.faults.append(f"event {number}: {name or 'a line'}: {text}")
            key = event.uid, event.recurrence_id
            if key not in events or event.version >= events[key].version:
                events[key] = event
        return events


def _ends(response: Response) -> bool:
    """True if the calendar has its end, and not only what came before a break."""
    return response.body.rstrip().upper().endswith(b"END:VCALENDAR")


def _components(response: Response) -> list[Component]:
    text = _decoded(response)
    if not re.search(r"(?im)^BEGIN:(VCALENDAR|VEVENT)\s*$", text):
        raise SourceError("not a calendar: has no BEGIN:VCALENDAR")
    try:
        events = _events_of(Calendar.from_ical(text, multiple=True))
    except BROKEN:
        events = []
    # A calendar that does not end has none, as far as the library can see.
    return events or _events_of(_salvaged(text))


def _events_of(calendars: Iterable[Component]) -> list[Component]:
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _salvaged(text: str) -> Iterator[Component]:
    """Yield each event as a calendar of its own, where the whole cannot be read."""
    zones = "".join(
        f"{block}\r\n"
        for block in re.findall(_BLOCK.format("VTIMEZONE"), text)
        if _calendar(block) is not None
    )
    for block in re.findall(_BLOCK.format("VEVENT"), text):
        calendar = _calendar(zones + block)
        if calendar is not None:
            yield calendar


def _calendar(content: str) -> Component | None:
    text = f"BEGIN:VCALENDAR\r\n{content.strip()}\r\nEND:VCALENDAR\r\n"
    try:
        return Calendar.from_ical(text)
    except BROKEN:
        return None


def _decoded(response: Response) -> str:
    try:
        return response.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # iCalendar is UTF-8; what is not comes from the west of old Windows.
        return response.body.decode("cp1252", "replace")


def _dates(
    event: Event, changed: Set[datetime], now: datetime, horizon: datetime
) -> list[datetime]:
    """Return the local dates of the event that are still of interest."""
    if not event.is_series:
        return [event.start]
    before = horizon.astimezone(event.zone).replace(tzinfo=None)
    found = {event.start, *event.extra}
    for rule in event.rules:
        found.update(occurrences(rule, event.start, event.zone, before))
    taken = sorted(local for local in found if _takes_place(event, local, changed))
    # Compared as instants, since the clock of the event is not ours.
    current = [local for local in taken if now - PAST <= event.at(local) <= horizon]
    return current[:MAX_DATES] or taken[-1:]


def _takes_place(event: Event, local: datetime, changed: Set[datetime]) -> bool:
    instant = event.at(local)
    return (
        instant not in changed
        and instant not in event.excluded
        and local.date() not in event.excluded
    )


def _candidate(event: Event, local: datetime, base: str) -> RawCandidate:
    starts_at = event.at(local)
    fields: dict[str, Any] = {**event.fields, "starts_at": starts_at}
    if event.length and event.all_day:
        fields["ends_at"] = event.at(local + event.length)
    elif event.length:
        fields["ends_at"] = starts_at + event.length
    if event.all_day:
        fields["all_day"] = True
    original = event.recurrence_id or starts_at
    if original != starts_at and fields["status"] == "scheduled":
        fields |= {"status": "rescheduled", "previous_starts_at": original}
    key = event.uid
    if event.is_series or event.recurrence_id:
        key += f"/{original:%Y%m%dT%H%MZ}"
    return RawCandidate(identity.bounded(key), trim.fit(fields, base))


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
