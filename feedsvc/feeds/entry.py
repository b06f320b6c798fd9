"""What every format says of an item, from the item's wire JSON."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

MAX_HEADLINE = 100
UNKNOWN_TYPE = "application/octet-stream"

# Of a feed without items: it has to name an instant, and no other one is stable.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

# XML 1.0, section 2.2: characters that no document may hold, escaped or not.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# What an address may hold, RFC 3986, section 2; quoting leaves ``%`` as it is.
_IN_URIS = "%:/?#[]@!$&'()*+,;="
# A line of a calendar must end nowhere but where we end it, whoever splits it.
_BREAK = re.compile(r"\r\n?|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item; ``fields`` are those of the wire, their texts fit for any format."""

    fields: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the entry of an item that is encoded already."""
        return cls(_clean(json.loads(text)))

    @property
    def uuid(self) -> uuid.UUID:
        """Identify the item wherever it is read, under any host name of the service."""
        name = f"feedsvc {self.fields['channel']} {self.fields['id']}"
        return uuid.uuid5(uuid.NAMESPACE_URL, name)

    @property
    def type(self) -> str:
        return str(self.fields["type"])

    @property
    def title(self) -> str | None:
        """The title; of a track with its artist, since formats have no field for one.

        None if the item has none, as posts do.
        """
        title: str | None = self.fields.get("title")
        if title and self.type == "track":
            return f"{self.fields['artist']} – {title}"
        return title

    @property
    def headline(self) -> str:
        """The title, or in its place the beginning of the text.

        Of what its author warns of the warning, not the text that it stands before.
        """
        warning = self.fields.get("summary") if self.is_sensitive else None
        text = self.title or warning or self.text or self.summary or self.type
        line = " ".join(text.split())
        is_short = len(line) <= MAX_HEADLINE or self.title
        return line if is_short else f"{line[: MAX_HEADLINE - 1]}…"

    @property
    def html(self) -> str | None:
        """The content as HTML, which was sanitised when the item came in."""
        return self.fields.get("content_html")

    @property
    def text(self) -> str | None:
        return self.fields.get("content_text")

    @property
    def summary(self) -> str | None:
        """The summary; of an event without one, when and where it is."""
        found: str | None = self.fields.get("summary")
        return self._when_and_where() if found is None and self.is_event else found

    @property
    def is_sensitive(self) -> bool:
        """True if readers are to be asked before they see it."""
        return bool(self.fields.get("sensitive"))

    @property
    def url(self) -> str | None:
        found = self.fields.get("url") or self.fields.get("external_url")
        return uri(str(found)) if found else None

    @property
    def published_at(self) -> datetime:
        return self.instant("date_published") or self._date

    @property
    def updated_at(self) -> datetime:
        return self.instant("date_modified") or self._date

    @property
    def authors(self) -> Sequence[Mapping[str, Any]]:
        return [_with_uri(one) for one in self.fields.get("authors", ())]

    @property
    def tags(self) -> Sequence[str]:
        found: Sequence[str] = self.fields.get("tags", ())
        return found

    @property
    def attachments(self) -> list[dict[str, Any]]:
        """The attachments, each with a type, as all formats demand."""
        found = self.fields.get("attachments", ())
        return [{"mime_type": UNKNOWN_TYPE, **_with_uri(one)} for one in found]

    @property
    def is_event(self) -> bool:
        return self.type == "event"

    @property
    def place(self) -> str:
        """Where an event is, on one line."""
        venue: Mapping[str, Any] = self.fields.get("venue", {})
        words = ("name", "street", "city", "region", "country")
        return ", ".join(str(venue[word]) for word in words if word in venue)

    def instant(self, name: str) -> datetime | None:
        """Return the instant of a field; None if the item has none."""
        text = self.fields.get(name)
        return datetime.fromisoformat(text) if text else None

    def local(self, at: datetime) -> datetime:
        """Return the instant in the event's zone, in UTC if that is not a zone."""
        try:
            return at.astimezone(ZoneInfo(self.fields.get("timezone", "UTC")))
        except (OSError, ValueError, KeyError, OverflowError):
            # Publishers may write what they like, and instants may be near year 1.
            return at.astimezone(UTC)

    @property
    def has_time(self) -> bool:
        """True for an event of which the time of day is known and means something."""
        return not (self.fields.get("all_day") or self.fields.get("time_tba"))

    @property
    def _date(self) -> datetime:
        return datetime.fromisoformat(self.fields["date"])

    def _when_and_where(self) -> str:
        status = self.fields.get("status", "scheduled")
        at = self.local(datetime.fromisoformat(self.fields["starts_at"]))
        when = str(at.date())
        if self.has_time:
            when += f" {at:%H:%M} {at.tzinfo}"
        told = "" if status == "scheduled" else status.replace("_", " ")
        return ", ".join(part for part in (told, when, self.place) if part)


@dataclass(frozen=True, slots=True)
class Feed:
    """The items of a channel and all below it, newest first, and the feed's address.

    ``home`` is the page that shows the same; ``hub`` is who tells of changes.
    """

    channel: str
    url: str
    entries: Sequence[Entry]
    home: str | None = None
    hub: str | None = None

    @property
    def uuid(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"feedsvc {self.channel}")

    @property
    def updated_at(self) -> datetime:
        return max((one.updated_at for one in self.entries), default=_NEVER)


def rfc3339(at: datetime) -> str:
    """Return the instant as Atom and JSON Feed write it."""
    utc = at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uri(address: str) -> str:
    """Return the address in ASCII: RSS and calendars know no other ones."""
    quoted = quote(address, _IN_URIS)
    if quoted == address:
        return address
    host = urlsplit(address).netloc
    try:
        known = host.encode("idna").decode("ascii")
    except UnicodeError:
        return quoted
    return quote(address.replace(host, known, 1), _IN_URIS)


def _with_uri(one: Mapping[str, Any]) -> dict[str, Any]:
    url = one.get("url")
    return {**one, "url": uri(url)} if isinstance(url, str) else dict(one)


def _clean(value: Any) -> Any:
    """Return the JSON value with all its texts fit for XML and for calendars."""
    if isinstance(value, str):
        return _FORBIDDEN.sub("", _BREAK.sub("\n", value))
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    return value
