"""What an address offers, as far as it can be told without asking anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import discover
from tests.ingest.reading import respond

PAGE = """
<html><head><title> The Hall </title>
<link rel="alternate" type="application/rss+xml" title="News" href="/news.rss">
<link rel="alternate stylesheet" href="/dark.css">
<link rel="alternate" type="text/calendar" href="https://cal.example/hall.ics">
<link rel="me" href="https://social.example/@hall">
</head><body>
<a href="webcal://cal.example/hall.ics">Subscribe</a>
<a href="/more.atom">More</a> <a href="javascript:alert(1)">Not this</a>
<script type="application/ld+json">{"@type": "MusicEvent"}</script>
</body></html>
"""


@pytest.mark.parametrize(
    ("text", "kind", "url", "options"),
    [
        ("ada@social.example", "mastodon", "https://social.example", {"acct": "ada"}),
        ("@ada@social.example", "mastodon", "https://social.example", {"acct": "ada"}),
        (
            "https://social.example/@ada@other.example",
            "mastodon",
            "https://social.example",
            {"acct": "ada@other.example"},
        ),
        ("bsky.app/profile/ada.example", "bluesky", "", {"actor": "ada.example"}),
        (
            "https://x.com/radio",
            "x",
            "",
            {"username": "radio", "token": "${X_TOKEN}"},
        ),
    ],
)
def test_accounts_are_told_by_their_address(
    text: str, kind: str, url: str, options: dict[str, str]
) -> None:
    """In the forms in which people copy them."""
    [found] = discover.by_name(text)

    assert (found.kind, found.url, found.options) == (kind, url, options)


@pytest.mark.parametrize(
    "text", ["radio.example", "https://radio.example/news/@home/x", "https://x.com/a/b"]
)
def test_other_addresses_name_no_account(text: str) -> None:
    """They are looked at."""
    assert discover.by_name(text) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<?xml version='1.0'?>\n<!-- hello -->\n<rss version='2.0'>", "feed"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "feed"),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": []}', "feed"),
        ("\ufeffBEGIN:VCALENDAR\r\n", "ical"),
        ('{"icestats":{"source":[]}}', "icecast"),
        ('[{"station": {}, "now_playing": {}}]', "azuracast"),
    ],
)
def test_a_document_is_told_by_how_it_begins(body: str, kind: str) -> None:
    """Whatever its type claims."""
    [found] = discover.in_document(respond(body, content_type="text/plain"))

    assert found.kind == kind


def test_a_page_tells_what_it_offers() -> None:
    """First what it says itself, then what it has, then what it links to."""
    found = discover.in_document(respond(PAGE))

    assert [(one.kind, one.url) for one in found] == [
        ("feed", "http://radio.example/news.rss"),
        ("ical", "https://cal.example/hall.ics"),
        ("jsonld", "http://radio.example/source"),
        ("mastodon", "https://social.example"),
        ("feed", "http://radio.example/more.atom"),
    ]
    assert [one.title for one in found[:3]] == ["News", "", "The Hall"]


@given(body=st.binary(max_size=300))
def test_no_document_breaks_it(body: bytes) -> None:
    """It was written by a stranger."""
    found = discover.in_document(respond(b"<a href='" + body + b"' rel=me>" + body))

    assert len(found) <= discover.MAX_FOUND
