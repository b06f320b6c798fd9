"""Whatever stands where in a document: a batch, or an error that names the reason."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedsvc.errors import SourceError
from ingest.sources.base import Source
from ingest.sources.feed import FeedSource
from ingest.sources.ical import CalendarSource
from ingest.sources.mastodon import MastodonSource
from tests.ingest.reading import offers, parse

FEED = FeedSource("feed", "http://radio.example/feed")
POSTS = MastodonSource("posts", "http://radio.example", acct="radio")
EVENTS = CalendarSource("events", "http://radio.example/cal")

ODD_TEXTS = st.sampled_from(
    [
        *("", " ", "http://[", "http://a:b/", "//", "javascript:x", "\x00", "\ud800"),
        *("&#0;", "<b>", "]]>", "2026-99-99", "1e999", "-1", "9" * 400, "http://x/ a"),
    ]
)
LINES = """
DTSTART DTEND DURATION RRULE EXDATE RDATE UID SUMMARY STATUS GEO URL RECURRENCE-ID
SEQUENCE CREATED ATTACH CATEGORIES LOCATION
"""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD_TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "url", "id"]), inner, max_size=3)
    ),
    max_leaves=5,
)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names.split()), VALUES, max_size=8)


def survives(source: Source, body: str | bytes) -> None:
    """Parse and check: what is taken must be fit to be stored."""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    try:
        batch = parse(source, body)
    except SourceError:
        return
    assert len(offers(source, batch)) == len(batch.candidates)


@FEW
@given(
    objects("id url title content_html content_text summary image attachments tags")
    | objects("authors author date_published date_modified language external_url id")
)
def test_any_item_of_a_json_feed(item: dict[str, Any]) -> None:
    """Of any shape, with any values."""
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [item]}

    survives(FEED, json.dumps(feed))


@FEW
@given(
    objects("id uri url content account created_at edited_at spoiler_text sensitive")
    | objects("media_attachments tags reblog card language visibility id content")
)
def test_any_post_of_mastodon(post: dict[str, Any]) -> None:
    """Of any shape, with any values."""
    survives(POSTS, json.dumps([post]))


@FEW
@given(st.lists(ODD_TEXTS | st.text(), min_size=6, max_size=6))
def test_any_text_in_the_places_of_an_rss_item(texts: list[str]) -> None:
    """Well-formed or not."""
    title, link, guid, date, author, url = (
        escape(text, {'"': "&quot;"}) for text in texts
    )

    survives(
        FEED,
        f"<rss><channel><item><title>{title}</title><link>{link}</link>"
        f"<guid>{guid}</guid><pubDate>{date}</pubDate><author>{author}</author>"
        f'<enclosure url="{url}" length="{title}" type="{link}"/>'
        "</item></channel></rss>",
    )


@FEW
@given(
    st.lists(
        st.tuples(
            st.sampled_from(LINES.split()),
            ODD_TEXTS
            | st.sampled_from(["20261201T100000Z", "20261201", "FREQ=DAILY", "P1D"]),
        ),
        max_size=8,
    )
)
def test_any_lines_of_an_event(lines: list[tuple[str, str]]) -> None:
    """In any order, any number of times."""
    event = "\r\n".join(f"{name}:{value}" for name, value in lines)

    survives(
        EVENTS,
        f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20261201T100000Z\r\n{event}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n",
    )


@pytest.mark.parametrize("source", [FEED, POSTS, EVENTS], ids=lambda one: one.kind)
@FEW
@given(st.binary(max_size=300))
def test_any_bytes(source: Source, body: bytes) -> None:
    """From a server that broke, or a person who tries."""
    survives(source, body)
