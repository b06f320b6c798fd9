"""Schedules as operators write them: ``every 5m`` or the five fields of cron."""

from __future__ import annotations

import re
from dataclasses import dataclass

from feedsvc.config import duration_s

MIN_INTERVAL_S = 5
MAX_INTERVAL_S = 30 * 86_400

# What a source on a cron schedule waits for after its first failure, at most.
CRON_BACKOFF_S = 60.0

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, ("", *_MONTHS.split(" "))),
    ("day_of_week", 0, 7, (*_DAYS, "sun")),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either an interval or, by its fields, a cron expression in local time."""

    text: str
    interval_s: int | None = None
    cron: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, value: object) -> Schedule:
        """Return the schedule; raise ``ValueError`` with the rule that is broken."""
        text = " ".join(value.lower().split()) if isinstance(value, str) else ""
        if text.startswith("every "):
            interval_s = duration_s(text.removeprefix("every "))
            if not MIN_INTERVAL_S <= interval_s <= MAX_INTERVAL_S:
                raise ValueError(f"must be every {MIN_INTERVAL_S}s to 30d")
            return cls(text, interval_s)
        fields = text.split(" ")
        if len(fields) != len(_FIELDS):
            raise ValueError('must be "every 5m" or cron\'s five fields')
        checked = tuple(
            (name, _field(name, field, least, most, names))
            for field, (name, least, most, names) in zip(fields, _FIELDS, strict=True)
        )
        return cls(text, cron=checked)

    @property
    def backoff_s(self) -> float:
        return float(self.interval_s or CRON_BACKOFF_S)


@dataclass(frozen=True, slots=True)
class _Span:
    """``first-last/step`` of one field."""

    first: int
    last: int
    step: int

    def __str__(self) -> str:
        if self.step > self.last - self.first:
            return str(self.first)
        return f"{self.first}-{self.last}" + f"/{self.step}" * (self.step > 1)


def _field(name: str, field: str, least: int, most: int, names: tuple[str, ...]) -> str:
    """Check one field and return it as the scheduler reads it."""
    if field == "*":
        return field
    spans = [_span(name, part, least, most, names) for part in field.split(",")]
    if name != "day_of_week":
        return ",".join(map(str, spans))
    # In cron Sunday is 0 and 7, in the scheduler's own count it is 6: by name.
    days = {
        day for span in spans for day in range(span.first, span.last + 1, span.step)
    }
    return ",".join(dict.fromkeys(names[day] for day in sorted(days)))


def _span(name: str, part: str, least: int, most: int, names: tuple[str, ...]) -> _Span:
    found = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,2}))?", part)
    if found is None or (found[1] == "*" and found[2]) or found[3] in ("0", "00"):
        raise ValueError(f"{name}: {part!r} is not cron")
    # A week of "*" has seven days, though its last has two numbers.
    end = 6 if name == "day_of_week" else most
    if found[1] == "*":
        return _Span(least, end, int(found[3] or 1))
    first = _number(name, found[1], least, most, names)
    if found[2]:
        end = _number(name, found[2], least, most, names)
    elif not found[3]:
        end = first
    if end < first:
        raise ValueError(f"{name}: {part!r} runs backwards")
    return _Span(first, end, int(found[3] or 1))


def _number(name: str, text: str, least: int, most: int, names: tuple[str, ...]) -> int:
    number = int(text) if text.isdecimal() else -1
    if text in names and text:
        number = names.index(text)
    if not least <= number <= most:
        raise ValueError(f"{name}: {text!r} is not {least} to {most}")
    return number
