"""The kinds of values that fields hold, and how a broken rule is told.

With ``item.py`` the only importer of marshmallow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from feedsvc.errors import BadMessage

MAX_ID = 200
MAX_URL = 2048
MAX_SHOWN = 40
# 2^53 - 1: the largest integer that JSON readers agree on.
MAX_INTEGER = 2**53 - 1

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Text(fields.String):
    """A string without control characters, and valid in UTF-8."""

    def __init__(self, most: int, least: int = 1, **kwargs: Any) -> None:
        rule = f"must have {least} to {most} characters"
        length = validate.Length(min=least, max=most, error=rule)
        super().__init__(validate=length, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValidationError("must not have lone surrogates") from error
        return _CONTROLS.sub("", value)


class ItemId(fields.String):
    """An item's id: 1 to 200 printable characters."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
            raise ValidationError(f"must be a string of 1 to {MAX_ID} characters")
        if not value.isprintable():
            raise ValidationError("must have printable characters only")
        return value


class Link(Text):
    """An absolute http or https URL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(MAX_URL, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs).strip()
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and parts.hostname
        except ValueError:
            good = None
        if not good or any(char.isspace() for char in text):
            raise ValidationError("must be an absolute http or https URL")
        return text


class Instant(fields.Field[datetime]):
    """ISO 8601, to the millisecond; without a zone it is taken as UTC."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValidationError(
                "must be an instant such as 2026-11-24T08:30:00.000Z"
            ) from error
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


class WholeNumber(fields.Integer):
    """An integer that JSON readers agree on."""

    def __init__(self, least: int = 0, **kwargs: Any) -> None:
        rule = f"must be a whole number from {least} to {MAX_INTEGER}"
        span = validate.Range(min=least, max=MAX_INTEGER, error=rule)
        super().__init__(strict=True, validate=span, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        # To JSON 3.0 is an integer, and some languages write it so.
        whole = isinstance(value, float) and value.is_integer()
        return super()._deserialize(int(value) if whole else value, *args, **kwargs)


class Flag(fields.Boolean):
    """True or false, and nothing that merely equals one of them."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Seconds(fields.Float):
    """A duration in seconds."""

    def __init__(self, **kwargs: Any) -> None:
        rule = "must be a number of seconds from 0 to 1000000"
        super().__init__(validate=validate.Range(min=0, max=1e6, error=rule), **kwargs)


class Closed(Schema):
    """A schema that refuses what it does not know, and takes null as absent."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _drop_nulls(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None}


def load(schema: Schema, data: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        faults = list(_faults("", error.messages))
        field, rule = faults[0]
        others = "".join(f"; {name}: {text}" for name, text in faults[1:5])
        raise BadMessage(field, rule + others) from error
    return loaded


def _faults(field: str, messages: Any) -> Iterator[tuple[str, str]]:
    """Flatten marshmallow's nested messages to (dotted field, rule)."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            if name == "_schema":
                yield from _faults(field or "item", inner)
            else:
                inside = f"{field}.{shown(name)}" if field else shown(name)
                yield from _faults(inside, inner)
    else:
        for message in messages:
            yield field, _OUR_WORDS.get(str(message), str(message).rstrip("."))


def shown(name: object) -> str:
    """Return a field's name as errors tell it: a client's own may be anything."""
    text = str(name)
    short = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return short.encode("utf-8", "backslashreplace").decode()


_OUR_WORDS = {
    "Missing data for required field.": "is required",
    "Unknown field.": "is not a field of an item",
    "Not a valid string.": "must be a string",
    "Not a valid integer.": "must be a whole number",
    "Not a valid number.": "must be a number",
    "Not a valid list.": "must be a list",
    "Invalid input type.": "must be a JSON object",
    "Invalid type.": "must be a JSON object",
    "Special numeric values (nan or infinity) are not permitted.": "must be finite",
}
