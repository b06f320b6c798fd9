"""Steps that tests of source types share: a response in, checked candidates out."""

from __future__ import annotations

from datetime import UTC, datetime

from feedsvc.core.item import Candidate
from ingest.exchange import Response
from ingest.offers import Template, to_offer
from ingest.sources.base import Batch, Source, State

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "http://radio.example/source"


def respond(body: bytes | str, **headers: str) -> Response:
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(URL, data, NOW, headers=named)


def parse(
    source: Source, body: bytes | str, state: State | None = None, **headers: str
) -> Batch:
    return source.parse(respond(body, **headers), state or {})


def offers(source: Source, batch: Batch) -> list[Candidate]:
    """Return the candidates as the schema takes them: it refuses what is unfit."""
    return [
        to_offer(source.name, raw, Template("radio.news"), backfill=False)
        for raw in batch.candidates
    ]


def read(source: Source, body: bytes | str, **headers: str) -> list[Candidate]:
    return offers(source, parse(source, body, **headers))
