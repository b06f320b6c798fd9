"""The track that a Shoutcast server plays: version 2 as JSON or XML, version 1's page.

The document itself tells what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from feedsvc.errors import SourceError
from ingest import lenient, shape
from ingest.exchange import Request, Response
from ingest.sources import tracks
from ingest.sources.base import Batch, Option, Source, State

# The status of many streams; a tree of it takes a hundred times as much.
MAX_XML = 500_000

_BODY = re.compile(r"(?is)<body\b[^>]{0,200}>(.*?)(?:</body|\Z)")
# Listeners, status, peak, most, unique listeners, bitrate; the title may have commas.
_SEVEN = re.compile(r"\s*\d*,(\d*),\d*,\d*,\d*,[^,]{0,20},(.*)", re.DOTALL)
_NEITHER = "not the status of a Shoutcast server"


def sid(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 1_000_000:
        raise ValueError("must be the number of a stream, from 1")
    return value


class ShoutcastSource(Source):
    """The stream ``sid`` of the server at ``url``, or the page that ``url`` names.

    A server whose stream is down is a station off the air, which is no fault.
    """

    kind = "shoutcast"
    options: ClassVar[Mapping[str, Option]] = {
        "sid": Option(sid, "number of the stream", 1),
        "charset": Option(
            tracks.charset, "what titles are in that come as neither UTF-8 nor Latin-1"
        ),
    }

    def request(self, state: State) -> Request:
        # Old servers send the stream itself to what does not look like a browser.
        headers = {"User-Agent": "Mozilla/5.0 (compatible; feedsvc)"}
        if len(urlsplit(self.url).path) > 1:
            return Request(self.url, headers)
        stats = f"/stats?sid={self.given['sid']}&json=1"
        return Request(urljoin(self.url, stats), headers)

    def parse(self, response: Response, state: State) -> Batch:
        found = self._status(tracks.decoded(response.body).strip())
        title = tracks.mended(found.get("songtitle", ""), self.given["charset"])
        name = tracks.mended(found.get("servertitle", ""), self.given["charset"])
        heard = tracks.announcement(title, tracks.station(name, self.name))
        is_on = heard is not None and found.get("streamstatus", "1") != "0"
        heard_now = [heard] if heard is not None and is_on else []
        played, kept = tracks.changes(
            heard_now, self.filters, state, response.fetched_at
        )
        return Batch(played, state=kept)

    def _status(self, text: str) -> Mapping[str, str]:
        """Return the fields of the stream, by their names in lower case."""
        if text.startswith("{"):
            return self._of_json(text)
        if "<SHOUTCASTSERVER" in text.upper():
            return _of_xml(text)
        body = _BODY.search(text)
        line = _SEVEN.fullmatch(body[1] if body else text)
        if line is None:
            raise SourceError(_NEITHER)
        return {"streamstatus": line[1], "songtitle": line[2]}

    def _of_json(self, text: str) -> Mapping[str, str]:
        try:
            found = shape.mapping(lenient.read(text))
        except ValueError as error:
            raise SourceError(_NEITHER) from error
        # The document of all streams lists them.
        for one in shape.mappings(found.get("streams")):
            if one.get("id") == self.given["sid"]:
                found = one
        if not found.keys() & {"songtitle", "streamstatus", "servertitle"}:
            raise SourceError(f"{_NEITHER}, or it has no stream {self.given['sid']}")
        return _texts(found)


def _of_xml(text: str) -> Mapping[str, str]:
    if len(text) > MAX_XML:
        raise SourceError(f"{_NEITHER}: too long")
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SourceError(f"{_NEITHER}: {error}") from error
    return _texts({one.tag.lower(): one.text for one in root.iter()})


def _texts(fields: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        name: shape.text(fields.get(name))
        for name in ("songtitle", "servertitle", "streamstatus")
        if fields.get(name) is not None
    }
