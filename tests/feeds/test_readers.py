"""Real readers, and the rules of the formats, over awkward items."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from icalendar import Calendar

from feedsvc.feeds import FORMATS, Entry
from feedsvc.feeds.entry import uri
from tests.feeds.awkward import AWKWARD, HOME, feed_of

HERE = Path(__file__).parent
PATIENCE_S = 60
ATOM = "{http://www.w3.org/2005/Atom}"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

# Of an event: start, end as readers fill it in, status, sequence.
EVENTS = {
    "concert": ("2026-12-05T19:00:00Z", "2026-12-05T22:00:00Z", "CONFIRMED", 6),
    "days": ("2026-12-05", "2026-12-07", "CANCELLED", 2),
    "unknown-hour": ("2026-12-05", "2026-12-06", "TENTATIVE", 0),
}


def rendered(ending: str, entries: list[Entry]) -> bytes:
    return FORMATS[ending].render(feed_of(ending, entries))


def readers(ending: str, document: bytes) -> dict[str, dict[str, Any]]:
    """Return what each of the JavaScript readers makes of the document."""
    found = subprocess.run(
        ["node", str(HERE / "readers.js"), ending],
        input=document,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode()
    told: dict[str, dict[str, Any]] = json.loads(found.stdout)
    return told


def instant(text: str) -> datetime:
    return (
        datetime.fromisoformat(text) if text[0] == "2" else parsedate_to_datetime(text)
    )


def words(text: str | None) -> list[str]:
    return (text or "").split()


@pytest.mark.parametrize("ending", ["atom", "rss", "json"])
def test_readers_find_every_item_with_what_it_has(ending: str) -> None:
    """Its id, title, date, link and text, whatever stands in them."""
    document = rendered(ending, AWKWARD)

    for name, feed in readers(ending, document).items():
        assert feed["title"] == "radio.news", name
        assert len(feed["items"]) == len(AWKWARD), name
        for found, item in zip(feed["items"], AWKWARD, strict=True):
            assert found["id"] == item.uuid.urn, name
            title = item.headline if ending == "atom" else item.title
            assert words(found["title"]) == words(title), (name, item)
            assert instant(found["date"]) == NOON, name
            if item.url:
                assert uri(found["url"]) == item.url, name
            assert words(found["text"]), (name, item)


def test_readers_of_podcasts_find_the_sound() -> None:
    """Before the picture, of which the enclosure can't tell."""
    for ending in ("atom", "rss"):
        feed = readers(ending, rendered(ending, AWKWARD))["feedParser"]
        [episode] = [one for one in feed["items"] if one["title"] == "Seventeen"]
        assert "https://h/17.mp3" in episode["sounds"]


def test_readers_of_calendars_find_every_event() -> None:
    """With its days, its state and its revision."""
    document = rendered("ics", AWKWARD)
    events = [one for one in AWKWARD if one.is_event]

    for name, calendar in readers("ics", document).items():
        assert calendar["title"] == "radio.news", name
        for found, event in zip(calendar["items"], events, strict=True):
            assert found["id"] == str(event.uuid), name
            assert words(found["title"]) == words(event.headline), name
            told = [found[key] for key in ("start", "end", "status", "sequence")]
            assert told == list(EVENTS[event.fields["id"]]), name


@pytest.mark.parametrize("ending", list(FORMATS))
def test_readers_take_a_channel_without_items(ending: str) -> None:
    """It is a feed like others."""
    for name, feed in readers(ending, rendered(ending, [])).items():
        assert (feed["title"], feed["items"]) == ("radio.news", []), name


