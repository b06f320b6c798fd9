"""Items that feeds have stumbled over: of each kind, long, odd, or nearly empty."""

from __future__ import annotations

import json
from typing import Any

from feedsvc.feeds import FORMATS, Entry, Feed

HOME = "https://live.example/embed/radio.news"
NOON = "2026-11-24T12:00:00.000Z"


def entry(item_id: str, kind: str, **fields: Any) -> Entry:
    known = {"id": item_id, "channel": "radio.news", "type": kind, "rev": 1}
    return Entry.parse(json.dumps({**known, "date": NOON, **fields}))


def feed_of(ending: str, entries: list[Entry]) -> Feed:
    """Return a feed of those of the entries that the format can hold."""
    only = FORMATS[ending].only
    return Feed(
        "radio.news",
        f"https://live.example/feeds/radio.news.{ending}",
        [one for one in entries if only is None or one.type == only.value],
        home=HOME,
        hub="https://hub.example/" if only is None else None,
    )


AWKWARD = [
    entry("bare", "post"),
    entry("emoji", "post", content_text="🎵👩‍👩‍👧‍👦🏳️‍🌈 " * 30),
    entry("long", "article", title="Zu läng. " * 300, content_text="Länger. " * 3_000),
    entry(
        "cdata",
        "article",
        title="]]> & <b>bold</b> \"q\" 'a'",
        summary="]]> <!-- &amp; -->",
        content_html='<p>]]&gt; <a href="https://h/?a=1&amp;b=2">x</a></p>',
        url="https://höf.example/é?a=1&b=<2>#ü",
    ),
    entry(
        "right-to-left",
        "article",
        title="مرحبا بالعالم",
        content_text="שלום \u202e עולם",
        language="ar",
        authors=[{"name": "عمر", "url": "https://h/عمر"}, {"name": "Ada"}],
        tags=["خبر", "a,b;c"],
    ),
    entry("warned", "post", summary="Spoiler", content_text="He did.", sensitive=True),
    entry("track", "track", title="Kettle", artist="Tide & Co", art="https://h/a.jpg"),
    entry(
        "episode",
        "episode",
        title="Seventeen",
        attachments=[
            {"url": "https://h/a.png", "mime_type": "image/png", "title": "Quay"},
            {"url": "https://h/17.mp3", "mime_type": "audio/mpeg"},
            {"url": "https://h/unknown"},
        ],
    ),
    entry(
        "concert",
        "event",
        title="Tide; live, and\nmore " + "ü" * 200,
        content_text="a\\n b;\nc,",
        starts_at="2026-12-05T19:00:00.000Z",
        ends_at="2026-12-05T22:00:00.000Z",
        timezone="Europe/Berlin",
        venue={"name": "Hall; 2", "city": "Hamburg", "lat": 53.5, "lon": 9.9},
        url="https://h/é",
        tags=["a,b", "c;d"],
        rev=7,
    ),
    entry(
        "days",
        "event",
        title="Market",
        starts_at="2026-12-04T23:00:00.000Z",
        ends_at="2026-12-06T22:59:59.000Z",
        all_day=True,
        timezone="Europe/Berlin",
        status="cancelled",
        rev=3,
    ),
    entry(
        "unknown-hour",
        "event",
        title="Some time",
        starts_at="2026-12-05T19:00:00.000Z",
        time_tba=True,
        status="postponed",
    ),
]
