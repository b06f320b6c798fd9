"""One event of a page, from schema.org's properties to the fields of an item."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ingest import shape
from ingest.localtime import Moment, read_length, read_moment, span
from ingest.sources.schemaorg import Graph, Node, last_part, types
from ingest.text import title_of

MAX_DATES = 50

UNTITLED = "Untitled event"
# The worst news first, for pages that tell several.
_STATUS = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "postponed": "postponed",
    "rescheduled": "rescheduled",
    "movedonline": "moved_online",
    "scheduled": "scheduled",
}
_MARKUP = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_PRICE = re.compile(r"\d{1,9}(?:[.,'\s]\d{3})*(?:[.,]\d{1,2})?(?!\d)")
_CLOCK = re.compile(r"T?(\d{1,2}:\d\d(?::\d\d)?)(?:[+-]\d\d:?\d\d|Z)?")
_OFFSET = re.compile(r"(?:[+-]\d\d:?\d\d|Z)$")


@dataclass(frozen=True, slots=True)
class Event:
    """One date.  ``links`` name it if nothing else has them; ``date`` was its first."""

    links: Sequence[str]
    date: str
    fields: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.fields["title"])


def read_events(
    graph: Graph, node: Node, around: Node | None, default: ZoneInfo
) -> Iterator[Event]:
    """Yield each date of the event; raise ``ValueError`` if it has none to read.

    A part of an event takes place where the whole does, unless it says otherwise.
    """
    status = _status(graph, node)
    before = [
        moment
        for text in graph.texts(node, "previousStartDate")
        if (moment := read_moment(text, default))
    ]
    told = graph.texts(node, "startDate")[:MAX_DATES]
    if not told and status == "postponed":
        # A new date has not been set: it is still known by the old one.
        told = graph.texts(node, "previousStartDate")[-1:]
    if not told:
        raise ValueError("has no startDate")
    shared = _fields(graph, node, around)
    for text in told:
        start = read_moment(text, default)
        if start is None:
            raise ValueError(f"startDate {text[:60]!r} is no date")
        fields = {**shared, **_when(graph, node, start, default, len(told) == 1)}
        fields |= _moved(status, start, before)
        if doors := _doors(graph, node, text, default):
            fields["doors_at"] = doors.at
        first = before[0] if before else start
        yield Event(_links(node), first.at.isoformat(), fields)


def name_of(graph: Graph, node: Node) -> str:
    """Return what a person calls the event."""
    return title_of(graph.text(node, "name", "headline"), is_html=True)


def _when(
    graph: Graph, node: Node, start: Moment, default: ZoneInfo, is_only: bool
) -> dict[str, Any]:
    end = read_moment(graph.text(node, "endDate"), default) if is_only else None
    length = read_length(graph.text(node, "duration"))
    if end is None and length and not start.is_day:
        try:
            until = start.at + length
        except OverflowError:
            return span(start, None)
        end = Moment(until, until, start.timezone)
    return span(start, end)


def _moved(status: str, start: Moment, before: Sequence[Moment]) -> dict[str, Any]:
    dates = [moment.at for moment in before if moment.at != start.at]
    if not dates:
        return {"status": status}
    status = "rescheduled" if status == "scheduled" else status
    return {"status": status, "previous_starts_at": max(dates)}


def _status(graph: Graph, node: Node) -> str:
    told = {
        last_part(text).lower().removeprefix("event")
        for text in graph.texts(node, "eventStatus")
    }
    return next((ours for word, ours in _STATUS.items() if word in told), "scheduled")


def _doors(graph: Graph, node: Node, start: str, default: ZoneInfo) -> Moment | None:
    """Return when the doors open; a time alone is of the day of the start."""
    told = graph.text(node, "doorTime")
    clock = _CLOCK.fullmatch(told)
    if clock:
        offset = _OFFSET.search(told) or _OFFSET.search(start)
        told = f"{start[:10]} {clock[1]}{offset[0] if offset else ''}"
    moment = read_moment(told, default)
    return None if moment is None or moment.is_day else moment


def _fields(graph: Graph, node: Node, around: Node | None) -> dict[str, Any]:
    performers = [
        {
            "name": html.unescape(graph.text(one, "name")),
            "url": graph.text(one, "url", "sameAs"),
        }
        for one in graph.inner(node, "performer", "performers")
    ]
    named = [one["name"] for one in performers if one["name"]]
    description = graph.text(node, "description")
    is_markup = _MARKUP.search(description)
    keywords = graph.texts(node, "keywords")
    return {
        "type": "event",
        "title": name_of(graph, node) or next(iter(named), UNTITLED),
        "url": graph.text(node, "url"),
        "content_html" if is_markup else "content_text": (
            description if is_markup else html.unescape(description)
        ),
        "language": graph.text(node, "inLanguage"),
        "venue": _venue(graph, node) or (_venue(graph, around) if around else {}),
        "performers": performers,
        "tags": [word for text in keywords for word in text.split(",")],
        "attachments": list(_images(graph, node))[:1],
        "offers": list(_offers(graph, node)),
    }


def _links(node: Node) -> list[str]:
    told = (shape.text(node.get(name)) for name in ("url", "@id"))
    return [link for link in told if link and not link.startswith("_:")]


def _venue(graph: Graph, node: Node) -> dict[str, Any]:
    """Return where it takes place; online only if it takes place nowhere else."""
    places = graph.inner(node, "location")
    for place in places:
        if "VirtualLocation" not in types(place) and (found := _place(graph, place)):
            return found
    for place in places:
        name = graph.text(place, "name") or "Online"
        return {"name": name, "url": graph.text(place, "url", "sameAs")}
    return {}


def _place(graph: Graph, place: Node) -> dict[str, Any]:
    addresses = graph.inner(place, "address")
    if "PostalAddress" in types(place):
        addresses = [place]
    address: Node = addresses[0] if addresses else {}
    at = next(iter(graph.inner(place, "geo")), place)
    words = {
        "name": graph.text(place, "name"),
        "street": graph.text(address, "streetAddress")
        # An address may also be one text.
        or ("" if "@type" in address else graph.text(address, "name")),
        "city": graph.text(address, "addressLocality"),
        "region": graph.text(address, "addressRegion"),
        "country": graph.text(address, "addressCountry"),
    }
    known = {name: html.unescape(text) for name, text in words.items() if text}
    if not known:
        return {}
    return {
        **known,
        "lat": graph.text(at, "latitude"),
        "lon": graph.text(at, "longitude"),
        "url": graph.text(place, "url", "sameAs"),
    }


def _images(graph: Graph, node: Node) -> Iterator[dict[str, Any]]:
    for value in graph.values(node, "image"):
        if not isinstance(value, dict):
            yield {"url": shape.text(value), "otherwise": "image/jpeg"}
            continue
        yield {
            "url": graph.text(value, "url", "contentUrl", "@id"),
            "otherwise": "image/jpeg",
            "alt": graph.text(value, "caption"),
            "width": graph.text(value, "width"),
            "height": graph.text(value, "height"),
        }


def _offers(graph: Graph, node: Node) -> Iterator[dict[str, Any]]:
    for one in graph.inner(node, "offers"):
        parts = graph.inner(one, "offers")
        for offer in parts if parts else [one]:
            terms = next(iter(graph.inner(offer, "priceSpecification")), offer)
            price = graph.text(offer, "price", "lowPrice")
            yield {
                "name": html.unescape(graph.text(offer, "name")),
                "url": graph.text(offer, "url"),
                "price": _price(price or graph.text(terms, "price", "minPrice")),
                "currency": graph.text(offer, "priceCurrency")
                or graph.text(terms, "priceCurrency")
                or graph.text(one, "priceCurrency"),
                "availability": last_part(graph.text(offer, "availability")),
            }


def _price(text: str) -> float | None:
    """Return the first amount in the text: 25, 25,00, €1.234,50 or 12.50-15.00."""
    number = shape.number(text)
    found = _PRICE.search(text)
    if number is not None or found is None:
        return number
    digits = re.sub(r"[\s']", "", found[0])
    whole, point, cents = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", digits).groups("")  # type: ignore[union-attr]  # matches any text
    return shape.number(re.sub(r"[.,]", "", whole) + (f".{cents}" if point else ""))
