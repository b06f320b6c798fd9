"""RSS 2.0, with the modules that readers and podcast players know."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any
from xml.etree.ElementTree import Element

from feedsvc.feeds.entry import Entry, Feed, rfc3339
from feedsvc.feeds.markup import content, document, put

NAMESPACES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "xmlns:media": "http://search.yahoo.com/mrss/",
}


def render(feed: Feed) -> bytes:
    """Return the document."""
    root = Element("rss", {"version": "2.0", **NAMESPACES})
    channel = put(root, "channel")
    put(channel, "title", feed.channel)
    # Required, and an address of ours that is sure to lead somewhere.
    put(channel, "link", feed.home or feed.url)
    put(channel, "description", feed.channel)
    if feed.entries:
        put(channel, "lastBuildDate", _rfc822(feed.updated_at))
    put(channel, "atom:link", rel="self", type="application/rss+xml", href=feed.url)
    if feed.hub:
        put(channel, "atom:link", rel="hub", href=feed.hub)
    for entry in feed.entries:
        _add(channel, entry)
    return document(root)


def _add(channel: Element, entry: Entry) -> None:
    item = put(channel, "item")
    put(item, "guid", entry.uuid.urn, isPermaLink="false")
    if entry.title:
        put(item, "title", entry.title)
    if entry.url:
        put(item, "link", entry.url)
    put(item, "pubDate", _rfc822(entry.published_at))
    put(item, "atom:updated", rfc3339(entry.updated_at))
    # RSS's own <author> must be a mail address.
    for author in entry.authors:
        put(item, "dc:creator", author["name"])
    for tag in entry.tags:
        put(item, "category", tag)
    # A description is HTML by custom, a summary is text.
    description = entry.summary or entry.text or entry.headline
    put(item, "description", escape(description, quote=False))
    put(item, "content:encoded", content(entry))
    _add_attachments(item, entry.attachments)


def _add_attachments(item: Element, attachments: list[dict[str, Any]]) -> None:
    """Add what can be played as the enclosure, of which there may be one, else any."""
    ranked = sorted(attachments, key=lambda one: not _is_playable(one["mime_type"]))
    for one in ranked[:1]:
        size = one.get("size_in_bytes", 0)
        put(item, "enclosure", url=one["url"], type=one["mime_type"], length=size)
        if "duration_in_seconds" in one:
            put(item, "itunes:duration", str(round(one["duration_in_seconds"])))
    for one in ranked[1:]:
        media = put(
            item,
            "media:content",
            url=one["url"],
            type=one["mime_type"],
            fileSize=one.get("size_in_bytes"),
            duration=one.get("duration_in_seconds"),
            width=one.get("width"),
            height=one.get("height"),
        )
        if "title" in one:
            put(media, "media:title", one["title"])


def _is_playable(mime_type: str) -> bool:
    return mime_type.startswith(("audio/", "video/"))


def _rfc822(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
