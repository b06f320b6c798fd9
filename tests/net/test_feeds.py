"""Feeds: a backlog that every reader can read, and that no item can break out of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser
import pytest
from icalendar import Calendar
from icalendar.cal import Component

from feedsvc.core.item import Candidate
from feedsvc.feeds import FORMATS
from ingest.sources.base import Source
from ingest.sources.feed import FeedSource
from ingest.sources.ical import CalendarSource
from tests.ingest.reading import read
from tests.net.clients import Answer
from tests.net.conftest import Start
from tests.net.station import NOON, Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

XML = ("atom", "rss")
READER = FeedSource("reader", "http://reader.example/feed")
CALENDAR = CalendarSource("reader", "http://reader.example/events.ics")

# Each of them ended an element, a section, a line or a document once, somewhere.
HOSTILE = (
    "</title><script>alert(1)</script>",
    "]]><script>alert(1)</script><![CDATA[",
    "<!--", "-->", "&amp;lt;b&gt; & &#0; &nbsp;", '" onload="alert(1)',
    "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:injected",
    "a\rATTENDEE:mailto:x@example.org", "a\u2028b\u2029c\x85d",
    "\ufffe\uffff\x00\x01\x08\x0b\x0c\x1f\x7f",
    "\\n \\, \\; ;:,\"", "🎵" * 60, "ﷺ" * 40, "e\u0301\u200d\u202e",
)  # fmt: skip

CONCERT: dict[str, Any] = {
    "id": "concert",
    "type": "event",
    "title": "Tide, live; with guests, and more",
    "content_text": "Doors at seven.\nBring a coat.",
    "starts_at": "2026-12-05T20:00:00+01:00",
    "ends_at": "2026-12-05T23:00:00+01:00",
    "timezone": "Europe/Berlin",
    "venue": {"name": "Harbour Hall", "city": "Hamburg", "lat": 53.54, "lon": 9.98},
    "url": "https://radio.example/tide?a=1&b=2",
    "tags": ["music", "live"],
    "date": NOON.isoformat(),
}


def feed_path(channel: str, ending: str) -> str:
    return f"/feeds/{channel}.{ending}"


async def fetch(
    station: Station, channel: str, ending: str, method: str = "GET", **options: Any
) -> Answer:
    return await station.http.ask(method, feed_path(channel, ending), **options)


def parsed(answer: Answer) -> Any:
    """Return the feed as feedparser has it, which finds nothing to complain about."""
    told = {"content-type": answer.headers["Content-Type"]}
    found = feedparser.parse(BytesIO(answer.body), response_headers=told)
    assert not found.bozo, found.bozo_exception
    return found


def events_of(document: bytes) -> list[Component]:
    return list(Calendar.from_ical(document).walk("VEVENT"))


def read_back(document: bytes, ending: str) -> list[Candidate]:
    """Return what a station's own ingest makes of the document."""
    source: Source = CALENDAR if ending == "ics" else READER
    return read(source, document)


# what is in them


@pytest.mark.parametrize(
    ("ending", "mime_type"),
    [
        ("atom", "application/atom+xml; charset=UTF-8"),
        ("rss", "application/rss+xml; charset=UTF-8"),
        ("json", "application/feed+json; charset=UTF-8"),
        ("ics", "text/calendar; charset=UTF-8"),
    ],
)
async def test_each_format_has_its_type_and_the_cache_rules_of_items(
    station: Station, channel: str, ending: str, mime_type: str
) -> None:
    """A dotted channel is the whole name before the last dot."""
    await station.publish(channel, CONCERT | {"id": f"{channel}:1"})
    items = await station.http.items(channel)

    answer = await fetch(station, channel, ending)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == mime_type
    for name in ("Cache-Control", "Vary", "Access-Control-Allow-Origin"):
        assert answer.headers[name] == items.headers[name]


