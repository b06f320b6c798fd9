"""What streaming servers announce: one line of text that changes with the track."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from ingest import identity, trim
from ingest.filters import Filters
from ingest.sources.base import RawCandidate, State
from ingest.text import cut, title_of

# An announcement that is missing for less than this was never away.
GLITCH_S = 300
MAX_PLAYING = 100

_DASH = re.compile(r"(?:(?P<artist>.*?)\s)?[-–—](?:\s(?P<title>.*))?", re.DOTALL)
# What encoders and servers say when they know nothing.
_NOTHING = re.compile(
    r"[\W_]*|unknown|unnamed|untitled|undefined|null|n/a"
    r"|(?:unknown|unnamed|unspecified|no|missing) (?:artist|title|track|song|name)",
    re.IGNORECASE,
)


def charset(value: object) -> str:
    """Return the name of a charset; raise ``ValueError`` if there is none such."""
    try:
        return codecs.lookup(str(value)).name
    except LookupError as error:
        raise ValueError("must be a charset such as windows-1251") from error


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is on; ``artist`` is the station where the server names none."""

    artist: str
    title: str

    @property
    def text(self) -> str:
        return f"{self.artist} - {self.title}"


def announcement(text: str, station: str, artist: str = "") -> Announcement | None:
    """Return what ``text`` announces, or None if that is nothing.

    ``artist`` is there if the server tells it apart from the title.
    """
    title, artist = _line(text), _line(artist)
    if artist and title.casefold().startswith(f"{artist.casefold()} - "):
        title = title[len(artist) + 3 :]
    elif not artist and (found := _DASH.fullmatch(title)):
        # The first dash: an artist's name has one more rarely than a title has.
        artist, title = found["artist"] or "", found["title"] or ""
    if _NOTHING.fullmatch(artist):
        artist = ""
    if not artist and _NOTHING.fullmatch(title):
        return None
    if not title.strip("-–— "):
        artist, title = "", artist
    return Announcement(artist or station, title)


def station(name: str, otherwise: str) -> str:
    """Return the name of a station as its server tells it, if that is one."""
    line = _line(name)
    return otherwise if _NOTHING.fullmatch(line) else line


def changes(
    found: Iterable[Announcement], filters: Filters, state: State, now: datetime
) -> tuple[list[RawCandidate], dict[str, Any]]:
    """Return the tracks that were not on at the last look, and the state to keep.

    A track has no name of its own, so it is known by those before it: the same
    answer gives the same keys, and a track that comes again later gets another.
    What the filters leave out is as nothing: a slogan does not end a track.
    """
    wanted = (one for one in dict.fromkeys(found) if _is_wanted(one, filters))
    playing = list(itertools.islice(wanted, MAX_PLAYING))
    second = int(now.timestamp())
    before: Sequence[str] = state.get("playing", ())
    last = str(state.get("last") or now.isoformat())
    if not playing:
        since = state.get("quiet_since", second)
        if second - since >= GLITCH_S:
            before = ()
        return [], {"playing": list(before), "last": last, "quiet_since": since}
    tracks = []
    for one in playing:
        if one.text not in before:
            last = identity.digest(last, one.text)
            tracks.append(_track(last, one, now))
    return tracks, {"playing": [one.text for one in playing], "last": last}


def decoded(body: bytes) -> str:
    """Return the text: UTF-8, but what is not is of the west."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("utf-8", _WESTERN)


def mended(text: str, charset: str | None = None) -> str:
    """Return a text whose bytes were taken for Latin-1 as what it was.

    That is UTF-8 or else ``charset``; what makes no sense as either stays.
    """
    if text.isascii():
        return text
    for taken_for, was in (
        ("latin-1", "utf-8"),
        ("cp1252", "utf-8"),
        ("latin-1", charset or "latin-1"),
    ):
        try:
            return text.encode(taken_for).decode(was)
        except UnicodeError:
            continue
    return text


def _is_wanted(one: Announcement, filters: Filters) -> bool:
    body = {"title": one.title, "artist": one.artist}
    track = Candidate("", ItemType.TRACK, Channel("track"), body)
    return filters.reason(track, is_reply=False) is None


def _line(text: str) -> str:
    return cut(title_of(text, is_html=True), 300)


def _track(key: str, one: Announcement, now: datetime) -> RawCandidate:
    fields = {
        "type": "track",
        "title": one.title,
        "artist": one.artist,
        # When it was first seen: the server does not say when it began.
        "date_published": now,
    }
    return RawCandidate(key, trim.fit(fields))


def _western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_WESTERN = "ingest.western"
codecs.register_error(_WESTERN, _western)
