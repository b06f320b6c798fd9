"""Documents on disk, in any of the formats that other sources read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from feedsvc.errors import SourceError
from ingest.disk import WILDCARDS, Index, Piece
from ingest.exchange import FileRequest, Request, Response
from ingest.sources.base import Batch, Option, Source, State
from ingest.sources.bluesky import BlueskySource
from ingest.sources.feed import FeedSource
from ingest.sources.ical import CalendarSource
from ingest.sources.json_api import JsonSource
from ingest.sources.jsonld import PageSource
from ingest.sources.mastodon import MastodonSource
from ingest.sources.songkick import SongkickSource
from ingest.sources.ticketmaster import TicketmasterSource
from ingest.sources.x import XSource

# With the keys of their types that say how a document is read, not where it is got.
FORMATS: Mapping[str, tuple[type[Source], tuple[str, ...]]] = {
    "feed": (FeedSource, ()),
    "ical": (CalendarSource, ("timezone", "horizon")),
    "jsonld": (PageSource, ("timezone",)),
    "json": (JsonSource, ("fields", "item_type", "items", "timezone")),
    "mastodon": (MastodonSource, ()),
    "bluesky": (BlueskySource, ()),
    "x": (XSource, ()),
    "ticketmaster": (TicketmasterSource, ("timezone",)),
    "songkick": (SongkickSource, ("timezone",)),
}
MAX_PATH = 1_024


def _path(value: object) -> str:
    if not isinstance(value, str) or not 1 < len(value) <= MAX_PATH or "\0" in value:
        raise ValueError(f"must be a path of at most {MAX_PATH} characters")
    path = os.path.normpath(value)
    if not os.path.isabs(path) or not os.path.basename(path):
        raise ValueError("must be absolute, such as /srv/feeds/*.xml")
    if any(one in os.path.dirname(path) for one in WILDCARDS):
        raise ValueError("may have * and ? in its last part only")
    return path


def _format(value: object) -> str:
    if value not in FORMATS:
        raise ValueError(f"must be one of {', '.join(sorted(FORMATS))}")
    return str(value)


class FileSource(Source):
    """The file at ``path``, or all that match its ``*``, read again when they change.

    Each is read as ``format`` says, with links that are relative to ``url``.
    """

    kind = "file"
    home = "file:"
    options: ClassVar[Mapping[str, Option]] = {
        "path": Option(_path, "the file, or files with * in their name", required=True),
        "format": Option(
            _format, "type of source that such documents come from", required=True
        ),
    }

    def __init__(self, name: str, url: str, **options: Any) -> None:
        super().__init__(name, f"file://{options['path']}", **options)
        kind, keys = FORMATS[options["format"]]
        own = {key: options[key] for key in keys if options.get(key) is not None}
        self._reader = kind(name, url, **own)
        self._base = url if url != self.home else self.url

    @classmethod
    def options_for(cls, table: Mapping[str, Any]) -> Mapping[str, Option]:
        kind, keys = FORMATS.get(str(table.get("format")), (cls, ()))
        return {**cls.options, **{key: kind.options[key] for key in keys}}

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        kind, keys = FORMATS[options["format"]]
        defaults = {key: option.default for key, option in kind.options.items()}
        # Of the others only who is asked could be wrong, and nobody is.
        return kind.check({**defaults, **options}) if keys else None

    def request(self, state: State) -> Request:
        return FileRequest(
            self.url, path=self.given["path"], known=dict(state.get("known", ()))
        )

    def parse(self, response: Response, state: State) -> Batch:
        index = Index.of(response.headers)
        batch, removed, at = Batch(faults=index.faults), list[str](), 0
        for piece in index.pieces:
            found = self._read(piece, response, at)
            at += piece.size
            batch.candidates.extend(found.candidates)
            batch.faults.extend(f"{piece.name}: {fault}" for fault in found.faults)
            removed.extend(found.removed)
        known = {**dict(state.get("known", ())), **_stamps(index)}
        # As pairs, for a file's name may have dots in it.
        kept = [[name, known[name]] for name in index.names if name in known]
        return Batch(
            batch.candidates,
            batch.faults,
            state={"known": kept},
            more=index.more,
            removed=removed,
        )

    def _read(self, piece: Piece, response: Response, at: int) -> Batch:
        """Return what a file holds; a broken one does not lose the others."""
        if piece.fault:
            return Batch(faults=[piece.fault])
        body = response.body[at : at + piece.size]
        document = replace(response, url=self._base, body=body, headers={})
        try:
            return self._reader.parse(document, {})
        except SourceError as error:
            return Batch(faults=[str(error)])


def _stamps(index: Index) -> dict[str, str]:
    return {piece.name: piece.stamp for piece in index.pieces}