@pytest.mark.parametrize("ending", ["atom", "rss", "json"])
async def test_an_article_comes_back_as_it_was(
    station: Station, channel: str, ending: str
) -> None:
    """Out as a feed and in through ingest: title, date, link, content, attachments."""
    article = {
        "id": f"{channel}:article",
        "type": "article",
        "title": "Ferries & tides: what's “new”",
        "url": "https://radio.example/ferries?a=1&b=2",
        "content_html": "<p>All <b>ferries</b> sail &amp; return.</p>",
        "date": "2026-11-20T08:30:00+02:00",
        "date_published": "2026-11-20T08:30:00+02:00",
        "language": "en-GB",
        "authors": [{"name": "Ada Q. Harbour"}],
        "tags": ["sea", "travel & more"],
    }
    await station.publish(channel, article)

    [found] = read_back((await fetch(station, channel, ending)).body, ending)

    assert found.type == "article"
    assert found.date == datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    assert found.body["date_published"] == found.date
    for name in ("title", "url", "content_html", "tags"):
        assert found.body[name] == article[name]
    assert [one["name"] for one in found.body["authors"]] == ["Ada Q. Harbour"]


@pytest.mark.parametrize("ending", ["atom", "rss", "json"])
async def test_an_episode_is_a_podcast(
    station: Station, channel: str, ending: str
) -> None:
    """Its sound is the enclosure; the picture before it is not."""
    sound = "https://radio.example/17.mp3"
    picture = "https://radio.example/17.png"
    await station.publish(
        channel,
        {
            "id": f"{channel}:17",
            "type": "episode",
            "title": "Seventeen",
            "attachments": [
                {"url": picture, "mime_type": "image/png", "title": "The quay"},
                {
                    "url": sound,
                    "mime_type": "audio/mpeg",
                    "size_in_bytes": 4_711,
                    "duration_in_seconds": 61.6,
                },
            ],
        },
    )

    answer = await fetch(station, channel, ending)
    [found] = read_back(answer.body, ending)

    assert found.type == "episode"
    by_url = {one["url"]: one for one in found.body["attachments"]}
    assert set(by_url) == {sound, picture}
    assert by_url[sound]["mime_type"] == "audio/mpeg"
    assert by_url[sound]["size_in_bytes"] == 4_711
    if ending == "rss":
        [only] = parsed(answer).entries[0].enclosures
        assert (only.href, only.type, only.length) == (sound, "audio/mpeg", "4711")
        assert by_url[sound]["duration_in_seconds"] == 62


async def test_an_event_comes_back_from_the_calendar(
    station: Station, channel: str
) -> None:
    """In UTC, with place, link and tags; what is no event is not in it."""
    await station.publish(channel, {**CONCERT, "id": f"{channel}:1"}, post())

    answer = await fetch(station, channel, "ics")
    [found] = read_back(answer.body, "ics")

    for name in ("title", "content_text", "url", "tags"):
        assert found.body[name] == CONCERT[name]
    assert found.body["starts_at"] == datetime(2026, 12, 5, 19, tzinfo=UTC)
    assert found.body["ends_at"] == datetime(2026, 12, 5, 22, tzinfo=UTC)
    assert found.body["date_published"] == NOON
    assert found.body["venue"] == {
        "name": "Harbour Hall, Hamburg", "lat": 53.54, "lon": 9.98,
    }  # fmt: skip
    assert b"\r\nDTSTART:20261205T190000Z\r\n" in answer.body


async def test_a_cancelled_event_stays_in_the_calendar_under_a_higher_sequence(
    station: Station, channel: str
) -> None:
    """That is how a calendar program learns that it does not take place."""
    concert = {**CONCERT, "id": f"{channel}:1"}
    await station.publish(channel, concert)
    [before] = events_of((await fetch(station, channel, "ics")).body)
    await station.publish(channel, {**concert, "status": "cancelled"})

    [after] = events_of((await fetch(station, channel, "ics")).body)

    assert (before["STATUS"], before["SEQUENCE"]) == ("CONFIRMED", 0)
    assert (after["STATUS"], after["SEQUENCE"]) == ("CANCELLED", 1)
    assert before["UID"] == after["UID"]
    assert before["DTSTAMP"].dt == NOON


