"""Tracks of AzuraCast stations: polled, or told by AzuraCast's generic web hook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from feedsvc.errors import SourceError
from ingest import dates, identity, shape, trim
from ingest.exchange import Request, Response
from ingest.secret import Secret
from ingest.sources import tracks
from ingest.sources.answers import read_json
from ingest.sources.base import Batch, Option, RawCandidate, Source, State

MAX_HISTORY = 100
MAX_STATIONS = 100
MAX_LENGTH_S = 86_400


def station(value: object) -> str:
    if not isinstance(value, (str, int)) or not re.fullmatch(r"\w{1,100}", str(value)):
        raise ValueError("must be a station's short name or number")
    return str(value)


def secret(value: object) -> Secret:
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{16,200}", value):
        raise ValueError("must be 16 to 200 letters, digits and signs, without spaces")
    return Secret(value)


class AzuraCastSource(Source):
    """A station of the AzuraCast at ``url``, or all of its stations.

    Each look takes the track that is on and those before it.  A track has a number,
    so looking twice, or looking and being told, is the same as once.
    """

    kind = "azuracast"
    options: ClassVar[Mapping[str, Option]] = {
        "station": Option(station, "short name or number; default all stations"),
        "webhook_secret": Option(
            secret, "takes what AzuraCast's web hook tells with this secret"
        ),
    }

    def request(self, state: State) -> Request:
        if "/api/" in urlsplit(self.url).path:
            return Request(self.url)
        base = f"{self.url.rstrip('/')}/api/nowplaying"
        wanted = self.given["station"]
        if wanted is None:
            return Request(base)
        if wanted.isdecimal():
            return Request(f"{base}/{wanted}")
        # A file that the web server answers with, at no cost for the station.
        return Request(f"{base}_static/{quote(wanted)}.json")

    def parse(self, response: Response, state: State) -> Batch:
        stations = [
            one
            for one in shape.mappings(read_json(response.body, "AzuraCast"))
            if "now_playing" in one
        ]
        if not stations:
            raise SourceError("not what AzuraCast plays: has no now_playing")
        batch = Batch()
        wanted = [one for one in stations if self._is_wanted(one)]
        if not wanted:
            batch.faults.append(f"has no station {self.given['station']}")
        for one in wanted[:MAX_STATIONS]:
            self._take(one, response, batch)
        return batch

    def _is_wanted(self, playing: Mapping[str, Any]) -> bool:
        of = shape.mapping(playing.get("station"))
        names = {shape.text(of.get(name)) for name in ("shortcode", "id")}
        return self.given["station"] is None or self.given["station"] in names

    def _take(
        self, playing: Mapping[str, Any], response: Response, batch: Batch
    ) -> None:
        of = shape.mapping(playing.get("station"))
        name = shape.text(of.get("name")) or self.name
        # A number stays when a station changes its short name.
        prefix = shape.text(of.get("id")) or shape.text(of.get("shortcode"))
        for entry in _entries(playing):
            song = shape.mapping(entry.get("song"))
            heard = _heard(song, entry, name)
            key = _key(entry)
            if heard is None:
                continue
            if key is None:
                batch.faults.append(f"{heard.text}: has neither sh_id nor played_at")
                continue
            batch.candidates.append(
                _candidate(f"{prefix}/{key}", heard, song, entry, response)
            )


def _entries(playing: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what is on, unless the station is off the air, and what was on before."""
    if playing.get("is_online") is not False:
        yield shape.mapping(playing["now_playing"])
    yield from shape.mappings(playing.get("song_history"))[:MAX_HISTORY]


def _heard(
    song: Mapping[str, Any], entry: Mapping[str, Any], name: str
) -> tracks.Announcement | None:
    title, artist = shape.text(song.get("title")), shape.text(song.get("artist"))
    by = shape.text(entry.get("streamer")) or name
    return tracks.announcement(title or shape.text(song.get("text")), by, artist)


def _key(entry: Mapping[str, Any]) -> str | None:
    number = shape.text(entry.get("sh_id"))
    if number not in ("", "0"):
        return number
    since = shape.number(entry.get("played_at"))
    return f"at/{int(since)}" if since else None


def _candidate(
    key: str,
    heard: tracks.Announcement,
    song: Mapping[str, Any],
    entry: Mapping[str, Any],
    response: Response,
) -> RawCandidate:
    streamer = shape.text(entry.get("streamer"))
    fields: dict[str, Any] = {
        "type": "track",
        "title": heard.title,
        "artist": heard.artist,
        "album": shape.text(song.get("album")),
        "isrc": shape.text(song.get("isrc")),
        "art": shape.text(song.get("art")),
        "duration": _length(entry),
        "tags": [shape.text(song.get("genre"))],
        "authors": [{"name": streamer}],
        **_began(entry, response.fetched_at),
    }
    return RawCandidate(identity.bounded(key), trim.fit(fields, response.url))


def _length(entry: Mapping[str, Any]) -> int | None:
    seconds = trim.whole(entry.get("duration"))
    return seconds if seconds and seconds < MAX_LENGTH_S else None


def _began(entry: Mapping[str, Any], now: datetime) -> dict[str, object]:
    raw = shape.text(entry.get("played_at"))
    seconds = shape.number(raw)
    try:
        began = datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        began = None
    return dates.published(began, raw, now)
