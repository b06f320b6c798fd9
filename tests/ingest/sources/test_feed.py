"""Feeds: every recorded one is read, and each rule of reading has its example."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedsvc.core.item import ItemType
from feedsvc.errors import SourceError
from ingest.sources.feed import FeedSource
from tests.ingest.reading import offers, parse, read
from tests.ingest.realdata import cases

SOURCE = FeedSource("news", "http://radio.example/feed")

# Recorded documents that are no feeds, and what is said of them.
NOT_FEEDS = {
    "miniflux_xml_iso88591.xml": "not a feed",
    "unrecognized.rss.xml": "not a feed",
}


def rss(*items: str, head: str = "") -> str:
    return (
        '<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
        f"<channel><title>Radio</title>{head}{''.join(items)}</channel></rss>"
    )


def atom(*entries: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def headers_of(body: bytes) -> dict[str, str]:
    """Return the headers that a case of the parser's own suite asks for."""
    found = re.findall(rb"^\s*Header:\s*([\w-]+):\s*(.+?)\s*$", body, re.MULTILINE)
    return {
        name.decode().lower().replace("-", "_"): value.decode()
        for name, value in found
        if name.lower() in (b"content-type", b"content-language")
    }


@pytest.mark.parametrize(
    "path", cases("rss-atom/*", "feedparser-suite/*", "podcast/*.xml")
)
def test_every_entry_of_a_recorded_feed_is_taken_or_told_as_a_fault(
    path: Path | None,
) -> None:
    """No entry gets lost, and what is taken is fit to be stored."""
    if path is None:
        return
    body = path.read_bytes()
    if path.name in NOT_FEEDS:
        with pytest.raises(SourceError, match=NOT_FEEDS[path.name]):
            parse(SOURCE, body)
        return

    batch = parse(SOURCE, body, **headers_of(body))

    entries = len(re.findall(rb"<(?:\w+:)?(?:item|entry)\b", body))
    assert len(batch.candidates) + len(batch.faults) == entries
    taken = offers(SOURCE, batch)
    assert len({one.id for one in taken}) == len(taken)
    assert all("nothing to show" in fault for fault in batch.faults)


@pytest.mark.parametrize("path", cases("podcast/*.rss.xml"))
def test_recorded_podcasts_give_the_episodes_that_their_origin_expects(
    path: Path | None,
) -> None:
    """Titles, enclosures, durations and dates are those of the expected result."""
    if path is None:
        return
    expected = json.loads(
        path.with_name(path.name.replace(".rss.xml", ".expected.json")).read_text()
    )

    found = read(SOURCE, path.read_bytes())

    # The origin sorts by date and cuts; entries without a title it leaves out.
    by_title = {one.body.get("title"): one for one in found}
    for episode in expected["episodes"]:
        assert_is_episode(episode, by_title[episode["title"]].body)


def assert_is_episode(expected: dict[str, Any], body: Any) -> None:
    urls = {one["url"]: one for one in body.get("attachments", [])}
    for enclosure in expected["enclosures"]:
        attachment = urls[enclosure["url"]]
        if enclosure["file_size"] > 0:
            assert enclosure["file_size"] == attachment["size_in_bytes"]
        if enclosure["mime_type"] != "application/octet-stream":
            assert enclosure["mime_type"] == attachment["mime_type"]
    if expected["published"]:
        published = datetime.fromtimestamp(expected["published"], UTC)
        assert published == body["date_published"]
    if expected["total_time"] and expected["enclosures"]:
        first = urls[expected["enclosures"][0]["url"]]
        assert expected["total_time"] == first["duration_in_seconds"]
    if expected.get("description"):
        assert expected["description"] in (
            body.get("content_text", "").strip(),
            body.get("summary"),
        )
    if expected["link"].startswith("http"):
        assert expected["link"] == body["url"]
    if "episode_art_url" in expected:
        assert expected["episode_art_url"] in urls


