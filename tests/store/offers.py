"""Offers for the tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def offer(item_id: str, channel: str = "radio.news", **fields: Any) -> Candidate:
    """Return an offer; fields that a candidate has not go into the body."""
    own = {"type", "date", "publish_at", "source", "source_id", "alt_id", "backfill"}
    body = {name: value for name, value in fields.items() if name not in own}
    known = {name: value for name, value in fields.items() if name in own}
    return Candidate(
        id=item_id,
        channel=Channel(channel),
        body=body or {"title": item_id},
        **{"type": ItemType.POST, **known},
    )
