"""JSON Feed 1.0 and 1.1, which feedparser does not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedsvc.errors import BadJSON, SourceError
from feedsvc.schema import parse_json
from ingest import dates, identity, trim
from ingest.exchange import Response
from ingest.sources.base import SHOWN, Batch, RawCandidate

_VERSIONS = ("https://jsonfeed.org/version/", "http://jsonfeed.org/version/")


def parse(response: Response) -> Batch:
    """Return what the feed holds; raise ``SourceError`` if it is no JSON Feed."""
    feed = _feed(response.body)
    batch = Batch()
    keys = identity.Keys()
    for number, item in enumerate(feed["items"], start=1):
        fields = _fields(item, feed, response) if isinstance(item, dict) else {}
        if fields.keys() & SHOWN:
            batch.candidates.append(_candidate(item, fields, keys))
        else:
            batch.faults.append(f"item {number}: has nothing to show")
    return batch


def _feed(body: bytes) -> dict[str, Any]:
    try:
        feed = parse_json(body.removeprefix(b"\xef\xbb\xbf"), "feed")
    except BadJSON as error:
        raise SourceError(f"not a feed: {error.rule}") from error
    if not str(feed.get("version")).startswith(_VERSIONS):
        raise SourceError("not a feed: JSON, but without the version of a JSON Feed")
    if not isinstance(feed.get("items"), list):
        raise SourceError("not a feed: JSON Feed without a list of items")
    return dict(feed)


def _fields(
    item: Mapping[str, Any], feed: Mapping[str, Any], response: Response
) -> dict[str, Any]:
    attachments = _attachments(item)
    is_episode = any(str(one["mime_type"]).startswith("audio/") for one in attachments)
    title = _text(item, "title")
    fields = {
        "type": "episode" if is_episode else "article" if title else "post",
        "url": _text(item, "url"),
        "external_url": _text(item, "external_url"),
        "title": title,
        "content_html": _text(item, "content_html"),
        "content_text": _text(item, "content_text"),
        "summary": _text(item, "summary"),
        "language": _text(item, "language") or _text(feed, "language"),
        "authors": _authors(item) or _authors(feed),
        "attachments": attachments,
        "tags": [tag for tag in _list(item, "tags") if isinstance(tag, str)],
        **_dates(item, response),
    }
    return trim.fit(fields, response.url)


def _candidate(
    item: Mapping[str, Any], fields: Mapping[str, Any], keys: identity.Keys
) -> RawCandidate:
    # The id must be a string, and is a number in many feeds.
    given = item.get("id")
    guid = str(given).strip() if isinstance(given, (str, int, float)) else None
    words = [fields.get(name, "") for name in ("title", "content_html", "content_text")]
    source_id = keys.take(guid, fields.get("url"), identity.digest(*words))
    return RawCandidate(
        source_id=source_id,
        fields=fields,
        alt_id=identity.moved_key(source_id),
        artist=next((one["name"] for one in fields.get("authors", ())), ""),
    )


def _authors(item_or_feed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return ``authors`` of version 1.1, else the one ``author`` of version 1.0."""
    people = _list(item_or_feed, "authors") or [item_or_feed.get("author")]
    return [one for one in people if isinstance(one, dict) and one.get("name")]


def _attachments(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [one for one in _list(item, "attachments") if isinstance(one, dict)]
    pictures = [_text(item, name) for name in ("image", "banner_image")]
    return [
        *({**one, "mime_type": one.get("mime_type")} for one in found),
        *(
            {"url": url, "mime_type": None, "otherwise": "image/jpeg"}
            for url in pictures
            if url
        ),
    ]


def _dates(item: Mapping[str, Any], response: Response) -> dict[str, Any]:
    raw = _text(item, "date_published")
    published = dates.read_instant(raw)
    fields = dates.published(published, raw, response.fetched_at)
    modified = dates.read_instant(item.get("date_modified"))
    if modified and published and modified > published:
        fields["date_modified"] = modified
    return fields


def _text(mapping: Mapping[str, Any], name: str) -> str | None:
    value = mapping.get(name)
    return value if isinstance(value, str) else None


def _list(mapping: Mapping[str, Any], name: str) -> list[Any]:
    value = mapping.get(name)
    return value if isinstance(value, list) else []