async def test_removed_items_are_in_no_feed(station: Station, channel: str) -> None:
    """They are gone for readers, too."""
    concert = {**CONCERT, "id": f"{channel}:1"}
    await station.publish(channel, concert, {**concert, "id": f"{channel}:2"})
    live = await station.live()
    await live.subscribe(channel)
    await station.publisher.delete(f"{channel}:2")
    await live.next_items(1)

    for ending in FORMATS:
        answer = await fetch(station, channel, ending)
        assert len(read_back(answer.body, ending)) == 1, ending


@pytest.mark.parametrize("ending", ["atom", "rss", "json"])
async def test_posts_events_and_tracks_say_what_they_are(
    station: Station, channel: str, ending: str
) -> None:
    """A track names its artist, an event when and where; a post needs no title."""
    track = {"type": "track", "title": "Kettle", "artist": "Tide", "date": "2026-11-23"}
    await station.publish(
        channel,
        post(f"{channel}:post", NOON, content_text="Rain & <wind>\nall day."),
        {**CONCERT, "id": f"{channel}:event", "date": "2026-11-24T11:00:00Z"},
        {**track, "id": f"{channel}:track"},
    )

    answer = await fetch(station, channel, ending)
    said, concert, played = read_back(answer.body, ending)

    assert " ".join(said.body["content_text"].split()) == "Rain & <wind> all day."
    assert played.body["title"] == "Tide – Kettle"
    told = "2026-12-05 20:00 Europe/Berlin, Harbour Hall, Hamburg"
    assert concert.body["summary"] == told
    if ending != "atom":
        assert "title" not in said.body


async def test_json_feed_has_what_the_format_has_no_name_for(
    station: Station, channel: str
) -> None:
    """Under a name of our own, as the format wants it."""
    await station.publish(channel, {**CONCERT, "id": f"{channel}:1"})

    feed = json.loads((await fetch(station, channel, "json")).body)

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    [item] = feed["items"]
    own = item["_feedsvc"]
    assert (own["id"], own["channel"], own["rev"]) == (f"{channel}:1", channel, 1)
    assert own["starts_at"] == "2026-12-05T19:00:00.000Z"
    assert own["venue"]["city"] == "Hamburg"
    assert not own.keys() & item.keys() - {"id"}


# how they are asked for


@pytest.mark.parametrize("ending", ["atom", "rss", "json"])
async def test_fifty_items_are_in_a_feed_if_nobody_says_otherwise(
    station: Station, channel: str, ending: str
) -> None:
    """The newest by date; limit and types choose."""
    await station.posts(channel, 51)
    await station.publish(channel, {**CONCERT, "id": f"{channel}:event"})

    usual = read_back((await fetch(station, channel, ending)).body, ending)
    few = read_back((await fetch(station, channel, ending, limit=2)).body, ending)
    events = await fetch(station, channel, ending, types="event,track")

    assert len(usual) == 50
    assert [one.source_id for one in few] == [one.source_id for one in usual[:2]]
    assert [one.body["title"] for one in read_back(events.body, ending)] == [
        CONCERT["title"]
    ]


@pytest.mark.parametrize("ending", [*XML, "json"])
async def test_a_feed_knows_its_own_address(
    station: Station, channel: str, ending: str
) -> None:
    """With the host that it was asked for under, and what it was asked."""
    await station.posts(channel, 1)

    answer = await fetch(
        station, channel, ending, headers={"Host": "live.radio.example"}, limit=7
    )

    own = f"http://live.radio.example/feeds/{channel}.{ending}?limit=7"
    if ending == "json":
        assert answer.json["feed_url"] == own
    else:
        links = parsed(answer).feed.links
        assert [one.href for one in links if one.rel == "self"] == [own]


async def test_ids_are_the_same_in_all_formats_and_under_all_hosts(
    station: Station, channel: str
) -> None:
    """A reader that moves to another address finds nothing new."""
    await station.publish(channel, {**CONCERT, "id": f"{channel}:1"})
    other = {"Host": "other.example:8443"}

    ids = set()
    for headers in ({}, other):
        for ending in XML:
            answer = await fetch(station, channel, ending, headers=headers)
            ids.add(parsed(answer).entries[0].id)
        answer = await fetch(station, channel, "json", headers=headers)
        ids.add(answer.json["items"][0]["id"])
        [event] = events_of((await fetch(station, channel, "ics")).body)
        ids.add(f"urn:uuid:{event['UID']}")

    assert len(ids) == 1