@pytest.mark.parametrize("path", cases("jsonfeed/*.json"))
def test_every_item_of_a_recorded_json_feed_is_taken_or_told(path: Path | None) -> None:
    """Both versions of JSON Feed are read."""
    if path is None:
        return
    items = json.loads(path.read_bytes())["items"]

    batch = parse(SOURCE, path.read_bytes())

    assert len(items) == len(batch.candidates) + len(batch.faults)
    assert len(batch.candidates) == len(offers(SOURCE, batch))


def test_a_script_in_a_title_is_left_out() -> None:
    """A title is text, however much it looks like markup."""
    item = "<item><title>Hi &lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;you</title>"

    (found,) = read(SOURCE, rss(item + "</item>"))

    assert found.body["title"] == "Hi you"


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ('<title type="text">Q&amp;amp;A: 1 &lt; 2</title>', "Q&amp;A: 1 < 2"),
        ('<title type="html">Q&amp;amp;A: 1 &amp;lt; 2</title>', "Q&A: 1 < 2"),
        ("<title>Tom\n   &amp;  Jerry</title>", "Tom & Jerry"),
    ],
)
def test_a_title_is_unescaped_exactly_as_often_as_its_type_says(
    markup: str, title: str
) -> None:
    """Once for the XML, and once more only for HTML."""
    (found,) = read(SOURCE, atom(f"<entry>{markup}</entry>"))

    assert found.body["title"] == title


def test_an_audio_enclosure_makes_an_episode() -> None:
    """With its length, and named after its file if nothing else names it."""
    item = (
        '<item><enclosure url="/shows/morning-12.mp3" length="1200"/>'
        "<itunes:duration>1:02:03</itunes:duration></item>"
    )

    (found,) = read(SOURCE, rss(item))

    assert found.type is ItemType.EPISODE
    assert found.body["title"] == "morning-12"
    assert found.body["attachments"] == [
        {
            "url": "http://radio.example/shows/morning-12.mp3",
            "mime_type": "audio/mpeg",
            "size_in_bytes": 1200,
            "duration_in_seconds": 3723.0,
        }
    ]


def test_an_entry_without_a_title_is_a_post() -> None:
    """Microblogs have none, and an article needs one."""
    (found,) = read(SOURCE, rss("<item><description>On air!</description></item>"))

    assert found.type is ItemType.POST
    assert found.body["content_text"] == "On air!"


def test_one_guid_on_two_entries_makes_two_items() -> None:
    """If they differ: the first keeps the guid.  The same entry twice is one."""
    guid = '<guid isPermaLink="false">g</guid>'
    items = [f"<item><title>{n}</title>{guid}</item>" for n in "aab"]

    batch = parse(SOURCE, rss(*items))

    ids = [raw.source_id for raw in batch.candidates]
    assert ids[:2] == ["g", "g"]
    assert ids[2] != "g"


def test_an_entry_without_guid_is_known_by_its_link() -> None:
    """And without a link by what it says."""
    linked = "<item><title>a</title><link>http://radio.example/a</link></item>"
    bare = "<item><title>b</title></item>"

    first = parse(SOURCE, rss(linked, bare))
    second = parse(SOURCE, rss(bare, linked))

    assert first.candidates[0].source_id == "http://radio.example/a"
    assert {raw.source_id for raw in first.candidates} == {
        raw.source_id for raw in second.candidates
    }


def test_a_date_in_the_future_is_kept_as_written_only() -> None:
    """The item is then dated by when it was first seen."""
    date = "Tue, 24 Nov 2026 12:03:00 +0000"
    item = f"<item><title>a</title><pubDate>{date}</pubDate></item>"

    (found,) = read(SOURCE, rss(item))

    assert "date_published" not in found.body
    assert found.body["date_raw"] == date


def test_a_named_zone_is_not_taken_for_utc() -> None:
    """Feed libraries read CEST as UTC."""
    date = "Mon, 01 Jun 2026 10:00:00 CEST"
    item = f"<item><title>a</title><pubDate>{date}</pubDate></item>"

    (found,) = read(SOURCE, rss(item))

    assert found.body["date_published"] == datetime(2026, 6, 1, 8, tzinfo=UTC)


