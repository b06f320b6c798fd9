"""Items as publishers and sources offer them.

The fields follow JSON Feed 1.1, for events schema.org's Event.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from feedsvc.errors import BadMessage
from feedsvc.schema.fields import (
    Closed,
    Flag,
    Instant,
    ItemId,
    Link,
    Seconds,
    Text,
    WholeNumber,
    load,
)
from feedsvc.schema.markup import plain_text, sanitize

MAX_TITLE = 300
MAX_TEXT = 20_000
MAX_HTML = 100_000
MAX_SUMMARY = 1_000
MAX_NAME = 200
MAX_AUTHORS = 10
MAX_ATTACHMENTS = 20
MAX_TAGS = 30
MAX_TAG = 64

EVENT_STATUS = ("scheduled", "cancelled", "postponed", "rescheduled", "moved_online")

# What an item of a type must have beside its type.
NEEDED: Mapping[ItemType, tuple[str, ...]] = {
    ItemType.ARTICLE: ("title",),
    ItemType.EVENT: ("title", "starts_at"),
    ItemType.TRACK: ("title", "artist"),
}

_LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"


class AuthorSchema(Closed):
    name = Text(MAX_NAME, required=True)
    url = Link()
    avatar = Link()


class AttachmentSchema(Closed):
    url = Link(required=True)
    mime_type = Text(128)
    title = Text(MAX_TITLE)
    size_in_bytes = WholeNumber()
    duration_in_seconds = Seconds()
    width = WholeNumber()
    height = WholeNumber()
    alt = Text(2_000, least=0)


class VenueSchema(Closed):
    name = Text(MAX_NAME)
    street = Text(MAX_NAME)
    city = Text(MAX_NAME)
    region = Text(MAX_NAME)
    country = Text(MAX_NAME)
    lat = fields.Float(validate=validate.Range(-90, 90, error="must be -90 to 90"))
    lon = fields.Float(validate=validate.Range(-180, 180, error="must be -180 to 180"))
    url = Link()


class PerformerSchema(Closed):
    name = Text(MAX_NAME, required=True)
    url = Link()


class OfferSchema(Closed):
    name = Text(MAX_NAME)
    url = Link()
    price = fields.Float(validate=validate.Range(min=0, error="must be 0 or more"))
    currency = Text(3)
    availability = Text(64)


def _list(schema: type[Schema], most: int) -> fields.List[Any]:
    few = validate.Length(max=most, error=f"must have at most {most}")
    return fields.List(fields.Nested(schema), validate=few)


class ItemSchema(Closed):
    """An item as publishers offer it."""

    id = ItemId()
    type = fields.Enum(
        ItemType,
        by_value=True,
        required=True,
        error_messages={"unknown": "must be one of {choices}"},
    )
    date = Instant()
    publish_at = Instant()
    url = Link()
    external_url = Link()
    title = Text(MAX_TITLE)
    content_text = Text(MAX_TEXT, least=0)
    content_html = Text(MAX_HTML, least=0)
    summary = Text(MAX_SUMMARY, least=0)
    language = fields.String(
        validate=validate.Regexp(_LANGUAGE, error="must be a BCP 47 tag such as en-GB")
    )
    authors = _list(AuthorSchema, MAX_AUTHORS)
    attachments = _list(AttachmentSchema, MAX_ATTACHMENTS)
    tags = fields.List(
        Text(MAX_TAG),
        validate=validate.Length(max=MAX_TAGS, error=f"must have at most {MAX_TAGS}"),
    )
    date_published = Instant()
    date_modified = Instant()
    date_raw = Text(MAX_NAME)
    sensitive = Flag()
    repost_of = Link()
    in_reply_to = Link()
    # events
    starts_at = Instant()
    ends_at = Instant()
    timezone = Text(64)
    all_day = Flag()
    time_tba = Flag()
    doors_at = Instant()
    status = fields.String(
        validate=validate.OneOf(
            EVENT_STATUS, error=f"must be one of {', '.join(EVENT_STATUS)}"
        )
    )
    previous_starts_at = Instant()
    venue = fields.Nested(VenueSchema)
    performers = _list(PerformerSchema, 50)
    offers = _list(OfferSchema, 20)
    # tracks
    artist = Text(MAX_NAME)
    album = Text(MAX_TITLE)
    isrc = Text(32)
    started_at = Instant()
    duration = Seconds()
    art = Link()

    @validates_schema
    def _has_what_its_type_needs(self, data: Mapping[str, Any], **_: Any) -> None:
        kind = data["type"]
        for name in NEEDED.get(kind, ()):
            if name not in data:
                raise ValidationError(f"is required for type {kind.value}", name)


_ITEM = ItemSchema()
BODY_FIELDS = frozenset(_ITEM.fields) - {"id", "type", "date", "publish_at"}


def offer(
    data: object,
    *,
    channel: Channel,
    item_id: str | None = None,
    source: str = "api",
    source_id: str = "",
    alt_id: str | None = None,
    backfill: bool = False,
) -> Candidate:
    """Return the candidate that ``data`` describes under the wire's field names.

    ``item_id`` is the id from outside ``data`` (a path, a source's key); where
    neither has one, a new one is made.  HTML is sanitised and, where no text is
    given, the text is taken from it.  Raise ``BadMessage``, which names the field
    and the rule.
    """
    if not isinstance(data, Mapping):
        raise BadMessage("item", "must be a JSON object")
    data = _own_fields(data, channel, item_id)
    body = load(_ITEM, data)
    kind, date = body.pop("type"), body.pop("date", None)
    publish_at = body.pop("publish_at", None)
    if "content_html" in body:
        body["content_html"] = sanitize(body["content_html"])
        body.setdefault("content_text", plain_text(body["content_html"])[:MAX_TEXT])
    if kind is ItemType.TRACK and "started_at" not in body and date is not None:
        body["started_at"] = date
    own_id = body.pop("id", None) or _new_id()
    return Candidate(
        id=own_id,
        type=kind,
        channel=channel,
        body={key: value for key, value in body.items() if value not in ("", [])},
        date=date,
        publish_at=publish_at,
        source=source,
        source_id=source_id,
        alt_id=alt_id,
        backfill=backfill,
    )


def _own_fields(
    data: Mapping[str, Any], channel: Channel, item_id: str | None
) -> dict[str, Any]:
    own = dict(data)
    named = own.pop("channel", None)
    if named is not None and Channel.parse(named) != channel:
        raise BadMessage("channel", f"must be absent or {channel}")
    if item_id is not None:
        if own.get("id") not in (None, item_id):
            raise BadMessage("id", "must be absent or the id that the address names")
        own["id"] = item_id
    return own


def _new_id() -> str:
    """Return an id that no one else makes; later ones sort after earlier ones."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"
