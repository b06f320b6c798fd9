"""What a mapping may say of an item, and how it becomes the fields of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from feedsvc.core.item import ItemType
from ingest import dates, identity, localtime, trim
from ingest.localtime import Moment
from ingest.shape import number, text
from ingest.sources.base import SHOWN, OptionFaults, RawCandidate
from ingest.sources.json_path import Expression, expression
from ingest.text import title_of

Mapped = Mapping[str, Expression]

# What each type of item has to be told; of two names one.
_NEEDED: Mapping[ItemType, tuple[tuple[str, ...], ...]] = {
    ItemType.POST: (("content_text", "content_html", "title"),),
    ItemType.ARTICLE: (("title",),),
    ItemType.EVENT: (("title",), ("starts_at",)),
    ItemType.TRACK: (("title",), ("artist",)),
    ItemType.EPISODE: (("title",), ("audio",)),
}
_TEXTS = ("content_text", "content_html", "language", "isrc")
_TITLES = ("title", "summary", "artist", "album")
_LINKS = ("url", "external_url", "art", "repost_of", "in_reply_to")
_VENUE = ("street", "city", "region", "country", "lat", "lon")
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("id", "removed", "date", "date_modified", "tags", "sensitive"),
    (*_TEXTS, *_TITLES, *_LINKS),
    ("author", "author_url", "author_avatar", "image", "image_alt"),
    ("audio", "audio_type", "duration", "started_at"),
    ("starts_at", "ends_at", "doors_at", "previous_starts_at", "all_day", "timezone"),
    ("status", "venue", "venue_url", *_VENUE, "performers"),
    ("price", "currency", "tickets_url"),
)
NAMES = frozenset(name for group in _GROUPS for name in group)

# In this order: "rescheduled" has nothing of the others in it.
_STATUS = (
    ("cancel", "cancelled"),
    ("resched", "rescheduled"),
    ("postpone", "postponed"),
    ("online", "moved_online"),
)
_NO = frozenset({"", "0", "false", "no", "off", "none", "null"})
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d)(?:\.\d+)?")
# A number below this is seconds since 1970, above it milliseconds.
_YEARS_3000_S = 1e11


def fields_option(value: object) -> Mapped:
    """Return the places of an item's fields; raise ``OptionFaults`` with all rules."""
    if not isinstance(value, dict) or not value:
        raise TypeError("must be a table, [source.fields]")
    found: dict[str, Expression] = {}
    faults: dict[str, str] = {}
    for name, place in value.items():
        try:
            found[name] = expression(place)
        except ValueError as error:
            faults[name] = str(error)
        if name not in NAMES:
            faults[name] = f"must be one of {', '.join(sorted(NAMES))}"
    if faults:
        raise OptionFaults(faults)
    return found


def missing(kind: ItemType, mapped: Mapped) -> str | None:
    """Return the rule that a mapping breaks which lacks what its type needs."""
    for names in _NEEDED[kind]:
        if not mapped.keys() & set(names):
            return f"must have {' or '.join(names)}, for items of type {kind.value}"
    return None