@pytest.mark.parametrize("entries", [AWKWARD, []])
def test_atom_is_as_rfc_4287_has_it(entries: list[Entry]) -> None:
    """What has to be there once is there once, and every address is one."""
    root = fromstring(rendered("atom", entries))

    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        for person in element.findall(f"{ATOM}author"):
            assert (person.findtext(f"{ATOM}name") or "").strip()
        ways = [one.get("rel") for one in element.findall(f"{ATOM}link")]
        assert ways.count("alternate") <= 1
        assert ways.count("self") == (element is root)
        # 4.1.2: without a content there has to be an alternate.
        has_content = element.find(f"{ATOM}content") is not None
        assert element is root or has_content or "alternate" in ways
    ids = [one.text for one in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids)) == len(entries) + 1
    assert root.find(f"{ATOM}author") is not None
    assert_addresses(root, "href", f"{ATOM}uri")


@pytest.mark.parametrize("entries", [AWKWARD, []])
def test_rss_is_as_its_specification_has_it(entries: list[Entry]) -> None:
    """Each item has a title or a description, at most one enclosure, and one guid."""
    channel = fromstring(rendered("rss", entries)).find("channel")
    assert channel is not None

    for name in ("title", "link", "description"):
        assert len(channel.findall(name)) == 1
    assert channel.findtext("link") == HOME
    for item in channel.findall("item"):
        assert (item.findtext("title") or item.findtext("description") or "").strip()
        for name in ("title", "link", "description", "guid", "pubDate", "enclosure"):
            assert len(item.findall(name)) <= 1, name
        for enclosure in item.findall("enclosure"):
            assert set(enclosure.attrib) == {"url", "type", "length"}
            assert enclosure.attrib["length"].isdigit()
    guids = [one.text for one in channel.iter("guid")]
    assert len(guids) == len(set(guids)) == len(entries)
    # A date of 1970 would be a lie of a channel that never had an item.
    assert (channel.find("lastBuildDate") is not None) == bool(entries)
    assert_addresses(channel, "url", "link")


@pytest.mark.parametrize("entries", [AWKWARD, []])
def test_a_calendar_is_as_rfc_5545_has_it(entries: list[Entry]) -> None:
    """Folded lines, one of each, a component at least, and addresses that are URIs."""
    document = rendered("ics", entries)
    calendar = Calendar.from_ical(document)

    assert document.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in document.split(b"\r\n"))
    assert (calendar["VERSION"], len(calendar.subcomponents) > 0) == ("2.0", True)
    assert re.findall(rb"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n", document)
    for event in calendar.walk("VEVENT"):
        for name in ("UID", "DTSTAMP", "DTSTART", "SUMMARY", "STATUS", "SEQUENCE"):
            assert name in event
            assert not isinstance(event[name], list), name
        if "DTEND" in event:
            assert event["DTEND"].dt > event["DTSTART"].dt
            assert type(event["DTEND"].dt) is type(event["DTSTART"].dt)
        assert str(event.get("URL", "")).isascii()


def test_json_feed_is_as_version_1_1_has_it() -> None:
    """Strings where it says strings, one content at least, and a type to each file."""
    feed = json.loads(rendered("json", AWKWARD))

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert len({item["id"] for item in feed["items"]}) == len(AWKWARD)
    for item in feed["items"]:
        assert "content_text" in item or "content_html" in item
        assert all(isinstance(tag, str) for tag in item.get("tags", []))
        for one in item.get("attachments", []):
            assert one["url"]
            assert one["mime_type"]
        assert not [name for name in item if name == "author"]


def test_what_is_warned_of_is_no_title() -> None:
    """Lists of titles, and search engines, show it before anybody is asked."""
    [warned] = [one for one in AWKWARD if one.is_sensitive]

    assert warned.headline == "Spoiler"


def assert_addresses(root: Element, attribute: str, tag: str) -> None:
    found = [one.get(attribute) for one in root.iter() if one.get(attribute)]
    found += [one.text for one in root.iter(tag)]
    for address in found:
        assert address
        assert address.isascii(), address
        assert not set(address) & set(' <>"{}|\\^`')
        assert urlsplit(address).scheme in ("http", "https")
