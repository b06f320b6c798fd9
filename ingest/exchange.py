"""What a source asks for and what it gets, apart from how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One GET.  ``headers`` may hold secrets and never reach a log."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


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
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
