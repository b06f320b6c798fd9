"""Ticketmaster: recorded answers, pages, dates in all their variants, statuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feedsvc.core.item import Candidate
from feedsvc.errors import SourceError
from ingest.secret import Secret
from ingest.sources.ticketmaster import TicketmasterSource
from tests.ingest.reading import parse, read
from tests.ingest.realdata import cases

URL = "https://app.ticketmaster.com/discovery/v2/events.json?city=Berlin"
SOURCE = TicketmasterSource("tickets", URL, apikey=Secret("very-secret"))


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year to minute


def event(**changed: Any) -> dict[str, Any]:
    return {
        "id": "vv17",
        "name": "Paper Ferries",
        "type": "event",
        "url": "https://tickets.example/vv17",
        "dates": {"start": {"localDate": "2027-05-20", "localTime": "20:00:00"}},
        **changed,
    }


def dated(start: Any, **dates: Any) -> dict[str, Any]:
    return event(dates={"start": start, "timezone": "Europe/Berlin", **dates})


def page(*events: Any, **of: Any) -> str:
    return json.dumps({"_embedded": {"events": list(events)}, "page": of})


def one(found: Any) -> Candidate:
    (candidate,) = read(SOURCE, page(found))
    return candidate


@pytest.mark.parametrize("path", cases("ticketmaster/*.json"))
def test_recorded_answers_are_read(path: Path | None) -> None:
    """No event is lost; a venue is none."""
    if path is None:
        return
    body = json.dumps(json.loads(path.read_bytes())[0]["response"])
    if path.name == "venue_find-200.json":
        with pytest.raises(SourceError, match="no page of events"):
            parse(SOURCE, body)
        return

    batch = parse(SOURCE, body)

    many = path.name == "event_all-200.json"
    assert len(read(SOURCE, body)) == len(batch.candidates) == (20 if many else 1)
    assert batch.faults == []
    assert batch.more == many


@pytest.mark.parametrize("path", cases("ticketmaster/event_find-200.json"))
def test_a_recorded_event_has_all_that_is_told_of_it(path: Path | None) -> None:
    """The venue, who plays, what it costs, and the picture that suits a card."""
    if path is None:
        return
    (found,) = read(SOURCE, json.dumps(json.loads(path.read_bytes())[0]["response"]))

    assert found.source_id == "vv17FZfdGkSrrMju"
    assert found.body["starts_at"] == at(2016, 5, 20, 21)
    assert found.body["timezone"] == "America/New_York"
    assert found.body["status"] == "scheduled"
    assert found.body["venue"] == {
        "name": "The Pavilion at Montage Mountain",
        "street": "1000 Montage Mountain Road",
        "city": "Scranton",
        "region": "Pennsylvania",
        "country": "United States Of America",
        "lat": 41.3479758,
        "lon": -75.6638888,
        "url": "http://ticketmaster.com/venue/16765",
    }
    assert [who["name"] for who in found.body["performers"]] == [
        "Susquehanna Breakdown Music Festival"
    ]
    assert found.body["tags"] == ["Music"]
    assert found.body["offers"] == [
        {
            "name": "standard",
            "url": "http://concerts.livenation.com/event/0200503CDE7B770D",
            "price": 125.0,
            "currency": "USD",
        }
    ]
    (picture,) = found.body["attachments"]
    assert (picture["width"], picture["height"]) == (1024, 576)


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (
            {"localDate": "2027-05-20", "localTime": "20:00:00"},
            {"starts_at": at(2027, 5, 20, 18)},
        ),
        (
            {"localDate": "2027-05-20", "dateTime": "2027-05-20T18:30:00Z"},
            {"starts_at": at(2027, 5, 20, 18, 30)},
        ),
        (
            {"localDate": "2027-05-20"},
            {"starts_at": at(2027, 5, 19, 22), "time_tba": True},
        ),
        (
            {"localDate": "2027-05-20", "localTime": "00:00:00", "timeTBA": True},
            {"starts_at": at(2027, 5, 19, 22), "time_tba": True},
        ),
        (
            {"localDate": "2027-05-20", "noSpecificTime": True},
            {"starts_at": at(2027, 5, 19, 22), "all_day": True},
        ),
        (
            {"localDate": "2027-05-20", "dateTBD": True, "timeTBA": True},
            {"starts_at": at(2027, 5, 19, 22), "time_tba": True},
        ),
        (
            {"localDate": "2027-05-20", "localTime": "20:00:00", "dateTBA": True},
            {"starts_at": at(2027, 5, 20, 18), "time_tba": True},
        ),
    ],
)
def test_dates_are_told_in_many_ways(start: Any, fields: dict[str, Any]) -> None:
    """An hour that is not known yet is not midnight."""
    body = one(dated(start)).body

    kept = {
        name: body[name]
        for name in ("starts_at", "time_tba", "all_day")
        if name in body
    }
    assert kept == fields
    assert body["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "start", [{}, None, [], {"dateTBD": True}, {"localDate": "TBA"}, {"localDate": 7}]
)
def test_without_a_day_there_is_no_event_yet(start: Any) -> None:
    """It is told, and the others are read."""
    batch = parse(SOURCE, page(dated(start), event()))

    assert len(batch.candidates) == 1
    assert batch.faults == ["event 1: has no id, name or date"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("onsale", "scheduled"),
        ("offsale", "scheduled"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
        ("Postponed", "postponed"),
        ("rescheduled", "rescheduled"),
        ("new", "scheduled"),
        (None, "scheduled"),
        (7, "scheduled"),
    ],
)
def test_each_status_is_told(code: Any, status: str) -> None:
    """It changes the item and not its key."""
    start = {"localDate": "2027-05-20", "localTime": "20:00:00"}
    found = one(dated(start, status={"code": code}))

    assert found.body["status"] == status
    assert found.id == one(event()).id


def test_a_moved_event_tells_from_when() -> None:
    """With the old date, where the API has it."""
    start = {"localDate": "2027-05-20", "localTime": "20:00:00"}
    before = {"localDate": "2027-04-01", "localTime": "20:00:00"}
    found = one(dated(start, initialStartDate=before, status={"code": "rescheduled"}))

    assert found.body["previous_starts_at"] == at(2027, 4, 1, 18)


def test_an_end_and_several_days_are_told() -> None:
    """The last day belongs to it."""
    body = one(
        dated(
            {"localDate": "2027-05-20"},
            end={"localDate": "2027-05-22"},
            spanMultipleDays=True,
        )
    ).body

    assert body["all_day"] is True
    assert body["ends_at"] == at(2027, 5, 22, 22)


def test_the_doors_are_told() -> None:
    """When they open, if that is an hour."""
    doors = {"localDate": "2027-05-20", "localTime": "19:00:00"}
    zone = {"timezone": "Europe/Berlin"}

    told = one(event(doorsTimes=doors, _embedded={"venues": [zone]})).body
    vague = one(event(doorsTimes={"localDate": "2027-05-20"})).body

    assert told["doors_at"] == at(2027, 5, 20, 17)
    assert told["starts_at"] == at(2027, 5, 20, 18)
    assert "doors_at" not in vague


def test_tickets_on_sale_are_told_without_a_price_too() -> None:
    """What is off sale may be sold out, over or yet to come: that says nothing."""
    start = {"localDate": "2027-05-20"}

    on = one(dated(start, status={"code": "onsale"})).body
    off = one(dated(start, status={"code": "offsale"})).body

    assert on["offers"] == [
        {"url": "https://tickets.example/vv17", "availability": "InStock"}
    ]
    assert "offers" not in off


def test_events_that_only_test_the_shop_are_left_out() -> None:
    """Ticketmaster marks them."""
    batch = parse(SOURCE, page(event(test=True), event(id="a")))

    assert [raw.source_id for raw in batch.candidates] == ["a"]
    assert batch.faults == []


def test_the_pages_are_asked_for_one_after_the_other() -> None:
    """With the operator's parameters; the key goes to the server alone."""

    def query(state: Any) -> dict[str, list[str]]:
        return parse_qs(urlsplit(SOURCE.request(state).url).query)

    first = parse(SOURCE, page(event(), number=0, size=100, totalPages=2))
    last = parse(SOURCE, page(event(), number=1, size=100, totalPages=2), first.state)

    assert query({}) == {
        "city": ["Berlin"],
        "size": ["100"],
        "sort": ["date,asc"],
        "apikey": ["very-secret"],
        "page": ["0"],
    }
    assert first.more
    assert query(first.state)["page"] == ["1"]
    assert (last.more, last.state, last.is_complete) == (False, {}, True)
    assert "very-secret" not in repr(SOURCE.given)


