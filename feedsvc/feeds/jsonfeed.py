"""JSON Feed 1.1."""

from __future__ import annotations

import json
from typing import Any

from feedsvc.feeds.entry import Entry, Feed, rfc3339

VERSION = "https://jsonfeed.org/version/1.1"

# Fields that the format has under the same name, and where it means the same.
_SAME = ("url", "external_url", "authors", "tags", "language")
_ATTACHMENT = ("url", "mime_type", "title", "size_in_bytes", "duration_in_seconds")
_TOLD = {"date", "title", "content_html", "content_text", "summary", "attachments"}
_TOLD |= {"art", "source", "date_raw", "date_published", "date_modified", *_SAME}


def render(feed: Feed) -> bytes:
    """Return the document."""
    document = {
        "version": VERSION,
        "title": feed.channel,
        **({"home_page_url": feed.home} if feed.home else {}),
        "feed_url": feed.url,
        **({"hubs": [{"type": "WebSub", "url": feed.hub}]} if feed.hub else {}),
        "items": [_item(entry) for entry in feed.entries],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _item(entry: Entry) -> dict[str, Any]:
    fields = entry.fields
    item = {
        "id": entry.uuid.urn,
        "title": entry.title,
        "summary": entry.summary,
        "image": fields.get("art"),
        "date_published": rfc3339(entry.published_at),
        "date_modified": fields.get("date_modified"),
        "attachments": [
            {name: one[name] for name in _ATTACHMENT if name in one}
            for one in entry.attachments
        ],
        **{name: fields[name] for name in _SAME if name in fields},
        # One of the two has to be there.
        **(
            {"content_text": entry.text or entry.summary or entry.headline}
            if entry.html is None
            else {"content_html": entry.html}
        ),
        # What the format has no name for, under the one that it leaves to us.
        "_feedsvc": {name: fields[name] for name in fields if name not in _TOLD},
    }
    return {name: value for name, value in item.items() if value not in (None, [])}
