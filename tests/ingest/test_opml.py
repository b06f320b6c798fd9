"""Subscription lists: every recorded one, and what becomes of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from feedsvc.errors import SourceError
from ingest.opml import subscriptions, tables
from tests.ingest.realdata import cases


@pytest.mark.parametrize("path", cases("opml/*.xml"))
def test_every_recorded_list_gives_its_feeds(path: Path | None) -> None:
    """Each address once; a list of links only is told to be one."""
    if path is None:
        return
    document = path.read_bytes()
    written = {
        url.strip() for url in re.findall(r'xmlUrl="([^"]+)"', document.decode())
    }
    if not written:
        with pytest.raises(SourceError, match="without a single feed"):
            subscriptions(document)
        return

    found = subscriptions(document)

    assert len(found) == len(written)
    sources = tomllib.loads(tables(found, "feeds", "every 1h"))["source"]
    assert len({one["name"] for one in sources}) == len(found)


def test_folders_become_channels() -> None:
    """Below the one that was asked for."""
    document = b"""<opml version="2.0"><body>
    <outline text="Music &amp; More"><outline text="A" xmlUrl="http://a.example/f"/>
    </outline><outline text="A" xmlUrl="http://b.example/f"/></body></opml>"""

    sources = tomllib.loads(tables(subscriptions(document), "feeds", "every 1h"))

    assert [(one["name"], one["channel"]) for one in sources["source"]] == [
        ("a", "feeds.music-more"),
        ("a-2", "feeds"),
    ]


@pytest.mark.parametrize(
    "document",
    [b"", b"<html/>", b"<opml", b'<!DOCTYPE a [<!ENTITY b "c">]><opml>&b;</opml>'],
)
def test_what_is_no_list_is_told(document: bytes) -> None:
    """Entities too, which a list has no use for."""
    with pytest.raises(SourceError, match="OPML"):
        subscriptions(document)
