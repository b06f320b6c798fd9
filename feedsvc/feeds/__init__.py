"""A backlog as the documents that other programs read: Atom, RSS, JSON Feed, iCalendar.

Rendering is pure: the same items at the same address are the same bytes, whoever
asks and whenever, so that an ETag of the document means something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feedsvc.core.item import ItemType
from feedsvc.feeds import atom, jsonfeed, rss
from feedsvc.feeds import calendar as ical
from feedsvc.feeds.entry import Entry, Feed

__all__ = ["FORMATS", "Entry", "Feed", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a feed is written; ``only`` is the one type of item that it can hold."""

    mime_type: str
    render: Callable[[Feed], bytes]
    only: ItemType | None = None


# By the ending of a feed's address.
FORMATS: Mapping[str, Format] = {
    "atom": Format("application/atom+xml; charset=UTF-8", atom.render),
    "rss": Format("application/rss+xml; charset=UTF-8", rss.render),
    "json": Format("application/feed+json; charset=UTF-8", jsonfeed.render),
    "ics": Format("text/calendar; charset=UTF-8", ical.render, ItemType.EVENT),
}