def test_what_is_too_long_is_cut_and_not_refused() -> None:
    """An item with a huge body is still an item."""
    item = f"<item><title>{'long ' * 500}</title><description>&lt;p&gt;{'x' * 300_000}"

    (found,) = read(SOURCE, rss(item + "</description></item>"))

    assert len(found.body["title"]) <= 300
    assert found.body["title"].endswith("…")
    assert len(found.body["content_html"]) <= 100_010


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "data:,x"]
)
def test_links_that_are_not_http_are_dropped(link: str) -> None:
    """The item stays."""
    (found,) = read(SOURCE, rss(f"<item><title>a</title><link>{link}</link></item>"))

    assert "url" not in found.body


def test_mail_addresses_of_authors_are_not_spread() -> None:
    """They are in most RSS feeds, and not meant for a public page."""
    item = "<item><title>a</title><author>ada@radio.example (Ada Lark)</author></item>"

    (found,) = read(SOURCE, rss(item))

    assert found.body["authors"] == [{"name": "Ada Lark"}]


def test_the_publishers_ttl_is_handed_on() -> None:
    """In seconds; the feed counts in minutes."""
    batch = parse(SOURCE, rss(head="<ttl>60</ttl>"))

    assert batch.poll_after_s == 3600


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "empty"),
        ("<!doctype html><html><body>Hello</body></html>", "web page"),
        ("{}", "version of a JSON Feed"),
        ('{"version": "https://jsonfeed.org/version/1.1"}', "list of items"),
        ("{" * 100_000, "must be JSON"),
        (b"\x00\xff\xfe" * 50, "not a feed"),
    ],
)
def test_what_is_no_feed_is_told_clearly(body: bytes | str, told: str) -> None:
    """The operator learns what came instead."""
    with pytest.raises(SourceError, match=told):
        parse(SOURCE, body)


@pytest.mark.parametrize(
    ("declared", "header", "charset"),
    [
        ("utf-8", "application/xml", "cp1252"),
        ("iso-8859-1", "application/xml; charset=utf-8", "utf-8"),
        ("utf-8", "text/xml; charset=iso-8859-1", "iso-8859-1"),
        ("utf-16", "application/rss+xml", "utf-16"),
        ("no-such-charset", "application/xml", "utf-8"),
    ],
)
def test_a_wrong_charset_does_not_lose_the_feed(
    declared: str, header: str, charset: str
) -> None:
    """The header, the declaration and the bytes may all say something else."""
    item = "<item><title>Blåser &amp; Sånger</title></item>"
    body = f'<?xml version="1.0" encoding="{declared}"?>{rss(item)}'

    (found,) = read(SOURCE, body.encode(charset), content_type=header)

    assert found.body["title"] == "Blåser & Sånger"


def test_a_feed_cut_in_the_middle_is_read_as_far_as_it_goes() -> None:
    """A connection that broke, or a generator that did."""
    whole = rss(*(f"<item><title>n{n}</title></item>" for n in range(10)))

    batch = parse(SOURCE, whole[: len(whole) // 2])

    assert 3 <= len(batch.candidates) <= 6


def test_a_json_feed_prefers_authors_to_author() -> None:
    """Version 1.1 over version 1.0, the item's over the feed's."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "author": {"name": "Feed, old"},
        "items": [
            {"id": 1, "content_text": "x", "author": {"name": "Old"}},
            {"id": 2, "content_text": "x", "authors": [{"name": "New"}]},
            {"id": 3, "content_text": "x"},
        ],
    }

    found = read(SOURCE, json.dumps(feed))

    names = [one.body["authors"][0]["name"] for one in found]
    assert names == ["Old", "New", "Feed, old"]
    assert [one.source_id for one in found] == ["1", "2", "3"]
