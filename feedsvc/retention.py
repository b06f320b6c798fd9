"""Retention by count: channels that keep only their newest items.

Retention by age needs no work of ours: each item carries the instant at which
MongoDB deletes it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from feedsvc.core.access import Rules
from feedsvc.errors import Unavailable
from feedsvc.store.items import ItemStore

log = logging.getLogger("feedsvc.retention")

PAUSE_S = 60.0


async def keep_counts(store: ItemStore, rules: Rules) -> None:
    """Remove what is over the count of its channel, once a minute, for ever.

    Several processes may do so at once: an item is removed only once.
    """
    while True:
        for channel, keep in rules.counted():
            try:
                removed = await store.trim(channel, keep, now=datetime.now(UTC))
            except Unavailable:
                log.warning("retention put off channel=%s", channel)
                continue
            if removed:
                log.info("retention channel=%s removed=%d", channel, removed)
        await asyncio.sleep(PAUSE_S)
