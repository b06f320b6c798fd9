"""Channels by template, and what the schema says to each candidate."""

from __future__ import annotations

from typing import Any

import pytest

from feedsvc.errors import BadChannel
from ingest.offers import MAX_FAULTS, Template, read
from ingest.sources.base import RawCandidate
from ingest.sources.feed import FeedSource
from tests.ingest.reading import respond

SOURCE = FeedSource("news", "http://radio.example/feed")


def raw(about: str = "", **fields: Any) -> RawCandidate:
    return RawCandidate("1", {"type": "post", **fields}, artist=about, account="ada_l")


def test_a_template_is_filled_from_the_candidate() -> None:
    """By the artist, the author, the first tag, the place, the type."""
    candidate = raw(
        "Sigur Rós",
        authors=[{"name": "Ada L."}],
        tags=["Live Set"],
        venue={"name": "Große Halle", "city": "Köln"},
    )

    channels = [
        Template.parse(text).channel(candidate).path
        for text in (
            "radio.news",
            "Radio.{artist_slug}.news",
            "radio.{author_slug}.{tag_slug}",
            "radio.{account_slug}",
            "radio.{city_slug}.{venue_slug}",
            "radio.{type}",
        )
    ]

    assert channels == [
        "radio.news",
        "radio.sigur-ros.news",
        "radio.ada-l.live-set",
        "radio.ada-l",
        "radio.koln.grosse-halle",
        "radio.post",
    ]


def test_tracks_and_events_are_about_who_plays() -> None:
    """Not about who entered them."""
    template = Template.parse("radio.{artist_slug}")

    track = template.channel(raw("Station", artist="Ottoline Crane"))
    event = template.channel(raw("Station", performers=[{"name": "Juno Peel"}]))

    assert track.path == "radio.ottoline-crane"
    assert event.path == "radio.juno-peel"


@pytest.mark.parametrize(
    "text", ["radio.{foo}", "radio.{artist_slug", "radio..news", "*.news", "", "{}", 5]
)
def test_what_can_never_be_a_channel_is_refused_at_once(text: object) -> None:
    """Not only when the first candidate comes."""
    with pytest.raises(BadChannel):
        Template.parse(text)


def test_a_candidate_without_what_the_template_needs_is_a_fault() -> None:
    """The others are read."""
    body = (
        "<rss><channel><item><title>a</title><author>Ada</author></item>"
        "<item><title>b</title></item></channel></rss>"
    )

    reading = read(SOURCE, respond(body), {}, Template("radio.{author_slug}"), True)

    assert [offer.channel.path for offer in reading.offers] == ["radio.ada"]
    assert reading.offers[0].backfill
    assert reading.fault_count == 1
    assert "author_slug" in reading.faults[0]


def test_faults_are_counted_all_but_kept_in_part() -> None:
    """Nobody reads a thousand of them."""
    body = f"<rss><channel>{'<item></item>' * 500}</channel></rss>"

    reading = read(SOURCE, respond(body), {}, Template("radio.news"), False)

    assert reading.fault_count == 500
    assert len(reading.faults) == MAX_FAULTS


def test_an_item_is_dated_by_when_it_was_published() -> None:
    """Or not at all: then the store dates it by when it was first seen."""
    dated = "<item><title>a</title><pubDate>Mon, 01 Jun 2026 10:00 GMT</pubDate></item>"
    body = f"<rss><channel>{dated}<item><title>b</title></item></channel></rss>"

    reading = read(SOURCE, respond(body), {}, Template("radio.news"), False)

    dates = [offer.date and f"{offer.date:%m-%d}" for offer in reading.offers]
    assert dates == ["06-01", None]
