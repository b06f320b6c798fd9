"""Subscription lists of feed readers, as ``[[source]]`` tables to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from feedsvc.errors import SourceError
from ingest import links
from ingest.blocks import block
from ingest.text import one_line, slug

MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed of a list, and the folder that it lies in."""

    title: str
    url: str
    folder: str = ""


def subscriptions(document: bytes) -> list[Subscription]:
    """Return each feed of the list once; raise ``SourceError`` if it is no OPML."""
    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SourceError(f"not OPML: {error}") from error
    if root.tag.lower() != "opml":
        raise SourceError(f"not OPML but <{root.tag}>")
    # The first of several with the same address, in the order of the list.
    found = {one.url: one for one in reversed(list(_outlines(root, "", 0)))}
    if not found:
        raise SourceError("OPML without a single feed")
    return list(reversed(found.values()))


def tables(found: list[Subscription], channel: str, schedule: str) -> str:
    """Return TOML with one source for each feed, below ``channel`` by folder."""
    names: set[str] = set()
    parts = []
    for number, one in enumerate(found, start=1):
        name = slug(one.title)[:48] or f"feed-{number}"
        if name in names:
            name = f"{name}-{number}"
        names.add(name)
        folder = slug(one.folder)
        values = {
            "name": name,
            "type": "feed",
            "url": one.url,
            "channel": f"{channel}.{folder}" if folder else channel,
            "schedule": schedule,
        }
        parts.append(block(values))
    return "\n".join(parts)


def _outlines(element: Element, folder: str, depth: int) -> Iterator[Subscription]:
    for outline in element if depth < MAX_DEPTH else ():
        title = one_line(outline.get("text") or outline.get("title") or "")
        url = links.absolute(outline.get("xmlUrl"))
        if url:
            yield Subscription(title, url, folder)
        inside = title if outline.tag == "outline" and not url else folder
        yield from _outlines(outline, inside, depth + 1)
