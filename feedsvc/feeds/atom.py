"""Atom 1.0, RFC 4287."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from feedsvc.feeds.entry import Entry, Feed, rfc3339
from feedsvc.feeds.markup import document, put

NAMESPACE = "http://www.w3.org/2005/Atom"


def render(feed: Feed) -> bytes:
    """Return the document."""
    root = Element("feed", {"xmlns": NAMESPACE})
    put(root, "id", feed.uuid.urn)
    put(root, "title", feed.channel)
    put(root, "updated", rfc3339(feed.updated_at))
    put(root, "link", rel="self", type="application/atom+xml", href=feed.url)
    if feed.home:
        put(root, "link", rel="alternate", type="text/html", href=feed.home)
    if feed.hub:
        put(root, "link", rel="hub", href=feed.hub)
    # For entries without an author, 4.1.2 wants the feed to have one.
    put(put(root, "author"), "name", feed.channel)
    for entry in feed.entries:
        _add(root, entry)
    return document(root)


def _add(root: Element, entry: Entry) -> None:
    element = put(root, "entry")
    if "language" in entry.fields:
        element.set("xml:lang", entry.fields["language"])
    put(element, "id", entry.uuid.urn)
    put(element, "title", entry.headline)
    put(element, "published", rfc3339(entry.published_at))
    put(element, "updated", rfc3339(entry.updated_at))
    if entry.url:
        put(element, "link", rel="alternate", href=entry.url)
    for author in entry.authors:
        person = put(element, "author")
        put(person, "name", author["name"])
        if "url" in author:
            put(person, "uri", author["url"])
    for tag in entry.tags:
        put(element, "category", term=tag)
    if entry.summary:
        put(element, "summary", entry.summary)
    if entry.html is not None:
        put(element, "content", entry.html, type="html")
    else:
        put(element, "content", entry.text or entry.summary or entry.headline)
    for one in entry.attachments:
        put(
            element,
            "link",
            rel="enclosure",
            href=one["url"],
            type=one["mime_type"],
            length=one.get("size_in_bytes"),
            title=one.get("title"),
        )