async def test_only_a_trusted_proxy_says_that_the_client_speaks_https(
    station: Station, start: Start, channel: str
) -> None:
    """Anybody can send the header."""
    behind = await start(server={"proxies": ("127.0.0.0/8",)})
    elsewhere = await start(server={"proxies": ("192.0.2.1/32",)})
    told = {"X-Forwarded-Proto": "https", "Host": "radio.example"}

    found = {}
    for name, one in (("none", station), ("ours", behind), ("other", elsewhere)):
        await one.posts(channel, 1)
        answer = await fetch(one, channel, "json", headers=told)
        found[name] = answer.json["feed_url"].partition(":")[0]
    odd = {**told, "X-Forwarded-Proto": "javascript"}
    answer = await fetch(behind, channel, "json", headers=odd)

    assert found == {"none": "http", "ours": "https", "other": "http"}
    assert answer.json["feed_url"].startswith("http://radio.example/")


@pytest.mark.parametrize("ending", list(FORMATS))
async def test_an_unchanged_feed_is_answered_with_304(
    station: Station, channel: str, ending: str
) -> None:
    """Until an item of it changes; HEAD tells the same, without a body."""
    concert = {**CONCERT, "id": f"{channel}:1"}
    await station.publish(channel, concert)
    first = await fetch(station, channel, ending)
    tag = {"If-None-Match": first.headers["ETag"]}

    same = await fetch(station, channel, ending, headers=tag)
    head = await fetch(station, channel, ending, "HEAD")
    same_head = await fetch(station, channel, ending, "HEAD", headers=tag)
    await station.publish(channel, {**concert, "title": "Another"})
    changed = await fetch(station, channel, ending, headers=tag)

    assert (same.status, same.body) == (304, b"")
    assert same.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == first.headers["Content-Length"]
    assert head.headers["ETag"] == first.headers["ETag"]
    assert same_head.status == 304
    assert changed.status == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("ending", list(FORMATS))
async def test_a_private_channel_has_no_feed_like_one_that_does_not_exist(
    station: Station, ending: str
) -> None:
    """Nor does its public parent show it; who may read it gets it, and no cache."""
    concert = {**CONCERT, "id": "private-concert"}
    await station.publish("secret.plans", concert)
    await station.publish("radio.staff.plans", {**concert, "id": "staff-concert"})
    token = station.token(read=["secret"])

    private = await fetch(station, "secret.plans", ending)
    unknown = await fetch(station, "nobody.plans", ending)
    above = await fetch(station, "radio", ending)
    allowed = await fetch(station, "secret.plans", ending, token=token)

    assert private.error == unknown.error == above.error == (404, "not_found")
    assert private.text == "no such channel: secret.plans"
    assert unknown.text == "no such channel: nobody.plans"
    assert allowed.status == 200
    assert allowed.headers["Cache-Control"] == "private, no-store"


async def test_a_feed_that_holds_nothing_is_still_a_feed(
    station: Station, channel: str
) -> None:
    """A channel without events has an empty calendar, not an error."""
    await station.posts(channel, 1)

    calendar = await fetch(station, channel, "ics")
    for ending in XML:
        answer = await fetch(station, channel, ending, types="track")
        assert parsed(answer).entries == []

    assert events_of(calendar.body) == []