class Reader:
    """Reads items by a mapping, those of one answer with keys of their own."""

    def __init__(
        self, kind: ItemType, mapped: Mapped, zone: ZoneInfo, now: datetime, base: str
    ) -> None:
        self._kind = kind
        self._mapped = mapped
        self._zone = zone
        self._now = now
        self._base = base
        self._keys = identity.Keys()

    def removed(self, item: object) -> str | None:
        """Return the key of an item that says it was removed."""
        is_removed = self._flag(item, "removed")
        return self._text(item, "id") or None if is_removed else None

    def read(self, item: object) -> RawCandidate:
        """Return the item; raise ``ValueError`` with what it lacks."""
        fields = trim.fit(self._fields(item), self._base)
        for names in _NEEDED[self._kind]:
            # What an episode's audio is mapped to becomes an attachment.
            if not fields.keys() & ({*names} - {"audio"} or {"attachments"}):
                raise ValueError(f"has no {' or '.join(names)}")
        if not fields.keys() & SHOWN:
            raise ValueError("has nothing to show")
        words = [str(fields.get(name, "")) for name in _SAID]
        key = self._keys.take(
            self._text(item, "id"), fields.get("url"), identity.digest(*words)
        )
        return RawCandidate(
            source_id=key,
            fields=fields,
            alt_id=identity.moved_key(key),
            artist=next((one["name"] for one in fields.get("authors", ())), ""),
            is_reply="in_reply_to" in fields,
        )

    def _fields(self, item: object) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "type": self._kind.value,
            **{name: self._text(item, name) for name in _TEXTS},
            **{name: self._title(item, name) for name in _TITLES},
            **{name: self._text(item, name) for name in _LINKS},
            "tags": [text(one) for one in self._all(item, "tags")],
            "authors": self._authors(item),
            "attachments": self._attachments(item),
            "sensitive": self._flag(item, "sensitive") or None,
            **self._dates(item),
        }
        if self._kind is ItemType.EVENT:
            fields |= self._event(item)
        if self._kind is ItemType.TRACK:
            started = self._moment(item, "started_at")
            fields["started_at"] = started.at if started else None
            fields["duration"] = _seconds(self._first(item, "duration"))
        return fields

    def _dates(self, item: object) -> dict[str, Any]:
        # A track is dated by when it was played, if by nothing else.
        names = ("date", "started_at") if self._kind is ItemType.TRACK else ("date",)
        name = next((one for one in names if one in self._mapped), "date")
        raw, at = self._text(item, name), self._moment(item, name)
        modified = self._moment(item, "date_modified")
        fields = dates.published(at.at if at else None, raw or None, self._now)
        if modified and at and modified.at > at.at and "date_published" in fields:
            fields["date_modified"] = modified.at
        return fields

    def _event(self, item: object) -> dict[str, Any]:
        starts, ends = self._moment(item, "starts_at"), self._moment(item, "ends_at")
        if starts is None:
            return {}
        fields = localtime.span(starts, ends)
        for name in ("doors_at", "previous_starts_at"):
            moment = self._moment(item, name)
            fields[name] = moment.at if moment else None
        if self._flag(item, "all_day"):
            fields["all_day"] = True
        zone = self._text(item, "timezone")
        performers = map(text, self._all(item, "performers"))
        return {
            **fields,
            "timezone": zone or fields["timezone"],
            "status": _status(self._text(item, "status")),
            "venue": {
                "name": self._text(item, "venue"),
                "url": self._text(item, "venue_url"),
                **{name: self._text(item, name) for name in _VENUE},
            },
            "performers": [{"name": name} for name in performers if name],
            "offers": self._offers(item),
        }

    def _offers(self, item: object) -> list[dict[str, Any]]:
        offer = {
            "price": self._first(item, "price"),
            "currency": self._text(item, "currency"),
            "url": self._text(item, "tickets_url"),
        }
        return [offer] if offer["url"] or offer["price"] is not None else []

    def _authors(self, item: object) -> list[dict[str, str]]:
        columns = [
            map(text, self._all(item, name))
            for name in ("author", "author_url", "author_avatar")
        ]
        rows = zip_longest(*columns, fillvalue="")
        return [{"name": name, "url": url, "avatar": av} for name, url, av in rows]

    def _attachments(self, item: object) -> list[dict[str, Any]]:
        sound = [
            {
                "url": text(url),
                "mime_type": self._text(item, "audio_type"),
                "otherwise": "audio/mpeg",
                "duration_in_seconds": _seconds(self._first(item, "duration")),
            }
            for url in self._all(item, "audio")
        ]
        alt = self._text(item, "image_alt")
        return [
            *sound,
            *(
                {"url": text(url), "otherwise": "image/jpeg", "alt": alt}
                for url in self._all(item, "image")
            ),
        ]

    def _moment(self, item: object, name: str) -> Moment | None:
        return read_moment(self._first(item, name), self._zone)

    def _flag(self, item: object, name: str) -> bool:
        value = self._first(item, name)
        return text(value).lower() not in _NO or value is True

    def _title(self, item: object, name: str) -> str:
        return title_of(self._text(item, name), is_html=True)

    def _text(self, item: object, name: str) -> str:
        return text(self._first(item, name))

    def _first(self, item: object, name: str) -> object:
        return next(iter(self._all(item, name)), None)

    def _all(self, item: object, name: str) -> list[object]:
        place = self._mapped.get(name)
        return place.values(item) if place else []


# What an item without an id and a link is known by.
_SAID = ("title", "artist", "content_text", "content_html", "starts_at", "started_at")


def read_moment(value: object, zone: ZoneInfo) -> Moment | None:
    """Return what a date means: a text of a known form, or seconds or ms since 1970."""
    is_digits = isinstance(value, str) and re.fullmatch(r"-?\d{9,13}(\.\d+)?", value)
    if isinstance(value, str) and not is_digits:
        return localtime.read_moment(value, zone)
    epoch = number(value)
    if epoch is None:
        return None
    try:
        seconds = epoch if abs(epoch) < _YEARS_3000_S else epoch / 1_000
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Moment(at, at, zone.key)


def _status(written: str) -> str:
    """Return schema.org's word for what the source says, in whatever spelling."""
    low = written.lower()
    return next((word for part, word in _STATUS if part in low), "scheduled")


def _seconds(value: object) -> float | None:
    """Return the length of 227, ``"227"``, ``"3:47"``, ``"1:03:47"``, ``"PT3M47S"``."""
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return hours * 3_600 + minutes * 60 + seconds
    length = localtime.read_length(value)
    seconds_of = length.total_seconds() if length else number(value)
    return seconds_of if seconds_of and 0 < seconds_of <= 1e6 else None
