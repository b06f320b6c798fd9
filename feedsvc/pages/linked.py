"""A page's items as schema.org describes them: JSON-LD for search engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from feedsvc.feeds import Entry
from feedsvc.pages.html import safe_url

Node = dict[str, Any]

_STATUS = {
    "scheduled": "EventScheduled",
    "cancelled": "EventCancelled",
    "postponed": "EventPostponed",
    "rescheduled": "EventRescheduled",
    "moved_online": "EventMovedOnline",
}
_AVAILABILITY = {
    *("BackOrder", "Discontinued", "InStock", "InStoreOnly", "LimitedAvailability"),
    *("OnlineOnly", "OutOfStock", "PreOrder", "PreSale", "SoldOut"),
}


def linked_data(entries: Sequence[Entry], channel: str, url: str) -> Node:
    """Return one document: what is told as a live blog, and each event by itself."""
    told = [one for one in entries if not one.is_event]
    events = [_event(one) for one in entries if one.is_event]
    blog = [_blog(told, channel, url)] if told else []
    return {"@context": "https://schema.org", "@graph": [*blog, *events]}


def _blog(entries: Sequence[Entry], channel: str, url: str) -> Node:
    newest = entries[0]
    began_at = min(one.published_at for one in entries)
    return _known(
        {
            "@type": "LiveBlogPosting",
            "@id": url,
            "url": url,
            "headline": channel,
            "description": newest.headline,
            "datePublished": _iso(began_at),
            "dateModified": _iso(max(one.updated_at for one in entries)),
            "coverageStartTime": _iso(began_at),
            "author": {"@type": "Organization", "name": channel},
            "image": next((image for one in entries if (image := _image(one))), None),
            "liveBlogUpdate": [_update(one) for one in entries],
        }
    )


def _update(entry: Entry) -> Node:
    return _known(
        {
            "@type": "BlogPosting",
            "@id": entry.uuid.urn,
            "headline": entry.headline,
            "articleBody": _body(entry),
            "datePublished": _iso(entry.published_at),
            "dateModified": _iso(entry.updated_at),
            "url": safe_url(entry.url),
            "inLanguage": entry.fields.get("language"),
            "keywords": ", ".join(entry.tags),
            "author": [_named("Person", one) for one in entry.authors],
            "image": _image(entry),
        }
    )


def _body(entry: Entry) -> str:
    """Return what it says; of what its author warns of the warning only."""
    told = None if entry.is_sensitive else entry.text
    return told or entry.fields.get("summary") or entry.headline


def _event(entry: Entry) -> Node:
    fields = entry.fields
    status = fields.get("status", "scheduled")
    performers = [
        _named("PerformingGroup", one) for one in fields.get("performers", ())
    ]
    previous = entry.instant("previous_starts_at")
    return _known(
        {
            "@type": "MusicEvent" if performers else "Event",
            "@id": entry.uuid.urn,
            "name": entry.headline,
            "description": entry.text or fields.get("summary"),
            "url": safe_url(entry.url),
            "image": _image(entry),
            "startDate": _local(entry, "starts_at"),
            "endDate": _local(entry, "ends_at"),
            "doorTime": _local(entry, "doors_at"),
            "previousStartDate": _local(entry, "previous_starts_at")
            if previous is not None and status == "rescheduled"
            else None,
            "eventStatus": f"https://schema.org/{_STATUS[status]}",
            "eventAttendanceMode": _mode(status),
            "location": _location(entry, status),
            "performer": performers,
            "offers": [_offer(one) for one in fields.get("offers", ())],
        }
    )


def _mode(status: str) -> str:
    kind = "Online" if status == "moved_online" else "Offline"
    return f"https://schema.org/{kind}EventAttendanceMode"


def _location(entry: Entry, status: str) -> Node | None:
    venue: Mapping[str, Any] = entry.fields.get("venue", {})
    if status == "moved_online":
        url = safe_url(entry.url) or safe_url(venue.get("url"))
        return {"@type": "VirtualLocation", "url": url} if url else None
    if not venue:
        return None
    has_geo = "lat" in venue and "lon" in venue
    return _known(
        {
            "@type": "Place",
            "name": venue.get("name") or entry.place,
            "url": safe_url(venue.get("url")),
            # Search engines want one; the place in words will do.
            "address": _address(venue) or entry.place,
            "geo": {
                "@type": "GeoCoordinates",
                "latitude": venue["lat"],
                "longitude": venue["lon"],
            }
            if has_geo
            else None,
        }
    )


def _address(venue: Mapping[str, Any]) -> Node | None:
    address = _known(
        {
            "streetAddress": venue.get("street"),
            "addressLocality": venue.get("city"),
            "addressRegion": venue.get("region"),
            "addressCountry": venue.get("country"),
        }
    )
    return {"@type": "PostalAddress", **address} if address else None


def _offer(offer: Mapping[str, Any]) -> Node:
    told = str(offer.get("availability", "")).rpartition("/")[2]
    known = f"https://schema.org/{told}" if told in _AVAILABILITY else None
    return _known(
        {
            "@type": "Offer",
            "name": offer.get("name"),
            "url": safe_url(offer.get("url")),
            "price": offer.get("price"),
            "priceCurrency": offer.get("currency"),
            "availability": known,
        }
    )


def _named(kind: str, someone: Mapping[str, Any]) -> Node:
    url = safe_url(someone.get("url"))
    return _known({"@type": kind, "name": someone["name"], "url": url})


def _image(entry: Entry) -> str | None:
    """Return the first picture of the item, or the cover of a track."""
    if entry.is_sensitive:
        return None
    pictures = (
        safe_url(one["url"])
        for one in entry.attachments
        if one["mime_type"].startswith("image/")
    )
    return next((url for url in pictures if url), None) or safe_url(
        entry.fields.get("art")
    )


def _local(entry: Entry, name: str) -> str | None:
    """Return the instant with its place's offset, or the day if no time is known."""
    at = entry.instant(name)
    if at is None:
        return None
    local = entry.local(at)
    return _iso(local) if entry.has_time else str(local.date())


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _known(node: Node) -> Node:
    """Return the node without what it does not know."""
    return {key: value for key, value in node.items() if value not in (None, "", [])}
