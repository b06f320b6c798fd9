"""Pages, shops and streams in which anything stands anywhere; and bombs in workers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedsvc.errors import SourceError
from ingest.isolate import Readers
from ingest.offers import Template
from ingest.sources.azuracast import AzuraCastSource
from ingest.sources.base import Source
from ingest.sources.icecast import IcecastSource
from ingest.sources.jsonld import PageSource
from ingest.sources.shoutcast import ShoutcastSource
from ingest.sources.songkick import SongkickSource
from ingest.sources.ticketmaster import TicketmasterSource
from tests.ingest.reading import offers, parse, respond

PAGE = PageSource("page", "http://hall.example/")
TICKETS = TicketmasterSource("tickets", "http://t.example/", apikey="k")
TOUR = SongkickSource("tour", "http://s.example/", apikey="k")
ICECAST = IcecastSource("ice", "http://i.example/")
SHOUTCAST = ShoutcastSource("shout", "http://o.example/")
AZURACAST = AzuraCastSource("azura", "http://a.example/")
ALL: list[Source] = [PAGE, TICKETS, TOUR, ICECAST, SHOUTCAST, AZURACAST]

TEXTS = st.sampled_from(
    [
        *("", " ", "-", "x", "5", "-1", "http://[", "//", "javascript:x", "#a", "_:b"),
        *("\x00", "\ud800", "&#0;", "<b>", "9" * 400, "1e999", "A - B", "Ã©", "é"),
        *("2027-05-20", "2027-05-20T20:00", "2027-05-20T20:00:00-04:00", "PT9999H"),
        *("9999-12-31", "0001-01-01T00:00+14:00", "19:00", "€ 1.234,50", "1 2 3"),
        *("Event", "Festival", "EventCancelled", "VirtualLocation", "onsale", "ok"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TEXTS
FEW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


def values(names: str) -> st.SearchStrategy[Any]:
    """Return values of any shape, in which these names occur."""
    return st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names.split()), inner, max_size=8)
        ),
        max_leaves=25,
    )


def objects(names: str, inside: str = "") -> st.SearchStrategy[dict[str, Any]]:
    words = st.sampled_from(names.split())
    return st.dictionaries(words, values(f"{names} {inside}"), max_size=10)


def survives(source: Source, body: str | bytes) -> None:
    """Parse and check: what is taken must be fit to be stored."""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    try:
        batch = parse(source, body)
    except SourceError:
        return
    assert len(offers(source, batch)) == len(batch.candidates)
    json.dumps(batch.state)


@FEW
@given(
    objects(
        "name url @id eventStatus startDate endDate doorTime duration location image"
        " previousStartDate performer offers description keywords inLanguage subEvent",
        "@type @value address geo latitude longitude price priceCurrency lowPrice"
        " availability streetAddress addressCountry sameAs contentUrl width",
    )
)
def test_any_event_of_a_page(event: dict[str, Any]) -> None:
    """Of any shape, with any values, also as part of another."""
    event = {"startDate": "2027-05-20", **event, "@type": "MusicEvent"}
    script = json.dumps([event, {"@type": "EventSeries", "subEvent": event}])

    survives(PAGE, script)
    survives(PAGE, f'<script type="application/ld+json">{script}</script>')


@FEW
@given(
    st.lists(
        TEXTS
        | st.sampled_from(
            [
                *('<script type="application/ld+json">', "</script>", "<script>"),
                *("<!--", "-->", "{", "}", "[", "]", '"', ":", ",", "//", "/*", "*/"),
                *('{"@type":"Event","name":"x","startDate":"2027-05-20"}', "\\"),
            ]
        ),
        max_size=20,
    )
)
def test_any_page(parts: list[str]) -> None:
    """Tags, comments and pieces of JSON in any order."""
    survives(PAGE, "".join(parts))


@FEW
@given(
    objects(
        "id name dates url images _embedded classifications priceRanges locale place",
        "start end localDate localTime dateTime timezone status code venues location"
        " attractions min currency width ratio segment address city latitude",
    ),
    values("number size totalPages totalElements"),
)
def test_any_event_of_ticketmaster(event: dict[str, Any], page: Any) -> None:
    """Of any shape, with any values."""
    event = {
        "id": "1",
        "name": "x",
        "dates": {"start": {"localDate": "2027-05-20"}},
    } | event

    survives(TICKETS, json.dumps({"_embedded": {"events": [event]}, "page": page}))


@FEW
@given(
    objects(
        "id type displayName uri status start end performance location venue",
        "date time datetime billingIndex artist city metroArea country lat lng",
    ),
    objects("page perPage totalEntries status"),
)
def test_any_event_of_songkick(event: dict[str, Any], page: dict[str, Any]) -> None:
    """Of any shape, with any values."""
    event = {"id": 1, "displayName": "x", "start": {"date": "2027-05-20"}} | event

    survives(TOUR, json.dumps({"resultsPage": {**page, "results": {"event": event}}}))


@FEW
@given(
    objects("title artist server_name listenurl mount yp_currently_playing bitrate"),
    objects("songtitle servertitle streamstatus streams id"),
)
def test_any_status_of_a_stream(mount: dict[str, Any], stats: dict[str, Any]) -> None:
    """Of any shape, with any values, also where it is not quite JSON."""
    body = json.dumps({"icestats": {"source": [mount, mount]}})

    survives(ICECAST, body)
    survives(ICECAST, body.replace("null", " - ").replace('\\"', '"'))
    survives(SHOUTCAST, json.dumps(stats))


@FEW
@given(
    objects(
        "station now_playing song_history is_online live",
        "id shortcode name sh_id played_at duration song streamer title artist text"
        " album art isrc genre",
    )
)
def test_any_document_of_azuracast(document: dict[str, Any]) -> None:
    """Of any shape, with any values."""
    survives(AZURACAST, json.dumps({"now_playing": None, **document}))


@pytest.mark.parametrize("source", ALL, ids=lambda one: one.kind)
@FEW
@given(st.binary(max_size=300) | values("a b").map(json.dumps).map(str.encode))
def test_any_bytes(source: Source, body: bytes) -> None:
    """From a server that broke, or a person who tries."""
    survives(source, body)


SIZE = 5 * 1024 * 1024
LD = '<script type="application/ld+json">'
EVENT = '{"@type":"Event","name":"x","startDate":"2027-05-20","url":"%d"}'


def full(unit: str) -> str:
    """Return as much of it as is ever fetched."""
    return unit * (SIZE // len(unit))


BOMBS: dict[str, tuple[Source, str]] = {
    "tags": (PAGE, full("<script")),
    "comments": (PAGE, full("<!--")),
    "scripts": (PAGE, full(f"{LD}[]</script>")),
    "quotes": (PAGE, LD + full('"')),
    "lists": (PAGE, LD + full("[")),
    "objects": (PAGE, LD + full('{"a":')),
    "empty objects": (PAGE, f"{LD}[{full('{},')}{{}}]"),
    "words": (PAGE, LD + "{" + full("a:b,")),
    "escapes": (PAGE, LD + full("&quot;")),
    "events": (PAGE, f"{LD}[{','.join(EVENT % n for n in range(70_000))}]"),
    "dates": (
        PAGE,
        f'{LD}[{{"@type":"Event","startDate":["{full("2027-05-20")}"{full(",0")}]}}]',
    ),
    "mount points": (
        ICECAST,
        json.dumps(
            {"icestats": {"source": [{"title": f"{n}"} for n in range(200_000)]}}
        ),
    ),
    "title": (ICECAST, json.dumps({"icestats": {"source": {"title": full(" - ")}}})),
    "xml": (SHOUTCAST, "<SHOUTCASTSERVER>" + full("<a>")),
    "columns": (SHOUTCAST, full("1,")),
    "stations": (
        AZURACAST,
        f"[{full(chr(123) + chr(34) + 'now_playing' + chr(34) + ':1},')}1]",
    ),
}


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(workers=1, time_s=5) as pool:
        yield pool


async def test_bombs_cost_a_worker_at_most(readers: Readers) -> None:
    """Each ends in time, as a batch or an error, and the next document is read."""
    good = f"{LD}[{EVENT % 1}]</script>"
    for name, (source, bomb) in BOMBS.items():
        with suppress(SourceError):
            await readers.read(
                source, respond(bomb), {}, Template("radio.news"), backfill=False
            )

        reading = await readers.read(
            PAGE, respond(good), {}, Template("radio.news"), backfill=False
        )
        assert len(reading.offers) == 1, name
