"""What a source asks for and what it gets, apart from how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from feedsvc.errors import SourceError


@dataclass(frozen=True, slots=True)
class Request:
    """One GET.  ``headers`` may hold secrets and never reach a log."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileRequest(Request):
    """Files of this machine instead: ``path``, whose last part may have wildcards.

    ``known`` are the stamps, by name, of those that need not be read again.
    """

    path: str = ""
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names are in lower case.

    ``url`` is where the body was found, after redirects.  ``moved_to`` is set if
    every redirect on the way was a permanent one.
    """

    url: str
    body: bytes
    fetched_at: datetime
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    moved_to: str | None = None


def shown(url: str) -> str:
    """Return the URL without what may be secret: credentials and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


class FetchError(SourceError):
    """A request did not bring what was asked for.

    ``status`` is there if a server answered, ``retry_after_s`` if it said when to
    come again.
    """

    def __init__(
        self,
        url: str,
        what: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(url, what)
        self.url = url
        self.what = what
        self.status = status
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{shown(self.url)}: {self.what}"
