"""Calendars: recorded ones, recurrence within bounds, zones, changed dates."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from feedsvc.errors import SourceError
from ingest.sources.base import Batch
from ingest.sources.ical import CalendarSource
from tests.ingest.reading import NOW, offers, parse
from tests.ingest.realdata import cases

BERLIN = CalendarSource(
    "events", "http://radio.example/cal", timezone=ZoneInfo("Europe/Berlin")
)

NOT_CALENDARS = {
    "ic_fuzz_testcase_0_char_in_component_name.ics",
    "ic_fuzz_testcase_vtimezone_lone_cr.ics",
    "ic_issue_178_component_with_invalid_name_represented.ics",
}


def vevent(*lines: str, uid: str = "a") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def calendar(*parts: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""])


def fields(batch: Batch) -> list[dict[str, Any]]:
    assert len(offers(BERLIN, batch)) == len(batch.candidates)
    return [dict(raw.fields) for raw in batch.candidates]


def starts(batch: Batch) -> list[str]:
    return [f"{one['starts_at']:%m-%d %H:%M}" for one in fields(batch)]


@pytest.mark.parametrize("path", cases("ical/*.ics"))
def test_every_recorded_calendar_is_read_or_refused_clearly(path: Path | None) -> None:
    """Each event with a start is taken, each without is told as a fault."""
    if path is None:
        return
    body = path.read_bytes()
    if path.name in NOT_CALENDARS:
        with pytest.raises(SourceError, match="not a calendar"):
            parse(BERLIN, body)
        return

    batch = parse(BERLIN, body)

    events = body.upper().count(b"BEGIN:VEVENT")
    silent = sum("has no start" in fault for fault in batch.faults)
    assert len(batch.candidates) >= events - silent - body.count(b"UID:BIRTHDAY") // 9
    assert len(offers(BERLIN, batch)) == len(batch.candidates)


def test_a_weekly_show_stays_at_its_local_hour_when_the_clocks_change() -> None:
    """Eight in the evening is another instant in winter than in summer."""
    show = vevent(
        "SUMMARY:Show",
        "DTSTART;TZID=Europe/Berlin:20260305T200000",
        "DTEND;TZID=Europe/Berlin:20260305T210000",
        "RRULE:FREQ=MONTHLY;COUNT=14",
    )

    batch = parse(BERLIN, calendar(show))

    hours = [f"{one['starts_at']:%m-%d %H:%M}" for one in fields(batch)]
    assert hours == ["12-05 19:00", "01-05 19:00", "02-05 19:00"]
    assert {one["timezone"] for one in fields(batch)} == {"Europe/Berlin"}


@pytest.mark.parametrize("frequency", ["SECONDLY", "MINUTELY"])
def test_rules_that_recur_too_often_are_refused(frequency: str) -> None:
    """The first date is kept, and the refusal is told."""
    batch = parse(
        BERLIN,
        calendar(vevent("DTSTART:19700101T000000Z", f"RRULE:FREQ={frequency}")),
    )

    assert len(batch.candidates) == 1
    assert frequency.lower() in batch.faults[0]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
        "FREQ=HOURLY",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYSETPOS=2",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9",
    ],
)
def test_a_hostile_rule_costs_little_and_loses_one_event_at_most(rule: str) -> None:
    """The other events of the calendar are read all the same."""
    began = time.monotonic()

    batch = parse(
        BERLIN,
        calendar(
            vevent("DTSTART:19710101T000000Z", f"RRULE:{rule}"),
            vevent("DTSTART:20261201T000000Z", "SUMMARY:Good", uid="b"),
        ),
    )

    assert time.monotonic() - began < 5
    assert "Good" in [one["title"] for one in fields(batch)]
    assert len(batch.candidates) <= 401


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["02-29 10:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["11-27 10:00", "12-25 10:00", "01-29 10:00"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", ["12-28 10:00"]),
    ],
)
def test_rules_are_those_of_the_calendar(rule: str, expected: list[str]) -> None:
    """Leap days, last Fridays and week numbers, 400 years from where we look."""
    batch = parse(BERLIN, calendar(vevent("DTSTART:20160229T100000Z", f"RRULE:{rule}")))

    assert starts(batch)[:3] == expected


def test_a_series_that_is_over_leaves_its_last_date() -> None:
    """As a single event of the past does."""
    batch = parse(
        BERLIN,
        calendar(vevent("DTSTART:20200101T100000Z", "RRULE:FREQ=DAILY;COUNT=3")),
    )

    assert starts(batch) == ["01-03 10:00"]


def test_excluded_dates_are_left_out_and_added_ones_taken() -> None:
    """EXDATE and RDATE, as a time and as a day."""
    batch = parse(
        BERLIN,
        calendar(
            vevent(
                "DTSTART:20261201T100000Z",
                "RRULE:FREQ=DAILY;UNTIL=20261205T235959Z",
                "EXDATE:20261202T100000Z",
                "EXDATE;VALUE=DATE:20261203",
                "RDATE:20261224T180000Z",
            )
        ),
    )

    assert starts(batch) == ["12-01 10:00", "12-04 10:00", "12-05 10:00", "12-24 18:00"]


def test_a_changed_date_replaces_the_one_of_the_series() -> None:
    """It keeps the identity, and tells from when it was moved."""
    series = vevent(
        "DTSTART:20261201T100000Z", "RRULE:FREQ=DAILY;COUNT=2", "SUMMARY:Show"
    )
    changed = vevent(
        "RECURRENCE-ID:20261202T100000Z", "DTSTART:20261202T150000Z", "SUMMARY:Late"
    )

    before = parse(BERLIN, calendar(series))
    after = parse(BERLIN, calendar(series, changed))

    assert {raw.source_id for raw in before.candidates} == {
        raw.source_id for raw in after.candidates
    }
    late = next(one for one in fields(after) if one["title"] == "Late")
    assert late["status"] == "rescheduled"
    assert late["previous_starts_at"] == datetime(2026, 12, 2, 10, tzinfo=UTC)


def test_the_version_with_the_highest_sequence_wins() -> None:
    """Wherever it stands in the file."""
    old = vevent("DTSTART:20261201T100000Z", "SEQUENCE:1", "SUMMARY:Old")
    new = vevent("DTSTART:20261201T110000Z", "SEQUENCE:2", "SUMMARY:New")

    titles = [
        [one["title"] for one in fields(parse(BERLIN, calendar(*order)))]
        for order in ((old, new), (new, old))
    ]

    assert titles == [["New"], ["New"]]


def test_a_cancelled_event_is_an_update_and_not_a_removal() -> None:
    """People who planned to come need to see it."""
    batch = parse(
        BERLIN, calendar(vevent("DTSTART:20261201T100000Z", "STATUS:CANCELLED"))
    )

    assert fields(batch)[0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("start", "instant"),
    [
        ("DTSTART:20261201T200000", "12-01 19:00"),
        ("DTSTART;TZID=Mars/Olympus:20261201T200000", "12-01 19:00"),
        ("DTSTART;TZID=Pacific Standard Time:20261201T200000", "12-02 04:00"),
        ("DTSTART;TZID=America/New_York:20261201T200000", "12-02 01:00"),
        ("DTSTART:20261201T200000Z", "12-01 20:00"),
        ("DTSTART;VALUE=DATE:20261201", "11-30 23:00"),
    ],
)
def test_times_are_read_in_their_zone_else_in_that_of_the_source(
    start: str, instant: str
) -> None:
    """Floating, unknown, Windows, IANA, UTC, a whole day."""
    assert starts(parse(BERLIN, calendar(vevent(start)))) == [instant]


def test_a_whole_day_says_so_and_ends_with_the_day() -> None:
    """Its end is exclusive, as the standard has it."""
    batch = parse(
        BERLIN,
        calendar(
            vevent("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261203"),
        ),
    )

    (event,) = fields(batch)
    assert event["all_day"] is True
    assert event["ends_at"] == datetime(2026, 12, 2, 23, tzinfo=UTC)


def test_one_broken_event_does_not_take_the_others_with_it() -> None:
    """Its fault names it."""
    batch = parse(
        BERLIN,
        calendar(
            vevent("DTSTART:yesterday"),
            vevent("DTSTART:20261201T100000Z", uid="b"),
        ),
    )

    assert len(batch.candidates) == 1
    assert batch.faults[0].startswith("event 1:")


def test_what_can_be_saved_of_a_damaged_calendar_is_saved() -> None:
    """Cut off in the middle: the whole events before the cut are read."""
    whole = calendar(
        *(vevent(f"DTSTART:2026120{n}T100000Z", uid=str(n)) for n in range(1, 6))
    )

    batch = parse(BERLIN, whole[: len(whole) * 2 // 3])

    assert len(batch.candidates) == 3


def test_a_calendar_in_an_old_charset_is_read() -> None:
    """Rather than refused for one umlaut."""
    body = calendar(vevent("DTSTART:20261201T100000Z", "SUMMARY:Blåser"))

    batch = parse(BERLIN, body.encode("cp1252"))

    assert fields(batch)[0]["title"] == "Blåser"


@pytest.mark.parametrize("body", ["", "<html>", '{"events": []}'])
def test_what_is_no_calendar_is_told(body: str) -> None:
    """The operator learns that the address is wrong."""
    with pytest.raises(SourceError, match="not a calendar"):
        parse(BERLIN, body)


def test_a_created_date_in_the_future_is_not_believed() -> None:
    """The event is dated by when it was first seen."""
    batch = parse(
        BERLIN,
        calendar(vevent("DTSTART:20261201T100000Z", "CREATED:20991201T100000Z")),
    )

    assert "date_published" not in fields(batch)[0]
    assert NOW.year == 2026
