"""What the HTTP API answers, as schemas of which its document is made.

Answers are put together from encoded texts, so nothing is dumped with these; a test
holds what the service really sends against them.
"""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields, validate

from feedsvc.core.item import Status
from feedsvc.schema.fields import Instant, ItemId
from feedsvc.schema.item import ItemSchema


class Answer(Schema):
    """An object that may get more fields one day."""

    class Meta:
        unknown = INCLUDE


class FaultSchema(Answer):
    """What went wrong, for programs and for people."""

    code = fields.String(required=True)
    text = fields.String(required=True)
    retry_after = fields.Float(metadata={"description": "seconds to wait"})


class ErrorSchema(Answer):
    """Every answer that is not good."""

    error = fields.Nested(FaultSchema, required=True)


class PublishedSchema(Answer):
    """What became of an item that was offered."""

    id = ItemId(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf([one.value for one in Status])
    )
    rev = fields.Integer(required=True, validate=validate.Range(min=1))


class ResultSchema(Answer):
    """What became of one item of a list: its status, or its error."""

    id = ItemId()
    status = fields.String()
    rev = fields.Integer()
    error = fields.Nested(FaultSchema)


class ResultsSchema(Answer):
    """What became of each item of a list, in its order."""

    results = fields.List(fields.Nested(ResultSchema), required=True)


class StoredItemSchema(ItemSchema):
    """An item as readers get it."""

    class Meta:
        unknown = INCLUDE

    id = ItemId(required=True)
    date = Instant(required=True)
    channel = fields.String(required=True)
    source = fields.String(required=True, metadata={"description": "who wrote it"})
    rev = fields.Integer(
        required=True, metadata={"description": "grows with every change"}
    )


class RemovedItemSchema(Answer):
    """What is left of a removed item."""

    id = ItemId(required=True)
    channel = fields.String(required=True)
    rev = fields.Integer(required=True)
    removed = fields.Boolean(required=True)


class ChannelSchema(Answer):
    """A channel and those below it."""

    channel = fields.String(required=True)
    items = fields.Integer(required=True, metadata={"description": "the channel's own"})
    total = fields.Integer(required=True, metadata={"description": "with all below"})
    channels = fields.List(fields.Nested("ChannelSchema"), required=True)


class ChannelsSchema(Answer):
    """The tree of channels."""

    channels = fields.List(fields.Nested(ChannelSchema), required=True)


class HealthSchema(Answer):
    """The process answers."""

    status = fields.String(required=True)


class ReadySchema(HealthSchema):
    """What the service stands on."""

    database = fields.String(required=True)
    change_stream = fields.String(required=True)
    draining = fields.Boolean(required=True)
    lag_s = fields.Float(required=True)
    position = fields.String(required=True)
