"""What the HTTP API is, as an OpenAPI document: one entry for every route.

``PATHS`` is written by hand beside the routes, and a test holds one against the
other; the schemas are made of those that check the items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from feedsvc import __version__
from feedsvc.core.messages import DEFAULT_BACKLOG
from feedsvc.feeds import FORMATS
from feedsvc.net.openapi_pages import PAGES
from feedsvc.net.openapi_parts import (
    ANYBODY,
    CHANNEL,
    CURSOR,
    ERRORS,
    ETAG,
    ID,
    ITEM_BODY,
    ITEMS_BODY,
    JSON,
    NOT_MODIFIED,
    PAGE,
    PAGE_TOKEN,
    PATTERN,
    PUBLISHERS,
    RETRY_AFTER,
    REVOCATION,
    REVOCATION_BODY,
    TYPES,
    WRITE_ERRORS,
    file_answer,
    in_path,
    json_answer,
    limit,
    query,
    read_only,
    ref,
    responses,
)
from feedsvc.schema.openapi import document

DESCRIPTION = """\
Read and publish the items of channels such as `radio.artist.news`; a channel stands \
for itself and all below it.
Live delivery to browsers goes over SockJS at `/live`; server-sent events are below.
Every error is `{"error":{"code","text"}}`; what is answered with 429 or 503 may be \
tried again after `Retry-After` seconds.
"""
INFO = {
    "title": "feedsvc",
    "version": __version__,
    "description": DESCRIPTION,
}
SECURITY = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_READ_ITEMS = {
    "operationId": "readItems",
    "tags": ["Read"],
    "summary": "The newest items of a channel and below",
    "description": "By date, newest first; or with `after`, for pollers, what changed.",
    "security": ANYBODY,
    "parameters": [
        PATTERN,
        limit("limit", "Number of items", DEFAULT_BACKLOG),
        query("before", "`next` of the page before", PAGE_TOKEN),
        query("after", "A cursor", CURSOR),
        TYPES,
    ],
    "responses": responses(
        (200, json_answer("The items", ref("Page"), headers=ETAG)),
        NOT_MODIFIED,
        errors=(400, 401, 404, 503),
    ),
}
_PUBLISH = {
    "operationId": "publishItems",
    "tags": ["Publish"],
    "summary": "Publish one item, or a list of up to 1,000",
    "description": "Idempotent by `id`. Of a list, each item has a result of its own, "
    "in order; a bad one does not hold up the others.",
    "security": PUBLISHERS,
    "parameters": [CHANNEL],
    "requestBody": ITEMS_BODY,
    "responses": responses(
        (201, json_answer("The item is new", ref("Published"))),
        (
            200,
            json_answer(
                "The item was known; or what became of each item of the list",
                {"anyOf": [ref("Published"), ref("Results")]},
            ),
        ),
        errors=WRITE_ERRORS,
    ),
}
_PUT = {
    "operationId": "putItem",
    "tags": ["Publish"],
    "summary": "Publish one item under this id",
    "security": PUBLISHERS,
    "parameters": [CHANNEL, ID],
    "requestBody": ITEM_BODY,
    "responses": responses(
        (201, json_answer("The item is new", ref("Published"))),
        (200, json_answer("The item was known", ref("Published"))),
        errors=WRITE_ERRORS,
    ),
}
_EVENTS = {
    "operationId": "streamEvents",
    "tags": ["Read"],
    "summary": "What happens in a channel and below, as server-sent events",
    "description": "First `event: subscribed`, then `event: item`; the event's id is "
    "the cursor, so a browser's `EventSource` resumes by itself.",
    "security": ANYBODY,
    "parameters": [
        PATTERN,
        limit("backlog", "Items to begin with", DEFAULT_BACKLOG),
        TYPES,
        query("since", "A cursor", CURSOR),
        {
            "in": "header",
            "name": "Last-Event-ID",
            "description": "A cursor, newer than `since`; browsers send it",
            "schema": {**CURSOR, "pattern": f"({CURSOR['pattern']}|^$)"},
        },
    ],
    "responses": responses(
        (200, file_answer("The stream", "text/event-stream")),
        errors=(400, 401, 404, 503),
    ),
}


def _feed(operation_id: str, formats: Sequence[str]) -> JSON:
    """Return the route of feeds, which is the same for reading and asking."""
    kinds = [FORMATS[name].mime_type.partition(";")[0] for name in formats]
    in_address = in_path("format", "The format", {"type": "string", "enum": formats})
    # A calendar holds events and nothing else.
    given = [in_address, TYPES] if len(formats) > 1 else []
    return {
        "operationId": operation_id,
        "tags": ["Read"],
        "summary": "The backlog for feed readers, podcast players and calendars",
        "security": ANYBODY,
        "parameters": [
            PATTERN,
            limit("limit", "Number of items", 50),
            query("id", "One item alone", {"type": "string"}),
            *given,
        ],
        "responses": responses(
            (200, {**file_answer("The feed", *kinds), "headers": ETAG}),
            NOT_MODIFIED,
            errors=(400, 401, 404, 503),
        ),
    }


def _script(operation_id: str) -> JSON:
    name = {"type": "string", "pattern": "^[a-z][a-z0-9.-]*$", "examples": ["widget"]}
    return read_only(
        operation_id,
        "Documents",
        "A file of the widget, or the client alone",
        (200, file_answer("The script", "text/javascript")),
        NOT_MODIFIED,
        parameters=[in_path("script", "Its name, such as `widget` or `client`", name)],
        errors=(404,),
    )


def _health(operation_id: str) -> JSON:
    answer = 200, json_answer("It is alive", ref("Health"))
    return read_only(operation_id, "Health", "The process answers", answer)


def _ready(operation_id: str) -> JSON:
    return read_only(
        operation_id,
        "Health",
        "The database answers and its changes are followed",
        (200, json_answer("Ready", ref("Ready"))),
        (503, json_answer("Not ready", ref("Ready"), headers=RETRY_AFTER)),
    )


_REVOKE = {
    "operationId": "revokeTokens",
    "tags": ["Publish"],
    "summary": "End a token, or all of a subject's, before its time",
    "description": "Needs an admin's token. In force on every process within seconds; "
    "connections that have shown the token lose its rights.",
    "security": PUBLISHERS,
    "requestBody": REVOCATION_BODY,
    "responses": responses(
        (201, json_answer("It is revoked", REVOCATION)), errors=(400, 401, 503)
    ),
}

_FEEDS = [name for name, form in FORMATS.items() if form.only is None]

PATHS: Mapping[str, Mapping[str, JSON]] = {
    "/api/channels": {
        "get": read_only(
            "readChannels",
            "Read",
            "The tree of channels with counts",
            (
                200,
                json_answer(
                    "The channels that the caller may know of", ref("Channels")
                ),
            ),
            NOT_MODIFIED,
            security=ANYBODY,
            errors=(401, 503),
        )
    },
    "/api/channels/{channel}/items": {"get": _READ_ITEMS, "post": _PUBLISH},
    "/api/channels/{channel}/items/{id}": {"put": _PUT},
    "/api/channels/{channel}/events": {"get": _EVENTS},
    "/api/items/{id}": {
        "get": read_only(
            "readItem",
            "Read",
            "One item",
            (200, json_answer("The item", ref("StoredItem"))),
            NOT_MODIFIED,
            security=ANYBODY,
            parameters=[ID],
            errors=(401, 404, 503),
        ),
        "delete": {
            "operationId": "removeItem",
            "tags": ["Publish"],
            "summary": "Remove an item; twice is once",
            "security": PUBLISHERS,
            "parameters": [ID],
            "responses": responses(
                (204, {"description": "It is removed"}), errors=(401, 404, 503)
            ),
        },
    },
    "/api/revocations": {"post": _REVOKE},
    "/feeds/{channel}.{format}": {
        "get": _feed("readFeed", _FEEDS),
        "head": _feed("askFeed", _FEEDS),
    },
    "/feeds/{channel}.ics": {
        "get": _feed("readCalendar", ["ics"]),
        "head": _feed("askCalendar", ["ics"]),
    },
    **PAGES,
    "/healthz": {"get": _health("health"), "head": _health("askHealth")},
    "/readyz": {"get": _ready("ready"), "head": _ready("askReady")},
    "/api/": {
        "get": read_only(
            "readPage",
            "Documents",
            "This document as a page",
            (200, file_answer("The page", "text/html")),
        )
    },
    "/{script}.js": {"get": _script("readScript"), "head": _script("askScript")},
    "/api/openapi.json": {
        "get": read_only(
            "readDocument",
            "Documents",
            "This document",
            (200, json_answer("The document", {"type": "object"})),
            NOT_MODIFIED,
        )
    },
}


@cache
def api_document() -> JSON:
    """Return the document; it is the same for as long as the process lives."""
    responses = {
        name: json_answer(
            told, ref("Error"), **({"headers": headers} if headers else {})
        )
        for name, told, headers in ERRORS.values()
    }
    found = document(INFO, PATHS, responses, SECURITY)
    found["components"]["schemas"]["Page"] = PAGE
    return found
