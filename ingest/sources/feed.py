"""Feeds: RSS of all versions, RDF, Atom and podcasts by feedparser; JSON Feed."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.sax import SAXException

import feedparser

from feedsvc.errors import SourceError
from ingest import dates, identity, links, trim
from ingest.exchange import Request, Response
from ingest.sources import jsonfeed
from ingest.sources.base import SHOWN, Batch, RawCandidate, Source, State
from ingest.text import title_of

Entry = Mapping[str, Any]

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json,"
    " application/xml;q=0.9, application/json;q=0.9, text/xml;q=0.8, */*;q=0.1"
)
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
# A byte order mark, then spaces, then a brace: JSON, whatever the header says.
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_MAIL = re.compile(r"[^\s<>()]+@[^\s<>()]+")
_DURATION = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6})(?:\.\d*)?")


class FeedSource(Source):
    """Any feed at a URL; the format is told by the document itself."""

    kind = "feed"

    def request(self, state: State) -> Request:
        return Request(self.url, {"Accept": ACCEPT})

    def parse(self, response: Response, state: State) -> Batch:
        if _JSON_START.match(response.body):
            return jsonfeed.parse(response)
        document = _document(response)
        batch = Batch(poll_after_s=_ttl_s(document.feed))
        keys = identity.Keys()
        for number, entry in enumerate(document.entries, start=1):
            fields = _fields(entry, document, response)
            if fields.keys() & SHOWN:
                batch.candidates.append(_candidate(entry, fields, keys))
            else:
                batch.faults.append(f"entry {number}: has nothing to show")
        return batch


def _document(response: Response) -> Any:
    """Parse the body; what is not well-formed is read as far as it goes."""
    headers = {"content-location": response.url}
    for name in ("content-type", "content-language"):
        if name in response.headers:
            headers[name] = response.headers[name]
    # Never a str: feedparser would take it for the name of a file or a URL.
    document = feedparser.parse(
        BytesIO(response.body), response_headers=headers, sanitize_html=False
    )
    if not document.entries and not document.get("version"):
        raise SourceError(_why_not(document, response))
    return document


def _why_not(document: Any, response: Response) -> str:
    start = response.body[:200].lstrip().lower()
    if not start:
        return "not a feed: the document is empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "not a feed but a web page; look for its feed's address"
    cause = document.get("bozo_exception")
    if isinstance(cause, SAXException):
        return f"not a feed: {cause}"
    return "not a feed of a known format"


def _fields(entry: Entry, document: Any, response: Response) -> dict[str, Any]:
    feed = document.feed
    attachments = list(_attachments(entry))
    is_episode = any(_is_audio(one) for one in attachments)
    title = _title(entry, document.version)
    if is_episode and not title:
        title = links.file_name(attachments[0]["url"])
    fields = {
        "type": "episode" if is_episode else "article" if title else "post",
        "url": _link(entry),
        "title": title,
        **_content(entry),
        "language": _language(entry, feed),
        "authors": _authors(entry) or _authors(feed),
        "attachments": attachments,
        "tags": [tag.get("label") or tag.get("term") or "" for tag in _tags(entry)],
        **_dates(entry, response.fetched_at),
    }
    return trim.fit(fields, response.url)


def _candidate(
    entry: Entry, fields: Mapping[str, Any], keys: identity.Keys
) -> RawCandidate:
    words = [fields.get(name, "") for name in ("title", "content_html", "content_text")]
    enclosures = (
        fields.get("attachments", [])[:1] if fields["type"] == "episode" else []
    )
    source_id = keys.take(
        _stripped(entry.get("id")),
        fields.get("url"),
        *(one["url"] for one in enclosures),
        identity.digest(*words),
    )
    return RawCandidate(
        source_id=source_id,
        fields=fields,
        alt_id=identity.moved_key(source_id),
        artist=next((one["name"] for one in fields.get("authors", ())), ""),
    )


def _link(entry: Entry) -> str | None:
    sources = (part.get("src") for part in entry.get("content", ()))
    return next(filter(None, map(_stripped, (entry.get("link"), *sources))), None)


def _title(entry: Entry, version: str) -> str:
    detail = entry.get("title_detail") or {}
    # Atom says what its titles are.  Of RSS it is a guess, so there it may be HTML.
    is_text = version.startswith("atom") and detail.get("type") == "text/plain"
    value = detail.get("value") or entry.get("title") or entry.get("media_title") or ""
    return title_of(value, is_html=not is_text)


def _content(entry: Entry) -> dict[str, str]:
    """Return the fullest text as content, and a different one as its summary."""
    texts = sorted(filter(_is_readable, entry.get("content", ())), key=_is_plain)
    summary = entry.get("summary_detail") or {}
    if _is_readable(summary):
        texts.append(summary)
    if not texts:
        return {}
    full, short = texts[0], texts[-1]
    name = "content_text" if _is_plain(full) else "content_html"
    if short["value"] == full["value"]:
        return {name: full["value"]}
    return {
        name: full["value"],
        "summary": title_of(short["value"], is_html=not _is_plain(short)),
    }


def _is_readable(part: Entry) -> bool:
    return bool(part.get("value")) and part.get("type") in _TEXT_TYPES


def _is_plain(part: Entry) -> bool:
    return bool(part["type"] == "text/plain")


def _authors(feed_or_entry: Entry) -> list[dict[str, Any]]:
    """Return who wrote it, without mail addresses: those are not ours to spread."""
    written = feed_or_entry.get("author", "")
    if "@" in written:
        # "ada@radio.example (Ada)" and the like, where feedparser guesses wrong.
        return [{"name": _MAIL.sub("", written).strip(" ()<>,")}]
    return [
        {"name": title_of(person["name"], is_html=True), "url": person.get("href")}
        for person in feed_or_entry.get("authors", ())
        if person.get("name")
    ]


def _tags(entry: Entry) -> Iterator[Entry]:
    return (tag for tag in entry.get("tags") or () if tag)


def _language(entry: Entry, feed: Entry) -> str | None:
    parts = [entry.get("title_detail"), *entry.get("content", ()), feed]
    found = ((part or {}).get("language") for part in parts)
    return next(filter(None, map(_stripped, found)), None)


def _attachments(entry: Entry) -> Iterator[dict[str, Any]]:
    """Yield enclosures, then other media, then pictures."""
    seconds = _seconds(entry.get("itunes_duration"))
    for one in entry.get("enclosures", ()):
        if one.get("href"):
            yield {
                "url": one["href"],
                "mime_type": one.get("type"),
                "size_in_bytes": one.get("length"),
                "duration_in_seconds": seconds,
            }
    for one in entry.get("media_content", ()):
        if one.get("url"):
            yield {
                "url": one["url"],
                "mime_type": one.get("type"),
                "otherwise": "image/jpeg" if one.get("medium") == "image" else None,
                "size_in_bytes": one.get("filesize"),
                "duration_in_seconds": one.get("duration"),
                "width": one.get("width"),
                "height": one.get("height"),
            }
    for one in (*entry.get("media_thumbnail", ()), entry.get("image") or {}):
        if one.get("url") or one.get("href"):
            yield {
                "url": one.get("url") or one["href"],
                "otherwise": "image/jpeg",
                "width": one.get("width"),
                "height": one.get("height"),
            }


def _is_audio(attachment: Mapping[str, Any]) -> bool:
    declared = attachment.get("mime_type")
    return links.mime_type(attachment["url"], declared).startswith("audio/")


def _dates(entry: Entry, now: datetime) -> dict[str, Any]:
    found = {
        name: (_instant(entry, name), _stripped(entry.get(name)))
        for name in ("published", "created", "updated")
        # Not by get(), which answers with "published" where "updated" is absent.
        if name in entry
    }
    first = next(((at, raw) for at, raw in found.values() if at), None)
    if first is None:
        return {"date_raw": next((raw for _, raw in found.values()), None)}
    fields = dates.published(*first, now)
    modified = found.get("updated", (None, None))[0]
    if modified and modified > first[0] and "date_published" in fields:
        fields["date_modified"] = modified
    return fields


def _instant(entry: Entry, name: str) -> datetime | None:
    """Return the instant by our own reading, else by feedparser's, which knows more
    forms but takes every zone name that it does not know for UTC."""
    found = dates.read_instant(entry.get(name))
    parsed = entry.get(f"{name}_parsed")
    if found is None and parsed and not str(entry[name]).strip().isdigit():
        try:
            return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
        except (ValueError, OverflowError):
            return None
    return found


def _seconds(text: object) -> int | None:
    """Return the seconds of ``1:02:03``, ``62:03`` or ``3723``."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _ttl_s(feed: Entry) -> int | None:
    minutes = trim.whole(feed.get("ttl"))
    return minutes * 60 if minutes else None


def _stripped(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
