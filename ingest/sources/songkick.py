"""Concerts and festivals of Songkick's calendars, API version 3.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from feedsvc.errors import SourceError
from ingest import identity, shape, trim
from ingest.exchange import Request, Response
from ingest.localtime import Moment, read_moment, span
from ingest.sources.answers import read_json
from ingest.sources.apikey import APIKEY, address
from ingest.sources.base import Batch, Option, RawCandidate, Source, State
from ingest.sources.ical import zone
from ingest.text import one_line

PATH = "/api/3.0/events.json"
SIZE = 50
# More than the API ever gives at once.
MAX_EVENTS = 1_000

_STATUS = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "postponed": "postponed",
    "rescheduled": "rescheduled",
}


class SongkickSource(Source):
    """The calendar at ``url``: of an artist, a venue, a city or a person."""

    kind = "songkick"
    is_snapshot = True
    options: ClassVar[Mapping[str, Option]] = {
        "apikey": APIKEY,
        "timezone": Option(zone, "zone of events that name none", ZoneInfo("UTC")),
    }

    def request(self, state: State) -> Request:
        given = {"apikey": self.given["apikey"], "page": state.get("page", 1)}
        return Request(address(self.url, PATH, given, {"per_page": SIZE}))

    def parse(self, response: Response, state: State) -> Batch:
        page = _page(response.body)
        batch = Batch()
        events = _events(shape.mapping(page.get("results")))[:MAX_EVENTS]
        for number, event in enumerate(events, start=1):
            candidate = self._candidate(event)
            if candidate is None:
                batch.faults.append(f"event {number}: has no id, name or date")
            else:
                batch.candidates.append(candidate)
        here = trim.whole(page.get("page")) or 1
        size = trim.whole(page.get("perPage")) or SIZE
        is_last = here * size >= (trim.whole(page.get("totalEntries")) or 0)
        more = bool(events) and not is_last
        # Where the calendar of what is to come ends, what is missing is over or off.
        is_complete = is_last and urlsplit(response.url).path.endswith("calendar.json")
        return Batch(
            batch.candidates,
            batch.faults,
            {"page": here + 1} if more else {},
            more,
            is_complete=is_complete,
        )

    def _candidate(self, event: Mapping[str, Any]) -> RawCandidate | None:
        key, name = shape.text(event.get("id")), shape.text(event.get("displayName"))
        start = self._moment(event.get("start"))
        if not key or not name or start is None:
            return None
        performers = _performers(event)
        fields = {
            "type": "event",
            "title": name,
            "url": shape.text(event.get("uri")),
            "venue": _venue(event),
            "performers": performers,
            "tags": [shape.text(event.get("type"))],
            "offers": [{"url": shape.text(event.get("ticketsUri"))}],
            "status": _STATUS.get(shape.text(event.get("status")).lower(), "scheduled"),
            **self._when(event, start),
        }
        artist = one_line(performers[0]["name"]) if performers else ""
        return RawCandidate(identity.bounded(key), trim.fit(fields), artist=artist)

    def _when(self, event: Mapping[str, Any], start: Moment) -> dict[str, Any]:
        fields = span(start, self._moment(event.get("end")))
        if start.is_day and shape.text(event.get("type")).lower() != "festival":
            # A concert at an hour that nobody has told does not last all day.
            del fields["all_day"]
            fields["time_tba"] = True
        return fields

    def _moment(self, told: object) -> Moment | None:
        """Return the moment: with an offset if there is one, else local, else a day."""
        parts = shape.mapping(told)
        own = self.given["timezone"]
        day, clock = shape.text(parts.get("date")), shape.text(parts.get("time"))
        return (
            read_moment(parts.get("datetime"), own)
            or read_moment(f"{day} {clock}".strip(), own)
            or read_moment(day, own)
        )


def _page(body: bytes) -> dict[str, Any]:
    page = shape.mapping(read_json(body, "Songkick")).get("resultsPage")
    if not isinstance(page, dict):
        raise SourceError("not an answer of Songkick: has no resultsPage")
    told = shape.text(shape.mapping(page.get("error")).get("message"))
    if told or page.get("status") == "error":
        raise SourceError(f"Songkick says: {one_line(told)[:200] or 'an error'}")
    return page


def _events(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events; the calendar of a person wraps each in an entry."""
    entries = shape.mappings(results.get("calendarEntry"))
    wrapped = [shape.mapping(one.get("event")) for one in entries]
    return [*shape.mappings(results.get("event")), *wrapped]


def _performers(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return who plays, in the order of the bill."""
    acts = shape.mappings(event.get("performance"))
    acts.sort(key=lambda one: trim.whole(one.get("billingIndex")) or 0)
    return [
        {
            "name": shape.text(act.get("displayName"))
            or shape.text(shape.mapping(act.get("artist")).get("displayName")),
            "url": shape.text(shape.mapping(act.get("artist")).get("uri")),
        }
        for act in acts
    ]


def _venue(event: Mapping[str, Any]) -> dict[str, Any]:
    place = shape.mapping(event.get("venue"))
    around = shape.mapping(event.get("location"))
    town = shape.mapping(place.get("city"))
    metro = town or shape.mapping(place.get("metroArea"))
    # "Lexington, KY, US": the city, perhaps a state, and a country.
    words = [word.strip() for word in shape.text(around.get("city")).split(",")]
    name = shape.text(place.get("displayName"))
    # A metropolitan area is named after the greatest city in it.
    city = shape.text(town.get("displayName")) or words[0]
    city = city or shape.text(metro.get("displayName"))
    region = shape.text(shape.mapping(metro.get("state")).get("displayName"))
    country = shape.text(shape.mapping(metro.get("country")).get("displayName"))
    at = place if shape.number(place.get("lat")) is not None else around
    return {
        "name": "" if name == "Unknown venue" else name,
        "street": shape.text(place.get("street")),
        "city": city,
        "region": region or (words[1] if len(words) > 2 else ""),
        "country": country or (words[-1] if len(words) > 1 else ""),
        "lat": at.get("lat"),
        "lon": at.get("lng"),
        "url": shape.text(place.get("uri")),
    }
