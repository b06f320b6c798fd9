"""The pieces that the OpenAPI document is put together from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedsvc.core.channel import MAX_BYTES
from feedsvc.core.item import ItemType
from feedsvc.core.messages import MAX_BACKLOG
from feedsvc.schema.fields import MAX_ID
from feedsvc.schema.openapi import PRINTABLE

JSON = dict[str, Any]

# Public channels are open to everybody, private ones to who has a token.
ANYBODY: list[JSON] = [{}, {"bearer": []}]
PUBLISHERS: list[JSON] = [{"bearer": []}]

_SEGMENT = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
# Fifteen bytes in Base64, of which the first is the version, 1.
CURSOR = {"type": "string", "pattern": "^A[Q-Za-f][A-Za-z0-9_-]{18}$"}
# What a cursor is for dates: made by the service, and opaque.
PAGE_TOKEN = {"type": "string", "format": "page"}
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait",
        "schema": {"type": "integer", "minimum": 1},
    }
}
ETAG = {"ETag": {"description": "Of the items", "schema": {"type": "string"}}}


def ref(schema: str) -> JSON:
    return {"$ref": f"#/components/schemas/{schema}"}


def json_answer(description: str, schema: JSON, **more: Any) -> JSON:
    content = {"application/json": {"schema": schema}}
    return {"description": description, "content": content, **more}


def file_answer(description: str, *mime_types: str) -> JSON:
    return {"description": description, "content": {one: {} for one in mime_types}}


# What any route may answer; each names those that it does.
ERRORS: Mapping[int, tuple[str, str, JSON]] = {
    400: ("BadInput", "A rule was broken; the text names the field and the rule", {}),
    401: (
        "Unauthorized",
        "A token is missing, not valid, or its time is over",
        {"WWW-Authenticate": {"schema": {"type": "string"}}},
    ),
    403: ("Forbidden", "The token, or the page's origin, does not allow this", {}),
    404: ("NotFound", "No such thing, or none that the caller may know of", {}),
    409: ("Conflict", "The id is taken by an item of another channel", {}),
    413: ("TooLarge", "The body is longer than the service takes", {}),
    429: ("RateLimited", "Too often; try again later", RETRY_AFTER),
    500: ("Internal", "A fault of the service; it has been logged", {}),
    503: ("Unavailable", "The database does not answer; try again", RETRY_AFTER),
}


def responses(*good: tuple[int, JSON], errors: tuple[int, ...] = ()) -> JSON:
    """Return the good answers and the named errors, and those that any route has."""
    found: JSON = {str(status): response for status, response in good}
    for status in sorted({*errors, 403, 429, 500}):
        name, _, _ = ERRORS[status]
        found.setdefault(str(status), {"$ref": f"#/components/responses/{name}"})
    return found


def query(name: str, description: str, schema: JSON, **more: Any) -> JSON:
    return {
        "in": "query",
        "name": name,
        "description": description,
        "schema": schema,
        **more,
    }


def in_path(name: str, description: str, schema: JSON) -> JSON:
    return {**query(name, description, schema), "in": "path", "required": True}


CHANNEL = in_path(
    "channel",
    "A channel",
    {
        "type": "string",
        "pattern": rf"^{_SEGMENT}(\.{_SEGMENT}){{0,9}}$",
        "maxLength": MAX_BYTES,
        "examples": ["radio.artist.news"],
    },
)
PATTERN = in_path(
    "channel",
    "A channel, meaning its subtree; `*` stands for one segment, but the first only "
    "for who may read everything",
    {
        "type": "string",
        "pattern": rf"^{_SEGMENT}(\.({_SEGMENT}|\*)){{0,9}}$",
        "maxLength": MAX_BYTES,
        "examples": ["radio.artist", "radio.*.news"],
    },
)
ID = in_path(
    "id",
    "The item's id, percent-encoded",
    {"type": "string", **PRINTABLE},
)
TYPES = query(
    "types",
    "Item types, comma-separated or repeated; all, if absent",
    {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "enum": [one.value for one in ItemType]},
    },
    style="form",
    explode=False,
)


def limit(name: str, description: str, default: int) -> JSON:
    schema = {"type": "integer", "minimum": 0, "default": default}
    return query(name, f"{description}; more than {MAX_BACKLOG} is clamped", schema)


PAGE = {
    "type": "object",
    "description": "A page of the backlog, or with `after` what changed since.",
    "required": ["items", "cursor"],
    "properties": {
        "items": {
            "type": "array",
            "items": {"anyOf": [ref("StoredItem"), ref("RemovedItem")]},
        },
        "cursor": {"type": "string", "description": "`after` of the next poll"},
        "next": {
            "type": ["string", "null"],
            "description": "`before` of the next page",
        },
        "resumed": {
            "type": "boolean",
            "description": "With `after`: false says that `items` is a fresh backlog, "
            "which replaces what the client has",
        },
    },
}
NOT_MODIFIED = (304, {"description": "Nothing new for this ETag"})
WRITE_ERRORS = (400, 401, 403, 404, 409, 413, 429, 503)
ITEM_BODY = {
    "required": True,
    "content": {"application/json": {"schema": ref("AddressedItem")}},
}
ITEMS_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    ref("Item"),
                    {"type": "array", "maxItems": 1_000, "items": {}},
                ]
            }
        }
    },
}

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_ID}
_INSTANT = {"type": "string", "format": "date-time"}
REVOCATION: JSON = {
    "type": "object",
    "description": "What is revoked: the token of this `jti`; or of this `sub` all "
    "that were issued before an instant, which is now if absent. After `expires` those "
    "tokens are over by themselves, and the revocation is forgotten.",
    "properties": {
        "jti": _NAME,
        "sub": _NAME,
        "issued_before": _INSTANT,
        "expires": _INSTANT,
    },
    "additionalProperties": False,
    "oneOf": [
        {"required": ["jti"], "not": {"required": ["issued_before"]}},
        {"required": ["sub"]},
    ],
}
REVOCATION_BODY = {
    "required": True,
    "content": {"application/json": {"schema": REVOCATION}},
}


def read_only(
    operation_id: str, tag: str, summary: str, *good: tuple[int, JSON], **more: Any
) -> JSON:
    """Return a route that only shows something."""
    errors = more.pop("errors", ())
    return {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        "security": [],
        **more,
        "responses": responses(*good, errors=errors),
    }
