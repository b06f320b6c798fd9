"""Local times: zones kept, days told from instants, ends that make sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.localtime import Moment, read_length, read_moment, span

BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year to minute


@pytest.mark.parametrize(
    ("text", "instant", "zone"),
    [
        ("2026-07-01T20:00", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("2026-07-01 20:00:30", at(2026, 7, 1, 18, 0, 30), "Europe/Berlin"),
        ("2026-12-01T20:00:00.000", at(2026, 12, 1, 19), "Europe/Berlin"),
        ("2026-07-01T20:00+02:00", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("2026-07-01T20:00:00-0400", at(2026, 7, 2, 0), "Etc/GMT+4"),
        ("2026-07-01T20:00:00-04", at(2026, 7, 2, 0), "Etc/GMT+4"),
        ("2026-07-01T20:00:00 +0900", at(2026, 7, 1, 11), "Etc/GMT-9"),
        ("2026-07-01T20:00+05:30", at(2026, 7, 1, 14, 30), ""),
        ("2026-07-01T18:00Z", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("2026-07-01T20:00+02:00[Europe/Berlin]", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("2026-7-1 8:00 PM", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("2026-07-01T24:00", at(2026, 7, 1, 22), "Europe/Berlin"),
        ("20260701T200000+0200", at(2026, 7, 1, 18), "Europe/Berlin"),
        ("Wed, 01 Jul 2026 20:00:00 +0200", at(2026, 7, 1, 18), "Europe/Berlin"),
    ],
)
def test_an_instant_keeps_its_clock(text: str, instant: datetime, zone: str) -> None:
    """Where no zone is named it is the source's; an offset that differs is a zone."""
    moment = read_moment(text, BERLIN)

    assert moment == Moment(instant, instant, zone)
    if zone:
        local = instant.astimezone(ZoneInfo(zone))
        assert local.tzinfo is not None


def test_a_day_lasts_from_midnight_to_midnight() -> None:
    """Of the source's zone, also when the clocks change."""
    moment = read_moment("2026-10-25", BERLIN)

    assert moment == Moment(
        at(2026, 10, 24, 22), at(2026, 10, 25, 23), "Europe/Berlin", is_day=True
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2026-13-01", "2026-02-30", "0000-00-00", "2026-07-01T99:99"),
        *("9999-12-31", "0001-01-01T00:00+14:00", "2026-07-01T20:00+99:99", "x" * 200),
        *(None, 20260701, True, ["2026-07-01"]),
    ],
)
def test_what_is_no_date_is_none(text: object) -> None:
    """And never an exception."""
    assert read_moment(text, BERLIN) is None


@given(st.text(alphabet="0123456789-:TZ+. PMapUC[]/", max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    """With an end that is not before the start."""
    moment = read_moment(text, BERLIN)

    assert moment is None or moment.at <= moment.until


@given(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)))  # noqa: DTZ001 - zone below
def test_a_local_time_is_the_same_on_the_way_back(local: datetime) -> None:
    """Unless the clocks went over it."""
    local = local.replace(microsecond=0)
    moment = read_moment(local.isoformat(), BERLIN)

    assert moment is not None
    back = moment.at.astimezone(BERLIN).replace(tzinfo=None)
    assert back == local or abs(back - local) == timedelta(hours=1)


def moment(text: str) -> Moment:
    found = read_moment(text, BERLIN)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "end", "fields"),
    [
        ("2026-07-01T20:00", "2026-07-01T23:00", {"ends_at": at(2026, 7, 1, 21)}),
        ("2026-07-01T20:00", None, {}),
        ("2026-07-01T20:00", "2026-07-01", {}),
        ("2026-07-01T20:00", "2026-07-01T19:00", {}),
        ("2026-07-01T20:00", "2026-07-03", {"ends_at": at(2026, 7, 3, 22)}),
        ("2026-07-01", None, {"all_day": True, "ends_at": at(2026, 7, 1, 22)}),
        ("2026-07-01", "2026-07-01", {"all_day": True, "ends_at": at(2026, 7, 1, 22)}),
        ("2026-07-01", "2026-07-03", {"all_day": True, "ends_at": at(2026, 7, 3, 22)}),
        ("2026-07-01", "2026-06-01", {"all_day": True}),
    ],
)
def test_a_span_has_the_end_that_makes_sense(
    start: str, end: str | None, fields: dict[str, object]
) -> None:
    """The last day belongs to it; what lies before the start is none."""
    found = span(moment(start), moment(end) if end else None)

    assert found == {
        "starts_at": moment(start).at,
        "timezone": "Europe/Berlin",
        **fields,
    }


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT2H30M", timedelta(hours=2, minutes=30)),
        ("P1DT12H", timedelta(days=1, hours=12)),
        ("P2W", timedelta(weeks=2)),
        ("pt90m", timedelta(minutes=90)),
        ("2 hours", None),
        ("", None),
        (7, None),
    ],
)
def test_a_length_is_read(text: object, length: timedelta | None) -> None:
    """As ISO 8601 has it, without months and years."""
    assert read_length(text) == length