def test_what_lies_beyond_the_api_is_told() -> None:
    """It gives a thousand events, so there is nothing complete."""
    batch = parse(
        SOURCE, page(event(), number=9, size=100, totalPages=50, totalElements=5000)
    )

    assert not batch.more
    assert not batch.is_complete
    assert "only the first 1000 of 5000 events" in batch.faults[0]


def test_nothing_is_an_answer_too() -> None:
    """Without ``_embedded``, as the API has it."""
    batch = parse(SOURCE, json.dumps({"page": {"totalPages": 0, "number": 0}}))

    assert (batch.candidates, batch.more, batch.is_complete) == ([], False, True)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"fault":{"faultstring":"Invalid ApiKey"}}', "Invalid ApiKey"),
        ('{"errors":[{"code":"DIS1035","detail":"max paging depth"}]}', "paging depth"),
        ("[]", "is no object"),
        ("{}", "no page of events"),
        ("<html>", "must be JSON"),
        ('{"_embedded":' + "[" * 9_999, "must be JSON"),
    ],
)
def test_what_is_no_answer_is_an_error(body: str, told: str) -> None:
    """In the API's own words where it has some."""
    with pytest.raises(SourceError, match=told):
        parse(SOURCE, body)


def test_odd_values_cost_what_they_stand_for_and_no_more() -> None:
    """Wrong types, nulls and junk in every place."""
    found = one(
        event(
            images=[None, 7, {"url": 7}, {"url": "https://x.example/a.jpg"}],
            classifications=[None, {"segment": None, "genre": {"name": "Jazz"}}],
            priceRanges=[{"min": "12.5", "currency": "euros"}, {"min": -1}],
            _embedded={
                "venues": [{"name": None, "location": {"latitude": "x"}}],
                "attractions": [{"name": "Ada"}, {"name": ""}, "x"],
            },
            locale=["de"],
            url="javascript:alert(1)",
        )
    )

    assert found.body["tags"] == ["Jazz"]
    assert found.body["performers"] == [{"name": "Ada"}]
    assert found.body["offers"] == [{"price": 12.5}]
    assert "venue" not in found.body
    assert "url" not in found.body
