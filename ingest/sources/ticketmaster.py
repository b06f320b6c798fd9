"""Events of Ticketmaster's Discovery API, version 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
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

PATH = "/discovery/v2/events.json"
SIZE = 100
# The API gives the first thousand and no more.
DEEPEST = 1_000
# More than the API ever gives at once.
MAX_EVENTS = 1_000

_STATUS = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "postponed": "postponed",
    "rescheduled": "rescheduled",
}
# Wide enough for a card, and not the photographer's original.
_WIDTH = 1_024


class TicketmasterSource(Source):
    """The events that ``url`` asks for: its parameters are those of the API."""

    kind = "ticketmaster"
    home = "https://app.ticketmaster.com"
    is_snapshot = True
    options: ClassVar[Mapping[str, Option]] = {
        "apikey": APIKEY,
        "timezone": Option(zone, "zone of events that name none", ZoneInfo("UTC")),
    }

    def request(self, state: State) -> Request:
        given = {"apikey": self.given["apikey"], "page": state.get("page", 0)}
        otherwise = {"size": SIZE, "sort": "date,asc"}
        return Request(address(self.url, PATH, given, otherwise))

    def parse(self, response: Response, state: State) -> Batch:
        found = _answer(response.body)
        batch = Batch()
        for number, event in enumerate(_events(found)[:MAX_EVENTS], start=1):
            if event.get("test") is True:
                continue
            candidate = self._candidate(event)
            if candidate is None:
                batch.faults.append(f"event {number}: has no id, name or date")
            else:
                batch.candidates.append(candidate)
        return self._paged(batch, shape.mapping(found.get("page")))

    def _paged(self, batch: Batch, page: Mapping[str, Any]) -> Batch:
        """Return the batch with what it says of the pages after it."""
        here, pages = (
            trim.whole(page.get("number")) or 0,
            trim.whole(page.get("totalPages")) or 0,
        )
        size = trim.whole(page.get("size")) or SIZE
        more = here + 1 < pages
        if more and (here + 1) * size >= DEEPEST:
            batch.faults.append(
                f"only the first {DEEPEST} of {page.get('totalElements')} events are"
                " given; narrow the address down"
            )
            return Batch(batch.candidates, batch.faults)
        return Batch(
            batch.candidates,
            batch.faults,
            {"page": here + 1} if more else {},
            more,
            is_complete=not more,
        )

    def _candidate(self, event: Mapping[str, Any]) -> RawCandidate | None:
        key, name = shape.text(event.get("id")), shape.text(event.get("name"))
        inside = shape.mapping(event.get("_embedded"))
        places = shape.mappings(inside.get("venues")) or shape.mappings(
            event.get("place")
        )
        place = places[0] if places else {}
        when = _when(event, place, self.given["timezone"])
        if not key or not name or when is None:
            return None
        texts = (event.get(part) for part in ("description", "info", "pleaseNote"))
        attractions = shape.mappings(inside.get("attractions"))
        performers = [_named(one) for one in attractions]
        fields = {
            "type": "event",
            "title": name,
            "url": shape.text(event.get("url")),
            "language": shape.text(event.get("locale")),
            "content_text": "\n\n".join(filter(None, map(shape.text, texts))),
            "venue": _venue(place),
            "performers": performers,
            "tags": list(_tags(event)),
            "attachments": list(_image(event)),
            "offers": list(_offers(event)),
            **when,
        }
        artist = one_line(performers[0]["name"]) if performers else ""
        return RawCandidate(identity.bounded(key), trim.fit(fields), artist=artist)


def _answer(body: bytes) -> dict[str, Any]:
    found = read_json(body, "Ticketmaster")
    if not isinstance(found, dict):
        raise SourceError("not an answer of Ticketmaster: is no object")
    errors = shape.mappings(found.get("errors"))
    fault = shape.mapping(found.get("fault"))
    if errors or fault:
        told = errors[0].get("detail") if errors else fault.get("faultstring")
        raise SourceError(f"Ticketmaster says: {one_line(shape.text(told))[:200]}")
    if not found.keys() & {"_embedded", "page", "dates"}:
        raise SourceError("not an answer of Ticketmaster: has no page of events")
    return found


def _events(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "dates" in found:
        return [dict(found)]
    return shape.mappings(shape.mapping(found.get("_embedded")).get("events"))


def _when(
    event: Mapping[str, Any], place: Mapping[str, Any], default: ZoneInfo
) -> dict[str, Any] | None:
    """Return the fields of time; None if there is no day for it yet."""
    dates = shape.mapping(event.get("dates"))
    own = _zone(dates, place, default)
    told = shape.mapping(dates.get("start"))
    is_day = any(told.get(flag) is True for flag in ("timeTBA", "noSpecificTime"))
    start = _moment(told, own, is_day=is_day)
    if start is None:
        return None
    is_open = told.get("noSpecificTime") is True
    fields = span(start, _moment(shape.mapping(dates.get("end")), own))
    if start.is_day and not (is_open or dates.get("spanMultipleDays") is True):
        # A concert at an hour that is not known yet does not last all day.
        del fields["all_day"]
        fields["time_tba"] = True
    if told.get("dateTBD") is True or told.get("dateTBA") is True:
        fields["time_tba"] = True
    code = shape.text(shape.mapping(dates.get("status")).get("code")).lower()
    fields["status"] = _STATUS.get(code, "scheduled")
    before = _moment(shape.mapping(dates.get("initialStartDate")), own)
    if before is not None and before.at != start.at:
        fields["previous_starts_at"] = before.at
    doors = _moment(shape.mapping(event.get("doorsTimes")), own)
    if doors is not None and not doors.is_day:
        fields["doors_at"] = doors.at
    return fields


def _zone(
    dates: Mapping[str, Any], place: Mapping[str, Any], default: ZoneInfo
) -> ZoneInfo:
    named = shape.text(dates.get("timezone")) or shape.text(place.get("timezone"))
    try:
        return zone(named) if named else default
    except ValueError:
        return default


def _moment(
    told: Mapping[str, Any], own: ZoneInfo, *, is_day: bool = False
) -> Moment | None:
    """Return the moment: local time and zone, of which the API tells each twice."""
    day, clock = shape.text(told.get("localDate")), shape.text(told.get("localTime"))
    if is_day and day:
        return read_moment(day, own)
    exact = read_moment(told.get("dateTime"), own)
    if exact is not None:
        return exact
    return read_moment(f"{day} {clock}".strip(), own)


def _venue(place: Mapping[str, Any]) -> dict[str, Any]:
    address_ = shape.mapping(place.get("address"))
    at = shape.mapping(place.get("location"))
    lines = (shape.text(address_.get(line)) for line in ("line1", "line2", "line3"))
    state = shape.mapping(place.get("state"))
    return {
        "name": shape.text(place.get("name")),
        "street": ", ".join(filter(None, lines)),
        "city": shape.text(shape.mapping(place.get("city")).get("name")),
        "region": shape.text(state.get("name")) or shape.text(state.get("stateCode")),
        "country": shape.text(shape.mapping(place.get("country")).get("name")),
        "lat": at.get("latitude"),
        "lon": at.get("longitude"),
        "url": shape.text(place.get("url")),
    }


def _named(one: Mapping[str, Any]) -> dict[str, str]:
    return {"name": shape.text(one.get("name")), "url": shape.text(one.get("url"))}


def _tags(event: Mapping[str, Any]) -> Iterator[str]:
    for one in shape.mappings(event.get("classifications")):
        for part in ("segment", "genre", "subGenre"):
            name = shape.text(shape.mapping(one.get(part)).get("name"))
            if name not in ("", "Undefined", "Other"):
                yield name


def _image(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the one picture of the many that suits best."""

    def rank(one: Mapping[str, Any]) -> tuple[bool, bool, int]:
        distance = abs((trim.whole(one.get("width")) or 0) - _WIDTH)
        # A picture of its own, not the one of its kind of event.
        return one.get("fallback") is True, one.get("ratio") != "16_9", distance

    for one in sorted(shape.mappings(event.get("images")), key=rank)[:1]:
        yield {
            "url": shape.text(one.get("url")),
            "otherwise": "image/jpeg",
            "width": one.get("width"),
            "height": one.get("height"),
        }


def _offers(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    status = shape.mapping(shape.mapping(event.get("dates")).get("status"))
    # "offsale" may mean sold out, not yet or no longer: nothing that one could say.
    is_on_sale = shape.text(status.get("code")).lower() == "onsale"
    offer = {
        "url": shape.text(event.get("url")),
        "availability": "InStock" if is_on_sale else None,
    }
    ranges = shape.mappings(event.get("priceRanges"))
    for one in ranges:
        yield {
            **offer,
            "name": shape.text(one.get("type")),
            "price": one.get("min"),
            "currency": one.get("currency"),
        }
    if is_on_sale and not ranges:
        yield offer
