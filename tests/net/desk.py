"""A station with held channels, a source that needs approval, and an operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from feedsvc.core.access import ChannelRule, Rules
from feedsvc.core.channel import Channel
from feedsvc.schema import offer
from feedsvc.store import connect
from feedsvc.store.items import ItemStore
from tests.net.clients import Answer, Message
from tests.net.station import RULES, Station

# Nothing of the first is heard in the time of a test; of the second all is.
DELAYED = (
    ChannelRule(Channel("later"), delay_s=86_400),
    ChannelRule(Channel("soon"), delay_s=1),
)
HELD_RULES = (*RULES, *DELAYED)


async def submit(station: Station, channel: str, *items: Message) -> list[str]:
    """Bring items as ingest does for a source with ``hold``; return their outcomes."""
    database = connect(station.where.mongodb_uri)
    store = ItemStore(database, Rules(HELD_RULES))
    offers = [offer(one, channel=Channel(channel), source="press") for one in items]
    found = await store.write(offers, now=datetime.now(UTC), revive=False, review=True)
    await database.client.close()
    return [one.status.value for one in found]  # type: ignore[union-attr]  # no conflicts here


class Operator:
    """Speaks to the admin listener, as the operator's page does."""

    def __init__(self, station: Station, token: str | None = None) -> None:
        self._http = station.client(token or station.token(admin=True))
        self._http.url = station.admin_url

    async def ask(self, method: str, path: str, **query: object) -> Answer:
        return await self._http.ask(method, f"/admin/api/{path}", **query)

    async def do(self, deed: str, item_id: str, **query: object) -> Answer:
        return await self.ask(
            "POST", f"items/{quote(item_id, safe='')}/{deed}", **query
        )

    async def queue(self, channel: str, reason: str = "review") -> list[Message]:
        """Return what is held in the channel for the reason."""
        answer = await self.ask("GET", "queue", reason=reason, limit=500)
        found: list[Message] = answer.json["items"]
        return [one for one in found if one["item"]["channel"] == channel]

    async def deeds(self, item_id: str) -> list[tuple[str, str]]:
        """Return who did what to the item, the newest deed first."""
        entries: list[dict[str, Any]] = (
            await self.ask("GET", "audit", limit=500)
        ).json["entries"]
        about = [one for one in entries if one.get("item") == item_id]
        return [(one["who"], one["deed"]) for one in about]
