"""Messages and their signatures, against what the specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.position import Cursor, Position
from feedsvc.webhooks.message import Message, headers, message

SECRET = b"0123456789abcdef01234567"
CURSOR = Cursor(b"abcd", Position(1_764_000_000, 7))


def item(**more: object) -> Item:
    fields = {"body": {"title": "Tide"}, "rev": 1, **more}
    return Item(
        id="a.b",
        type=ItemType.POST,
        channel=Channel("radio.news"),
        date=datetime(2026, 11, 24, tzinfo=UTC),
        **fields,  # type: ignore[arg-type]  # the test's own
    )


def test_a_message_tells_type_time_and_the_item_as_readers_get_it() -> None:
    """The payload of the specification."""
    told = json.loads(message(item(), CURSOR).body)

    assert set(told) == {"type", "timestamp", "data"}
    assert told["type"] == "item.created"
    assert told["timestamp"] == "2025-11-24T16:00:00.000Z"
    assert told["data"]["id"] == "a.b"
    assert told["data"]["title"] == "Tide"


def test_a_removed_item_is_told_without_its_content() -> None:
    """As everywhere."""
    at = datetime(2026, 11, 24, tzinfo=UTC)
    removed = message(item(rev=3, removed_at=at, body={}), CURSOR)

    assert removed.event == "item.removed"
    assert json.loads(removed.body)["data"] == {
        "id": "a.b",
        "channel": "radio.news",
        "rev": 3,
        "removed": True,
    }


def test_the_id_has_nothing_that_a_publisher_chose() -> None:
    """A dot in it would let the signature mean something else."""
    assert "." not in message(item(), CURSOR).id


def test_every_secret_signs_id_time_and_body() -> None:
    """In the specification's own form, the new secret first."""
    sent = Message("msg_1", "item.created", "a", "b", '{"x":"ü"}')

    given = headers(sent, [SECRET, b"old"], 1_674_087_231)

    signed = 'msg_1.1674087231.{"x":"ü"}'.encode()
    digests = [
        hmac.new(key, signed, hashlib.sha256).digest() for key in (SECRET, b"old")
    ]
    assert given["webhook-id"] == "msg_1"
    assert given["webhook-timestamp"] == "1674087231"
    assert given["webhook-signature"].split() == [
        f"v1,{base64.b64encode(one).decode()}" for one in digests
    ]
