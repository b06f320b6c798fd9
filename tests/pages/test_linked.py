"""JSON-LD: what search engines are told of items."""

from __future__ import annotations

from typing import Any

import pytest

from feedsvc.pages.linked import linked_data
from tests.pages.test_articles import EVENT, TRACK, entry

URL = "https://live.example/embed/radio"


def nodes(*items: dict[str, Any]) -> list[dict[str, Any]]:
    data = linked_data([entry(**item) for item in items], "radio", URL)
    assert data["@context"] == "https://schema.org"
    return list(data["@graph"])


def test_what_is_told_is_a_live_blog_with_its_updates() -> None:
    """Posts, articles, tracks and episodes; the newest is on top."""
    picture = {"url": "https://h/a.png", "mime_type": "image/png"}
    [blog] = nodes(
        {"content_text": "On air.", "date": "2026-11-24T12:30:00Z", "rev": 2},
        {"type": "article", "title": "Ferries", "attachments": [picture]},
        {**TRACK, "authors": [{"name": "Ada", "url": "https://h/ada"}]},
    )

    assert blog["@type"] == "LiveBlogPosting"
    assert (blog["url"], blog["headline"]) == (URL, "radio")
    assert blog["coverageStartTime"] == "2026-11-24T12:00:00+00:00"
    assert blog["dateModified"] == "2026-11-24T12:30:00+00:00"
    assert blog["image"] == "https://h/a.png"
    updates = blog["liveBlogUpdate"]
    assert [one["headline"] for one in updates] == [
        "On air.",
        "Ferries",
        "Tide – Kettle",
    ]
    assert {one["@type"] for one in updates} == {"BlogPosting"}
    assert updates[2]["author"] == [
        {"@type": "Person", "name": "Ada", "url": "https://h/ada"}
    ]


def test_an_event_stands_by_itself() -> None:
    """With its place's own time, and no live blog if there is nothing else."""
    [event] = nodes(
        {
            **EVENT,
            "ends_at": "2026-12-05T22:00:00Z",
            "doors_at": "2026-12-05T18:00:00Z",
            "performers": [{"name": "Tide"}],
            "venue": {
                "name": "Harbour Hall",
                "street": "Quay 1",
                "city": "Hamburg",
                "country": "DE",
                "lat": 53.54,
                "lon": 9.98,
            },
            "offers": [
                {
                    "url": "https://tickets.example/1",
                    "price": 12.5,
                    "currency": "EUR",
                    "availability": "https://schema.org/SoldOut",
                }
            ],
        }
    )

    assert event["@type"] == "MusicEvent"
    assert event["startDate"] == "2026-12-05T20:00:00+01:00"
    assert event["endDate"] == "2026-12-05T23:00:00+01:00"
    assert event["doorTime"] == "2026-12-05T19:00:00+01:00"
    assert event["eventStatus"] == "https://schema.org/EventScheduled"
    assert event["location"] == {
        "@type": "Place",
        "name": "Harbour Hall",
        "address": {
            "@type": "PostalAddress",
            "streetAddress": "Quay 1",
            "addressLocality": "Hamburg",
            "addressCountry": "DE",
        },
        "geo": {"@type": "GeoCoordinates", "latitude": 53.54, "longitude": 9.98},
    }
    assert event["performer"] == [{"@type": "PerformingGroup", "name": "Tide"}]
    assert event["offers"] == [
        {
            "@type": "Offer",
            "url": "https://tickets.example/1",
            "price": 12.5,
            "priceCurrency": "EUR",
            "availability": "https://schema.org/SoldOut",
        }
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("scheduled", "EventScheduled"),
        ("cancelled", "EventCancelled"),
        ("postponed", "EventPostponed"),
        ("rescheduled", "EventRescheduled"),
        ("moved_online", "EventMovedOnline"),
    ],
)
def test_each_status_has_its_name(status: str, told: str) -> None:
    """Only what is rescheduled says when it was to be before."""
    previous = "2026-12-01T19:00:00Z"
    [event] = nodes({**EVENT, "status": status, "previous_starts_at": previous})

    assert event["eventStatus"] == f"https://schema.org/{told}"
    assert ("previousStartDate" in event) == (status == "rescheduled")


def test_what_moved_online_is_where_its_page_is() -> None:
    """Whatever venue it had."""
    online = {"status": "moved_online", "url": "https://radio.example/tide"}
    [event] = nodes({**EVENT, **online, "venue": {"name": "Harbour Hall"}})

    assert event["location"] == {"@type": "VirtualLocation", "url": online["url"]}
    assert event["eventAttendanceMode"].endswith("/OnlineEventAttendanceMode")


@pytest.mark.parametrize("flag", ["all_day", "time_tba"])
def test_a_day_is_told_where_no_time_is_known(flag: str) -> None:
    """The day of the place: in Berlin it is the sixth already."""
    [event] = nodes({**EVENT, "starts_at": "2026-12-05T23:30:00Z", flag: True})

    assert event["startDate"] == "2026-12-06"
    assert event["@type"] == "Event"


def test_a_place_has_an_address_in_words_at_least() -> None:
    """Search engines leave out an event whose place has none."""
    [event] = nodes({**EVENT, "venue": {"name": "Harbour Hall"}})

    assert event["location"] == {
        "@type": "Place",
        "name": "Harbour Hall",
        "address": "Harbour Hall",
    }


def test_what_is_warned_of_is_not_told() -> None:
    """Neither its text nor its picture: search engines ask nobody first."""
    picture = {"url": "https://h/a.png", "mime_type": "image/png"}
    told = {"summary": "Spoiler", "content_text": "He did.", "attachments": [picture]}

    [blog] = nodes({**told, "sensitive": True})

    [update] = blog["liveBlogUpdate"]
    assert (update["headline"], update["articleBody"]) == ("Spoiler", "Spoiler")
    assert "image" not in blog
    assert "image" not in update


def test_nothing_has_no_nodes() -> None:
    """A page without items needs no JSON-LD."""
    assert nodes() == []
