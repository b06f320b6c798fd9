"""What an answer's headers say about when to ask again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ingest.dates import read_instant

# Nobody has to wait longer than this because of a header.
MAX_WAIT_S = 86_400.0

_RESETS = (
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "ratelimit-reset",
    "rate-limit-reset",
)
_REMAINING = (
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "ratelimit-remaining",
    "rate-limit-available",
)
# A number below the first is a span of seconds, below the second an instant in
# seconds since 1970, above it one in milliseconds.
_YEARS_30_S = 1e9
_YEARS_3000_S = 1e11


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait: ``Retry-After``, else when a rate limit resets."""
    if "retry-after" in headers:
        return _bounded(_retry_after(headers["retry-after"].strip(), now))
    for name in _RESETS:
        if name in headers:
            return _bounded(_reset(headers[name].strip(), now))
    return None


def is_used_up(headers: Mapping[str, str]) -> bool:
    """True if the answer was the last one before the rate limit resets."""
    return any(headers.get(name, "").strip() == "0" for name in _REMAINING)


def max_age_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the answer stays fresh, as ``Cache-Control`` has it."""
    found = re.search(
        r"\bmax-age\s*=\s*\"?([0-9]{1,9})", headers.get("cache-control", "")
    )
    return _bounded(float(found[1])) if found else None


def _retry_after(text: str, now: datetime) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()


def _reset(text: str, now: datetime) -> float | None:
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", text):
        number = float(text)
        if number < _YEARS_30_S:
            return number
        epoch_s = number if number < _YEARS_3000_S else number / 1000
        return epoch_s - now.timestamp()
    at = read_instant(text)
    return (at - now).total_seconds() if at else None


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), MAX_WAIT_S)
