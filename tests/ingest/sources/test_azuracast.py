"""AzuraCast: its documents in all their variants, and what identifies a track."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from feedsvc.core.item import Candidate
from feedsvc.errors import SourceError
from ingest.sources.azuracast import AzuraCastSource, secret, station
from tests.ingest.reading import NOW, offers, parse, read

WEB = AzuraCastSource("onair", "https://cast.example/", station="web")
ALL = AzuraCastSource("onair", "https://cast.example")
BEGAN = 1795521540


def track(number: Any, **changed: Any) -> dict[str, Any]:
    song = {
        "id": "0a1b",
        "text": "Paper Ferries - Low Tide",
        "artist": "Paper Ferries",
        "title": "Low Tide",
        "album": "Harbour",
        "genre": "Indie",
        "isrc": "DEA012600001",
        "art": "https://cast.example/api/station/web/art/0a1b-1795000000.jpg",
        "custom_fields": {},
        **changed.pop("song", {}),
    }
    return {
        "sh_id": number,
        "played_at": BEGAN,
        "duration": 201,
        "playlist": "default",
        "streamer": "",
        "is_request": False,
        "song": song,
        **changed,
    }


def playing(now_playing: Any, *history: Any, **changed: Any) -> dict[str, Any]:
    return {
        "station": {"id": 1, "name": "Web Radio", "shortcode": "web"},
        "listeners": {"total": 3, "unique": 3, "current": 3},
        "live": {"is_live": False, "streamer_name": ""},
        "now_playing": now_playing,
        "playing_next": track(900),
        "song_history": list(history),
        "is_online": True,
        "cache": "event",
        **changed,
    }


def one(document: Any, source: AzuraCastSource = WEB) -> Candidate:
    (found,) = read(source, json.dumps(document))
    return found


def test_a_track_has_all_that_is_told_of_it() -> None:
    """And began when AzuraCast says."""
    found = one(playing({**track(812), "elapsed": 60, "remaining": 141}))

    assert found.source_id == "1/812"
    assert found.date == datetime.fromtimestamp(BEGAN, UTC)
    assert found.body == {
        "title": "Low Tide",
        "artist": "Paper Ferries",
        "album": "Harbour",
        "isrc": "DEA012600001",
        "art": "https://cast.example/api/station/web/art/0a1b-1795000000.jpg",
        "duration": 201.0,
        "tags": ["Indie"],
        "date_published": found.date,
        "started_at": found.date,
    }


def test_a_track_stays_the_same_when_it_becomes_history() -> None:
    """Same key, same content: nothing is written, whichever look was first."""
    now = read(WEB, json.dumps(playing({**track(812), "elapsed": 3, "remaining": 9})))
    later = read(WEB, json.dumps(playing(track(813), track(812), track(811))))

    assert [found.source_id for found in later] == ["1/813", "1/812", "1/811"]
    assert later[1].id == now[0].id
    assert later[1].content_hash == now[0].content_hash


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (playing(None, track(811), is_online=False), ["1/811"]),
        (playing(track(0, song={"title": "Station Offline"}), is_online=False), []),
        (playing({}, None, 7, {"song": None}), []),
        (playing(None), []),
        ({"now_playing": None}, []),
        ({"now_playing": {"song": []}, "song_history": {"sh_id": 1}}, []),
    ],
)
def test_a_station_off_the_air_is_no_fault(document: Any, ids: list[str]) -> None:
    """What was on before stays."""
    batch = parse(WEB if "station" in document else ALL, json.dumps(document))

    assert [raw.source_id for raw in batch.candidates] == ids
    assert batch.faults == []


def test_one_station_of_many_is_chosen() -> None:
    """By its short name or its number; a name that is not there is told."""
    other = {"id": 2, "name": "Jazz", "shortcode": "jazz"}
    document = json.dumps([playing(track(1)), playing(track(2), station=other)])

    def ids(source: AzuraCastSource) -> list[str]:
        return [found.source_id for found in read(source, document)]

    assert ids(WEB) == ["1/1"]
    assert ids(AzuraCastSource("x", "https://cast.example", station="2")) == ["2/2"]
    assert ids(ALL) == ["1/1", "2/2"]
    rock = AzuraCastSource("x", "https://cast.example", station="rock")
    assert parse(rock, document).faults == ["has no station rock"]


@pytest.mark.parametrize(
    ("song", "entry", "artist", "title"),
    [
        ({"artist": "", "title": "A - B"}, {}, "A", "B"),
        ({"artist": None, "title": None}, {}, "Paper Ferries", "Low Tide"),
        ({"artist": "", "title": "Show"}, {"streamer": "DJ Ada"}, "DJ Ada", "Show"),
        ({"artist": "", "title": "Show"}, {}, "Web Radio", "Show"),
        ({"artist": "Ada", "title": ""}, {}, "Ada", "Low Tide"),
    ],
)
def test_live_shows_have_less(
    song: dict[str, Any], entry: dict[str, Any], artist: str, title: str
) -> None:
    """The streamer, or else the station, stands for the artist."""
    changed = {"text": "Paper Ferries - Low Tide", **song}
    if artist == "Ada":
        changed["text"] = "Ada - Low Tide"
    found = one(playing(track(5, song=changed, **entry)))

    assert (found.body["artist"], found.body["title"]) == (artist, title)


@pytest.mark.parametrize("began", [None, 0, "", "soon", -5e20, 1e30, [], True])
def test_an_odd_time_is_dated_by_the_first_look(began: Any) -> None:
    """The same at every look, so nothing is written again."""
    document = playing(track(5, played_at=began))

    assert one(document).date is None
    assert one(document).content_hash == one(document).content_hash


def test_a_clock_that_is_ahead_is_not_believed() -> None:
    """A minute is; an hour would keep the track on top for an hour."""
    minute, hour = (int(NOW.timestamp()) + ahead for ahead in (60, 3_600))

    assert one(playing(track(5, played_at=minute))).date is not None
    assert one(playing(track(5, played_at=hour))).date is None


def test_without_a_number_the_time_identifies_a_track() -> None:
    """Without either it is told, and left out."""
    (found,) = read(WEB, json.dumps(playing(track(0))))
    batch = parse(WEB, json.dumps(playing(track(None, played_at=None))))

    assert found.source_id == f"1/at/{BEGAN}"
    assert batch.candidates == []
    assert batch.faults == ["Paper Ferries - Low Tide: has neither sh_id nor played_at"]


def test_a_streamer_is_the_author() -> None:
    """For channels such as radio.shows.{author_slug}."""
    found = one(playing(track(5, streamer="DJ Ada")))

    assert found.body["authors"] == [{"name": "DJ Ada"}]


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", '{"code": 404}', "<html>", "\xff", "[" * 9_999]
)
def test_what_is_not_of_azuracast_is_an_error(body: str) -> None:
    """It says of whom it is not."""
    with pytest.raises(SourceError, match="AzuraCast"):
        parse(WEB, body)


@pytest.mark.parametrize(
    ("url", "options", "asked"),
    [
        ("/", {"station": "web"}, "/api/nowplaying_static/web.json"),
        ("", {"station": "7"}, "/api/nowplaying/7"),
        ("", {}, "/api/nowplaying"),
        ("/api/nowplaying/7", {}, "/api/nowplaying/7"),
        ("/api/nowplaying_static/web.json", {}, "/api/nowplaying_static/web.json"),
    ],
)
def test_the_cheapest_document_is_asked_for(
    url: str, options: dict[str, str], asked: str
) -> None:
    """A file, where the short name is known."""
    source = AzuraCastSource("onair", f"https://cast.example{url}", **options)

    assert source.request({}).url == f"https://cast.example{asked}"


def test_secrets_are_long_and_told_by_nothing() -> None:
    """Not by ``repr``, which may reach a log."""
    found = secret("0123456789abcdef")

    assert "0123" not in repr(found)
    for value in ("short", "x" * 201, "with spaces in between", "ümläut" * 4, None, 7):
        with pytest.raises(ValueError, match="16 to 200"):
            secret(value)
    for value in ("", "a/b", "x" * 101, None, []):
        with pytest.raises(ValueError, match="short name"):
            station(value)
    assert station(7) == "7"


def test_offers_are_what_the_schema_takes() -> None:
    """With values of any length."""
    song = {
        "artist": "A" * 999,
        "title": "T" * 999,
        "art": "x" * 9_999,
        "isrc": "i" * 99,
    }
    batch = parse(WEB, json.dumps(playing(track(5, song=song, duration=10**12))))

    assert len(offers(WEB, batch)) == 1
