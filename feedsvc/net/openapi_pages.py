"""The pages of channels, in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from feedsvc.core.messages import DEFAULT_BACKLOG
from feedsvc.net.openapi_parts import (
    ERRORS,
    ETAG,
    JSON,
    NOT_MODIFIED,
    PAGE_TOKEN,
    PATTERN,
    file_answer,
    json_answer,
    limit,
    query,
    read_only,
)

_TEXT = {"type": "string"}
_PIXELS = {"type": "integer", "minimum": 1}
_HTML = "text/html"


def _pages(*errors: int) -> list[tuple[int, JSON]]:
    """Return these errors as pages, which people read."""
    return [(one, file_answer(ERRORS[one][1], _HTML)) for one in (*errors, 403, 500)]


def _embed(operation_id: str) -> JSON:
    return read_only(
        operation_id,
        "Pages",
        "A channel as a page, for a frame or by itself",
        (200, {**file_answer("The page", _HTML), "headers": ETAG}),
        NOT_MODIFIED,
        *_pages(400, 401, 404, 503),
        parameters=[
            PATTERN,
            limit("backlog", "Number of items", DEFAULT_BACKLOG),
            query("before", "The page further back, as its link has it", PAGE_TOKEN),
            query("layout", "`list`, `compact`, `cards` or `ticker`", _TEXT),
            query("theme", "`auto`, `light` or `dark`", _TEXT),
            query("lang", "The page's language", _TEXT),
            query("accent", "A colour, six hexadecimal digits", _TEXT),
        ],
    )


def _oembed(operation_id: str) -> JSON:
    return read_only(
        operation_id,
        "Pages",
        "How another site shows such a page: oEmbed 1.0",
        (200, json_answer("The description", {"type": "object"})),
        NOT_MODIFIED,
        description="`format=xml` gives the same as XML; any other format is 501.",
        parameters=[
            query("url", "Address of the page", _TEXT, required=True),
            query("maxwidth", "The most pixels in width", _PIXELS),
            query("maxheight", "The most pixels in height", _PIXELS),
        ],
        errors=(400, 404, 503),
    )


def _builder(operation_id: str) -> JSON:
    return read_only(
        operation_id,
        "Pages",
        "A page that writes snippets for other pages",
        (200, file_answer("The page", _HTML)),
        NOT_MODIFIED,
        *_pages(503),
    )


PAGES: Mapping[str, Mapping[str, JSON]] = {
    "/embed/{channel}": {"get": _embed("readEmbed"), "head": _embed("askEmbed")},
    "/oembed": {"get": _oembed("readOEmbed"), "head": _oembed("askOEmbed")},
    "/builder": {"get": _builder("readBuilder"), "head": _builder("askBuilder")},
}
