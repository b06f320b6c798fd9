"""JSON at the doors: what comes in is checked here and becomes core objects.

Strict: a field that is not known is refused, and every error names the field and
the rule.
"""

from __future__ import annotations

from feedsvc.schema.item import BODY_FIELDS, offer
from feedsvc.schema.markup import plain_text, sanitize, small_markup
from feedsvc.schema.requests import (
    parse_json,
    parse_limit,
    parse_request,
    parse_types,
    request_id,
)

__all__ = [
    "BODY_FIELDS",
    "offer",
    "parse_json",
    "parse_limit",
    "parse_request",
    "parse_types",
    "plain_text",
    "request_id",
    "sanitize",
    "small_markup",
]
