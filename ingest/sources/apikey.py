"""Addresses that carry a key: what is asked for is the operator's, the key is added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ingest.secret import Secret
from ingest.sources.base import Option


def _key(value: object) -> Secret:
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,200}", value):
        raise ValueError("must be a key, which has no spaces; ${NAME} keeps it secret")
    return Secret(value)


APIKEY = Option(_key, "the key that the service gave out", required=True)


def address(
    url: str, path: str, given: Mapping[str, object], otherwise: Mapping[str, object]
) -> str:
    """Return ``url`` with ``given`` parameters, and ``otherwise`` those it lacks.

    A bare host is asked at ``path``.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query = {**{name: str(value) for name, value in otherwise.items()}, **query}
    query |= {name: str(value) for name, value in given.items()}
    asked = parts.path if len(parts.path) > 1 else path
    return urlunsplit((parts.scheme, parts.netloc, asked, urlencode(query), ""))
