"""The track that an Icecast server plays, from its status document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

from feedsvc.errors import SourceError
from ingest import lenient, shape
from ingest.exchange import Request, Response
from ingest.sources import tracks
from ingest.sources.base import Batch, Option, Source, State
from ingest.text import one_line

STATUS = "/status-json.xsl"
MAX_MOUNTS = 1_000

# A server that has just started leaves out a brace.
_STARTING = re.compile(r'^\s*\{\s*"icestats"\s*:\s*"')


def mount(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/[^\s?#]{1,255}", value):
        raise ValueError("must be a mount point such as /live.mp3")
    return value


class IcecastSource(Source):
    """The server at ``url``: one of its mount points or all of them.

    A title on several mount points is one track.  A server without streams is a
    station that is off the air, which is no fault.
    """

    kind = "icecast"
    options: ClassVar[Mapping[str, Option]] = {
        "mount": Option(mount, "the mount point to watch; default all of them"),
        "charset": Option(
            tracks.charset, "what titles are in that come as neither UTF-8 nor Latin-1"
        ),
    }

    def request(self, state: State) -> Request:
        is_document = urlsplit(self.url).path.endswith((".xsl", ".json"))
        url = self.url if is_document else urljoin(self.url, STATUS)
        return Request(url, {"Accept": "application/json, */*;q=0.1"})

    def parse(self, response: Response, state: State) -> Batch:
        mounts = _mounts(response.body)
        names = [_mount_of(one) for one in mounts]
        wanted = self.given["mount"]
        faults = []
        if wanted is not None and mounts and wanted not in names:
            told = ", ".join(one_line(name)[:60] for name in names[:10])
            faults.append(f"{wanted} is not on; there is {told}")
        on = (
            one
            for one, name in zip(mounts, names, strict=True)
            if wanted in (None, name)
        )
        found, kept = tracks.changes(
            self._heard(on), self.filters, state, response.fetched_at
        )
        return Batch(found, faults, kept)

    def _heard(
        self, mounts: Iterator[Mapping[str, Any]]
    ) -> Iterator[tracks.Announcement]:
        for one in mounts:
            texts = {
                name: tracks.mended(shape.text(one.get(name)), self.given["charset"])
                for name in ("title", "artist", "server_name", *_OTHER_TITLES)
            }
            title = next(
                (texts[name] for name in ("title", *_OTHER_TITLES) if texts[name]), ""
            )
            station = tracks.station(texts["server_name"], self.name)
            heard = tracks.announcement(title, station, texts["artist"])
            if heard is not None:
                yield heard


# Where some servers and their forks say the whole line.
_OTHER_TITLES = ("yp_currently_playing", "display-title", "song")


def _mounts(body: bytes) -> list[dict[str, Any]]:
    """Return the mount points that have a source: none, one or a list of them."""
    text = _STARTING.sub('{"icestats":{"', tracks.decoded(body))
    try:
        found = shape.mapping(lenient.read(text)).get("icestats")
    except ValueError as error:
        raise SourceError(
            f"not the status of an Icecast server: {str(error).partition(': line')[0]}"
        ) from error
    if not isinstance(found, dict):
        raise SourceError("not the status of an Icecast server: has no icestats")
    return shape.mappings(found.get("source"))[:MAX_MOUNTS]


def _mount_of(one: Mapping[str, Any]) -> str:
    named = shape.text(one.get("mount")) or shape.text(one.get("listenurl"))
    try:
        return unquote(urlsplit(named).path)
    except ValueError:
        return ""
