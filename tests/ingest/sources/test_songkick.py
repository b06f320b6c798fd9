"""Songkick: recorded calendars, pages, concerts and festivals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from feedsvc.core.item import Candidate
from feedsvc.errors import SourceError
from ingest.exchange import Response
from ingest.secret import Secret
from ingest.sources.songkick import SongkickSource
from tests.ingest.reading import NOW, parse, read
from tests.ingest.realdata import cases

URL = "https://api.songkick.com/api/3.0/artists/253846/calendar.json"
SOURCE = SongkickSource(
    "tour", URL, apikey=Secret("very-secret"), timezone=ZoneInfo("Europe/Berlin")
)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year to minute


def event(**changed: Any) -> dict[str, Any]:
    return {
        "id": 11129128,
        "type": "Concert",
        "status": "ok",
        "displayName": "Paper Ferries at The Hall (May 20, 2027)",
        "uri": "https://www.songkick.com/concerts/11129128",
        "start": {"date": "2027-05-20", "time": "20:00:00"},
        **changed,
    }


def page(*events: Any, **changed: Any) -> str:
    results = {"event": list(events)} if events else {}
    of = {"status": "ok", "page": 1, "perPage": 50, "totalEntries": len(events)}
    return json.dumps({"resultsPage": {"results": results, **of, **changed}})


def one(found: Any) -> Candidate:
    (candidate,) = read(SOURCE, page(found))
    return candidate


# How many events the recorded documents have.
RECORDED = {
    "events": 20,
    "users_attendance_calendar": 2,
    "no_events": 0,
    "venue_1276231": 0,
}


@pytest.mark.parametrize("path", cases("songkick/*.json"))
def test_recorded_calendars_are_read(path: Path | None) -> None:
    """Also that of a person, and an empty one; a refusal is told."""
    if path is None:
        return
    if path.stem == "invalid_api_key":
        with pytest.raises(SourceError, match="Invalid or missing apikey"):
            parse(SOURCE, path.read_bytes())
        return

    batch = parse(SOURCE, path.read_bytes())

    assert batch.faults == []
    assert len(read(SOURCE, path.read_bytes())) == RECORDED[path.stem]


@pytest.mark.parametrize("path", cases("songkick/events.json"))
def test_a_recorded_concert_has_all_that_is_told_of_it(path: Path | None) -> None:
    """Local time in the source's zone, since Songkick names none here."""
    if path is None:
        return
    found = read(SOURCE, path.read_bytes())[0]

    assert found.source_id == "2760721"
    assert found.body["starts_at"] == at(2010, 4, 29, 17)
    assert found.body["timezone"] == "Europe/Berlin"
    assert found.body["venue"] == {
        "name": "Rupp Arena",
        "city": "Lexington",
        "region": "KY",
        "country": "US",
        "lat": 38.0408354,
        "lon": -84.4916265,
    }
    assert [who["name"] for who in found.body["performers"]] == [
        "Taylor Swift",
        "Kellie Pickler",
        "Gloriana",
    ]


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (
            {"date": "2027-05-20", "time": "20:00:00"},
            {"starts_at": at(2027, 5, 20, 18), "timezone": "Europe/Berlin"},
        ),
        (
            {
                "date": "2027-05-20",
                "time": "20:00:00",
                "datetime": "2027-05-20T20:00:00-0600",
            },
            {"starts_at": at(2027, 5, 21, 2), "timezone": "Etc/GMT+6"},
        ),
        (
            {"date": "2027-05-20", "time": None, "datetime": None},
            {
                "starts_at": at(2027, 5, 19, 22),
                "timezone": "Europe/Berlin",
                "time_tba": True,
            },
        ),
        (
            {"date": "2027-05-20", "time": "late"},
            {
                "starts_at": at(2027, 5, 19, 22),
                "timezone": "Europe/Berlin",
                "time_tba": True,
            },
        ),
    ],
)
def test_a_start_is_told_in_many_ways(start: Any, fields: dict[str, Any]) -> None:
    """With an offset, local, or as a day alone."""
    body = one(event(start=start)).body

    names = ("starts_at", "timezone", "time_tba", "all_day")
    assert {name: body[name] for name in names if name in body} == fields


