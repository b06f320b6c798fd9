"""Instants as sources write them, read without trusting them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# A clock may run ahead of ours by this much before we stop believing it.
FUTURE_S = 120

# Names that mail and feed libraries read as UTC without a word, in hours.  Where a
# name has several meanings (IST, CST, BST) the one that feeds mean most often.
_HOURS = """
UT 0, UTC 0, GMT 0, Z 0, WET 0, WEST 1, BST 1, CET 1, MEZ 1, CEST 2, MESZ 2, EET 2,
EEST 3, MSK 3, MSD 4, TRT 3, SAST 2, GST 4, PKT 5, IST 5.5, ICT 7, WIB 7, CCT 8, HKT 8,
SGT 8, AWST 8, JST 9, KST 9, ACST 9.5, ACDT 10.5, AEST 10, AEDT 11, NZST 12, NZDT 13,
BRT -3, ART -3, NST -3.5, NDT -2.5, AST -4, ADT -3, EST -5, EDT -4, CST -6, CDT -5,
MST -7, MDT -6, PST -8, PDT -7, AKST -9, AKDT -8, HST -10
"""
_ZONES = {
    name: timezone(timedelta(hours=float(hours)))
    for name, hours in (pair.split() for pair in _HOURS.split(","))
}
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_RFC822 = re.compile(
    r"""(?:[a-z]{2,9}\.?\s*,?\s*)?              # day of the week, not believed
        (?P<day>\d{1,2})[\s-]+(?P<month>[a-z]{3,9})\.?,?[\s-]+(?P<year>\d{4}|\d\d)
        (?:[\sT,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\.\d+)?
        \s*(?P<zone>[+-]\d{2}:?\d{2}|[a-z]{1,5}(?:[+-]\d{1,2}:?\d{0,2})?)?)?
        (?:\s*\([^)]*\))?""",
    re.VERBOSE | re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:[a-z]{2,4})?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)


def read_instant(text: object) -> datetime | None:
    """Return the instant that ``text`` names, in UTC, or None if it names none.

    ISO 8601 and RFC 822 are read, the latter with the zone names that occur in
    feeds.  Without a zone it is UTC.
    """
    if not isinstance(text, str) or len(text) > 100:
        return None
    text = text.strip()
    try:
        found = _iso(text) or _rfc822(text)
        return found.astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def published(
    instant: datetime | None, raw: str | None, now: datetime
) -> dict[str, object]:
    """Return the date fields of an item that says it was published at ``instant``.

    A date in the future is not believed: without ``date_published`` the item is
    dated by when it was first seen, and stays so however often it is read.
    """
    if instant is None or instant > now + timedelta(seconds=FUTURE_S):
        return {"date_raw": raw} if raw else {}
    return {"date_published": instant}


def _iso(text: str) -> datetime | None:
    if not text[:4].isdigit():
        return None
    text = re.sub(r"\s+(?=[+-]\d\d:?\d\d$)|\s*(?=Z$)", "", text, flags=re.IGNORECASE)
    # Some write fractions of another length than fromisoformat reads.
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        if not re.fullmatch(r"\d{4}(-\d\d)?", text):
            return None
        found = datetime.fromisoformat(f"{text}-01" if "-" in text else f"{text}-01-01")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _rfc822(text: str) -> datetime | None:
    match = _RFC822.fullmatch(text)
    if match is None:
        return None
    month, rest = divmod(_MONTHS.find(match["month"][:3].lower()), 3)
    if rest:
        return None
    zone = _zone(match["zone"] or "UTC")
    if zone is None:
        return None
    year = int(match["year"])
    if year < 100:
        year += 1900 if year > 68 else 2000
    clock = [int(match[part] or 0) for part in ("hour", "minute", "second")]
    midnight = datetime(year, month + 1, int(match["day"]), tzinfo=zone)
    # Added, since 24:00:00 and the leap second 23:59:60 do occur.
    hours, minutes, seconds = clock
    return midnight + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _zone(name: str) -> timezone | None:
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(sign * timedelta(minutes=minutes))
    return _ZONES.get(name.upper())
