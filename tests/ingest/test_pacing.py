"""How long the headers of an answer ask to wait."""

from __future__ import annotations

import pytest

from ingest import pacing
from tests.ingest.reading import NOW

IN_90_S = int(NOW.timestamp()) + 90


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry-after", "90"),
        ("retry-after", "Tue, 24 Nov 2026 12:01:30 GMT"),
        ("retry-after", "Tue, 24 Nov 2026 12:01:30"),
        ("x-ratelimit-reset", "2026-11-24T12:01:30.000Z"),
        ("x-rate-limit-reset", str(IN_90_S)),
        ("rate-limit-reset", str(IN_90_S * 1000)),
        ("ratelimit-reset", "90"),
    ],
)
def test_every_way_to_say_ninety_seconds_is_understood(name: str, value: str) -> None:
    """Seconds, a date, epoch in seconds or milliseconds, ISO 8601."""
    assert pacing.retry_after_s({name: value}, NOW) == pytest.approx(90)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1e9", "Tue, 99 Nov 2026", "٣"])
def test_what_is_not_understood_is_no_wait(value: str) -> None:
    """The usual back-off holds then."""
    assert pacing.retry_after_s({"retry-after": value}, NOW) is None


def test_a_wait_is_at_most_a_day_and_never_negative() -> None:
    """Whatever a server says."""
    past = {"retry-after": "Mon, 23 Nov 2026 12:00:00 GMT"}

    assert pacing.retry_after_s({"retry-after": "999999999"}, NOW) == 86_400
    assert pacing.retry_after_s(past, NOW) == 0


def test_max_age_is_read_from_cache_control() -> None:
    """Among other directives, and not out of another word."""
    assert pacing.max_age_s({"cache-control": "public, max-age=600"}) == 600
    assert pacing.max_age_s({"cache-control": "s-maxage=600"}) is None
    assert pacing.max_age_s({}) is None