def test_a_festival_lasts_through_its_last_day() -> None:
    """Days, not hours."""
    body = one(
        event(type="Festival", start={"date": "2027-07-01"}, end={"date": "2027-07-04"})
    ).body

    assert body["all_day"] is True
    assert body["starts_at"] == at(2027, 6, 30, 22)
    assert body["ends_at"] == at(2027, 7, 4, 22)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("ok", "scheduled"),
        ("cancelled", "cancelled"),
        ("postponed", "postponed"),
        (None, "scheduled"),
        ("other", "scheduled"),
    ],
)
def test_each_status_is_told(told: Any, status: str) -> None:
    """It changes the item and not its key."""
    found = one(event(status=told))

    assert found.body["status"] == status
    assert found.id == one(event()).id


def test_who_plays_stands_in_the_order_of_the_bill() -> None:
    """The headliner is whom the concert is about."""
    acts = [
        {"displayName": "Support", "billingIndex": 2},
        {
            "displayName": "Ada",
            "billingIndex": 1,
            "artist": {"uri": "https://x.example"},
        },
        {"artist": {"displayName": "Third"}, "billingIndex": 3},
    ]
    found = one(event(performance=acts))

    assert found.body["performers"] == [
        {"name": "Ada", "url": "https://x.example"},
        {"name": "Support"},
        {"name": "Third"},
    ]


def test_the_pages_are_asked_for_one_after_the_other() -> None:
    """Until all that the calendar counts was there; the key is told to nobody else."""

    def query(state: Any) -> dict[str, list[str]]:
        return parse_qs(urlsplit(SOURCE.request(state).url).query)

    first = parse(SOURCE, page(event(), totalEntries=70))
    last = parse(SOURCE, page(event(), totalEntries=70, page=2), first.state)
    short = parse(SOURCE, page(totalEntries=70))

    assert query({}) == {"apikey": ["very-secret"], "page": ["1"], "per_page": ["50"]}
    assert (first.more, query(first.state)["page"]) == (True, ["2"])
    assert (last.more, last.state) == (False, {})
    # A page that lacks what it counts is no end either.
    assert (short.more, short.is_complete) == (False, False)
    assert "very-secret" not in repr(SOURCE.given)


def test_a_calendar_read_to_its_end_is_complete() -> None:
    """A search is not, nor what anyone attended."""
    body = page(event()).encode()

    def is_complete(url: str) -> bool:
        return SOURCE.parse(Response(url, body, NOW), {}).is_complete

    assert is_complete(f"{URL}?apikey=k&page=1")
    assert not is_complete("https://api.songkick.com/api/3.0/events.json")


@pytest.mark.parametrize(
    "results", [{}, [], None, {"event": []}, {"event": None}, {"artist": [{}]}, 7]
)
def test_nothing_is_an_answer_too(results: Any) -> None:
    """In whichever form."""
    batch = parse(SOURCE, page(results=results))

    assert (batch.candidates, batch.faults, batch.more) == ([], [], False)


def test_one_event_may_stand_without_a_list() -> None:
    """And a broken one beside it is told."""
    alone = parse(SOURCE, page(results={"event": event()}))
    mixed = parse(SOURCE, page({"id": 1}, event(), event(id=None), event(start=7)))

    assert len(alone.candidates) == 1
    assert len(mixed.candidates) == 1
    assert mixed.faults == [
        f"event {number}: has no id, name or date" for number in (1, 3, 4)
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"resultsPage":{"status":"error"}}', "an error"),
        ('{"resultsPage":{"error":{"message":"Rate limit"}}}', "Rate limit"),
        ("{}", "no resultsPage"),
        ("[]", "no resultsPage"),
        ("<html>", "must be JSON"),
    ],
)
def test_what_is_no_answer_is_an_error(body: str, told: str) -> None:
    """In the API's own words where it has some."""
    with pytest.raises(SourceError, match=told):
        parse(SOURCE, body)
