"""Instants as sources write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import published, read_instant
from tests.ingest.reading import NOW


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-06-01T10:00:00Z", "2026-06-01 10:00"),
        ("2026-06-01T10:00:00+02:00", "2026-06-01 08:00"),
        ("2026-06-01 10:00:00 +0200", "2026-06-01 08:00"),
        ("2026-06-01T10:00:00.123456789Z", "2026-06-01 10:00"),
        ("2026-06-01T10:00:00", "2026-06-01 10:00"),
        ("2026-06-01", "2026-06-01 00:00"),
        ("20260601T100000Z", "2026-06-01 10:00"),
        ("2026-06", "2026-06-01 00:00"),
        ("2026", "2026-01-01 00:00"),
        ("Mon, 01 Jun 2026 10:00:00 GMT", "2026-06-01 10:00"),
        ("Mon, 1 Jun 2026 10:00 +0200", "2026-06-01 08:00"),
        ("1 June 2026 10:00:00 CEST", "2026-06-01 08:00"),
        ("Mon, 01 Jun 2026 10:00:00 CET", "2026-06-01 09:00"),
        ("Mon, 01 Jun 2026 10:00:00 BST", "2026-06-01 09:00"),
        ("Mon, 01 Jun 2026 10:00:00 JST", "2026-06-01 01:00"),
        ("Mon, 01 Jun 2026 10:00:00 MSK", "2026-06-01 07:00"),
        ("Mon, 01 Jun 2026 10:00:00 EDT", "2026-06-01 14:00"),
        ("Mon, 01 Jun 26 10:00:00 -0330", "2026-06-01 13:30"),
        ("Monday, 01-Jun-26 10:00:00 GMT", "2026-06-01 10:00"),
        ("Mon, 01 Jun 2026 10:00:00 GMT+2", "2026-06-01 08:00"),
        ("Mon, 01 Jun 2026 24:00:00 GMT", "2026-06-02 00:00"),
        ("Mon, 01 Jun 2026 10:00:00 +0200 (CEST)", "2026-06-01 08:00"),
        ("01 Jun 2026", "2026-06-01 00:00"),
    ],
)
def test_a_date_is_read_in_the_zone_that_it_names(text: str, utc: str) -> None:
    """ISO 8601 and RFC 822, with what feeds make of them."""
    found = read_instant(text)

    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == utc


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "1518478934", "x" * 10_000, None, 5, "01 Foo 2026"),
        *("Mon, 32 Jun 2026 10:00:00 GMT", "Mon, 01 Jun 2026 10:00:00 QQQ"),
        "9999-12-31T23:59:59-23:00",
    ],
)
def test_what_is_no_date_is_none(text: object) -> None:
    """An unknown zone too: better first seen than an hour off."""
    assert read_instant(text) is None


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It answers with an instant in UTC or with none."""
    found = read_instant(text)

    assert found is None or found.tzinfo is UTC


@given(
    st.datetimes(
        timezones=st.just(UTC),
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - the zone is the strategy's
    )
)
def test_what_is_written_as_iso_is_read_back(at: datetime) -> None:
    """Nothing is lost on the way."""
    assert read_instant(at.isoformat()) == at


def test_a_date_is_believed_up_to_two_minutes_ahead() -> None:
    """Clocks differ; a date of next year is not a clock that differs."""
    near, far = NOW + timedelta(seconds=119), NOW + timedelta(seconds=121)

    assert published(near, "near", NOW) == {"date_published": near}
    assert published(far, "far", NOW) == {"date_raw": "far"}
    assert published(None, None, NOW) == {}
