"""Rendering: no text breaks a document, and no date makes it impossible."""

from __future__ import annotations

import html
import json
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.cal import Component

from feedsvc.feeds import FORMATS, Entry, Feed

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def entry(**fields: Any) -> Entry:
    known = {"id": "a", "channel": "radio", "type": "article", "rev": 1}
    item = {**known, "date": "2026-11-24T12:00:00.000Z", **fields}
    return Entry.parse(json.dumps(item))


def rendered(ending: str, *entries: Entry) -> bytes:
    return FORMATS[ending].render(Feed("radio", "http://h/feeds/radio", entries))


def events_of(document: bytes) -> list[Component]:
    return list(Calendar.from_ical(document).walk("VEVENT"))


def inner(root: Element, path: str) -> str:
    found = root.find(path)
    assert found is not None, path
    return found.text or ""


@given(
    title=st.text(min_size=1, max_size=80),
    text=st.text(max_size=300),
    url=st.sampled_from(["http://h/a?b=1&c=2", "https://h/é"]),
)
@settings(max_examples=60, deadline=None)
def test_every_text_survives_every_format(title: str, text: str, url: str) -> None:
    """Up to white space and the characters that the formats forbid."""
    item = {"title": title, "content_text": text, "url": url}
    item |= {"starts_at": "2026-12-05T19:00:00.000Z", "type": "event"}
    one = entry(**item)
    words = one.fields["title"].split()
    said = one.fields["content_text"]

    atom = fromstring(rendered("atom", one))
    rss = fromstring(rendered("rss", one))
    feed = json.loads(rendered("json", one))
    [event] = events_of(rendered("ics", one))

    if words:
        assert inner(atom, "{*}entry/{*}title").split() == words
        assert feed["items"][0]["title"].split() == words
        assert event["SUMMARY"].split() == words
    if said.strip():
        assert inner(atom, "{*}entry/{*}content") == said
        described = html.unescape(inner(rss, "channel/item/description"))
        assert described == one.summary
        assert feed["items"][0]["content_text"] == said
        assert event["DESCRIPTION"] == said


def test_a_line_of_a_calendar_ends_only_where_we_end_it() -> None:
    """Programs differ in what they take for the end of one."""
    text = "a\x85b\u2028c\u2029d\re\x0bf"
    one = entry(
        type="event", title=text, content_text=text, starts_at="2026-12-05T19:00:00Z"
    )

    document = rendered("ics", one).decode()

    assert document.splitlines() == document.split("\r\n")[:-1]


def test_text_in_rss_is_not_taken_for_markup() -> None:
    """Readers show a description as HTML, whatever it was before."""
    root = fromstring(rendered("rss", entry(content_text="<script>&amp;\n\n</p>")))

    written = "&lt;script&gt;&amp;amp;"
    assert inner(root, "channel/item/description").startswith(written)
    content = inner(root, "channel/item/{*}encoded")
    assert content == f"<p>{written}</p><p>&lt;/p&gt;</p>"


def test_items_of_two_stations_with_one_id_are_not_the_same() -> None:
    """A reader keeps the feeds of many services in one list."""
    ours, theirs = entry(), entry(channel="other.news")

    assert ours.uuid != theirs.uuid
    assert ours.uuid == entry(title="Changed", rev=2).uuid


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-12-04T23:00:00Z", "2026-12-05T23:00:00Z", (5, 6)),
        ("2026-12-04T23:00:00Z", "2026-12-06T22:59:59Z", (5, 7)),
        ("2026-12-04T23:00:00Z", None, (5, None)),
        ("2026-12-04T23:00:00Z", "2026-12-04T23:00:00Z", (5, None)),
    ],
)
def test_a_whole_day_is_the_day_in_the_event_s_zone(
    start: str, end: str | None, days: tuple[int, int | None]
) -> None:
    """The end is the day after the last one, however it was told."""
    one = entry(
        type="event",
        title="Market",
        starts_at=start,
        all_day=True,
        timezone="Europe/Berlin",
        **({"ends_at": end} if end else {}),
    )

    [event] = events_of(rendered("ics", one))

    first, after = days
    assert event["DTSTART"].dt == date(2026, 12, first)
    assert ("DTEND" in event) == (after is not None)
    if after is not None:
        assert event["DTEND"].dt == date(2026, 12, after)


@pytest.mark.parametrize("starts_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe", "../x"])
@pytest.mark.parametrize("all_day", [True, False])
def test_instants_at_the_end_of_time_are_rendered(
    starts_at: str, zone: str, all_day: bool
) -> None:
    """Publishers may send them: one such item must not take the feed away."""
    one = entry(
        type="event", title="A", starts_at=starts_at, ends_at="9999-12-31T23:59:59Z",
        date=starts_at, timezone=zone, all_day=all_day,
    )  # fmt: skip

    for ending in FORMATS:
        assert rendered(ending, one)


def test_a_postponed_event_is_not_confirmed() -> None:
    """Nobody should travel to it."""
    one = entry(
        type="event", title="A", starts_at="2026-12-05T19:00:00Z", status="postponed"
    )

    [event] = events_of(rendered("ics", one))

    assert event["STATUS"] == "TENTATIVE"
    assert entry(**one.fields).summary == "postponed, 2026-12-05 19:00 UTC"


def test_feeds_without_items_have_a_date_that_does_not_change() -> None:
    """Else each visit would find a new document."""
    first, second = rendered("atom"), rendered("atom")

    assert first == second
    assert Feed("radio", "", []).updated_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert Feed("radio", "", [entry()]).updated_at == NOON