@pytest.mark.parametrize(
    ("path", "query", "error", "told"),
    [
        ("/feeds/radio.txt", {}, (404, "not_found"), ".atom, .rss, .json, .ics"),
        ("/feeds/atom", {}, (404, "not_found"), "no such feed"),
        ("/feeds/.atom", {}, (404, "not_found"), "no such feed"),
        ("/feeds/ra%20dio.atom", {}, (400, "bad_channel"), "channel"),
        ("/feeds/radio.atom", {"limit": "-1"}, (400, "bad_message"), "limit"),
        ("/feeds/radio.atom", {"types": "cake"}, (400, "bad_message"), "types"),
        ("/feeds/radio.ics", {"types": "post"}, (400, "bad_message"), "types"),
    ],
)
async def test_a_bad_address_is_told_by_name(
    station: Station,
    path: str,
    query: Mapping[str, str],
    error: tuple[int, str],
    told: str,
) -> None:
    """With the error that the API would give, or the formats there are."""
    answer = await station.http.ask("GET", path, **query)

    assert answer.error == error
    assert told in answer.text


async def test_feeds_take_no_items(station: Station, channel: str) -> None:
    """They are for reading."""
    answer = await station.publisher.ask(
        "POST", feed_path(channel, "atom"), json_body=post()
    )

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


# what hostile items do to them


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_breaks_out_of_its_place(
    station: Station, channel: str, text: str
) -> None:
    """One item goes in, one comes out of each format, and no script with it."""
    item = {
        **CONCERT,
        "id": f"{channel}:1",
        "title": f"A {text}",
        "content_text": text,
        "summary": text,
        "tags": [f"A {text}"[:64]],
        "authors": [{"name": f"A {text}"}],
        "venue": {"name": f"A {text}"},
        "timezone": "Not/AZone",
    }
    await station.publish(channel, item)
    stored = (await station.http.items(channel)).json["items"][0]

    for ending in FORMATS:
        answer = await fetch(station, channel, ending)
        [found] = read_back(answer.body, ending)
        assert "<script" not in found.body.get("content_html", "")
        # Of RSS nobody knows whether a title is text, so ingest takes the tags off.
        assert "<script" not in found.body["title"] or ending != "rss"
    [only] = events_of((await fetch(station, channel, "ics")).body)
    lines = (await fetch(station, channel, "ics")).body.split(b"\r\n")
    for ending in XML:
        parsed(await fetch(station, channel, ending))

    assert " ".join(only["SUMMARY"].split()) == " ".join(visible(stored["title"]))
    assert "ATTENDEE" not in only
    assert all(len(line) <= 75 for line in lines)


def visible(text: str) -> list[str]:
    """Return the words of a text without what XML and calendars may not hold."""
    return "".join(char for char in text if char not in "\ufffe\uffff\x7f").split()


async def test_one_event_is_a_calendar_of_its_own(
    station: Station, channel: str
) -> None:
    """For whoever wants it in theirs; of another channel it is not there."""
    await station.publish(channel, {**CONCERT, "id": f"{channel}:1"})
    await station.publish(channel, {**CONCERT, "id": f"{channel}:2"})
    await station.publish("secret.plans", {**CONCERT, "id": f"{channel}:secret"})

    answer = await fetch(station, channel, "ics", id=f"{channel}:1")
    elsewhere = await fetch(station, f"other.{channel}", "ics", id=f"{channel}:1")
    private = await fetch(station, "secret.plans", "ics", id=f"{channel}:secret")
    hidden = await fetch(station, channel, "ics", id=f"{channel}:secret")

    [event] = events_of(answer.body)
    whole = {
        one["UID"] for one in events_of((await fetch(station, channel, "ics")).body)
    }
    assert event["UID"] in whole
    assert len(whole) == 2
    assert answer.headers["Content-Disposition"] == 'inline; filename="item.ics"'
    assert answer.headers["Cache-Control"] == "public, max-age=1, s-maxage=5"
    for refused in (elsewhere, private, hidden):
        assert refused.error == (404, "not_found")


@pytest.mark.parametrize("ending", [*XML, "json"])
async def test_a_feed_leads_to_the_page(
    station: Station, channel: str, ending: str
) -> None:
    """Which shows the same to people."""
    await station.posts(channel, 1)

    answer = await fetch(station, channel, ending)

    page = f"{station.url}/embed/{channel}"
    if ending == "json":
        assert answer.json["home_page_url"] == page
    else:
        assert parsed(answer).feed.link == page
    assert (await station.http.ask("GET", page.removeprefix(station.url))).status == 200
