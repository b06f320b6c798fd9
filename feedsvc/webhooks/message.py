"""What a webhook says and how it is signed, after Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from feedsvc.core.item import Item, wire_time
from feedsvc.core.messages import encode, encode_item
from feedsvc.core.position import Cursor


@dataclass(frozen=True, slots=True)
class Message:
    """One change of one item, the same in every attempt to deliver it."""

    id: str
    event: str
    item_id: str
    channel: str
    body: str


def message(item: Item, cursor: Cursor) -> Message:
    """Return what is told of the item's revision that was committed at the cursor."""
    event = f"item.{item.change.value}"
    at = wire_time(datetime.fromtimestamp(cursor.position.seconds, UTC))
    text = encode_item(item).text
    return Message(
        # Of the commit alone: no dot, and nothing that a publisher chose.
        id=f"msg_{cursor}",
        event=event,
        item_id=item.id,
        channel=item.channel.path,
        body=f'{{"type":{encode(event)},"timestamp":"{at}","data":{text}}}',
    )


def headers(
    sent: Message, secrets: Sequence[bytes], timestamp: int
) -> Mapping[str, str]:
    """Return the headers of one attempt, signed with every secret."""
    return {
        "Content-Type": "application/json",
        "webhook-id": sent.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(sent, one, timestamp) for one in secrets),
    }


def sign(sent: Message, secret: bytes, timestamp: int) -> str:
    """Return the signature of an attempt at this time."""
    signed = f"{sent.id}.{timestamp}.{sent.body}".encode()
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
