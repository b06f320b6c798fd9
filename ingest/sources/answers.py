"""Answers of JSON APIs, as far as all of them are alike."""

from __future__ import annotations

from typing import Any

from feedsvc.errors import BadJSON, SourceError
from feedsvc.schema import parse_json


def read_json(body: bytes, whose: str) -> Any:
    """Return the JSON value; raise ``SourceError``, which says whose it is not."""
    try:
        return parse_json(body.removeprefix(b"\xef\xbb\xbf"), "answer")
    except BadJSON as error:
        raise SourceError(f"not an answer of {whose}: {error.rule}") from error
