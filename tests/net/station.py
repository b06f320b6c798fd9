"""The real service in this process, and everything a test does with it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from feedsvc.app import Running, running
from feedsvc.config import Auth, Limits, Server, Settings
from feedsvc.core.access import ChannelRule
from feedsvc.core.channel import Channel
from feedsvc.core.item import ItemType
from feedsvc.net.tokens import Tokens
from feedsvc.store import connect
from tests.net.clients import (
    PATIENCE_S,
    EventStream,
    Http,
    Message,
    RawSocket,
    Reader,
)

SECRET = "what only the tests and their service know"
# Another collection's cursor: well-formed, and of no use here.
FOREIGN_CURSOR = "AYofDFVrAJGoAAAAAwAA"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

# What every station here has: a private subtree with a public one inside of it.
RULES = (
    ChannelRule(Channel("radio.staff"), private=True),
    ChannelRule(Channel("radio.staff.board"), private=False),
    ChannelRule(Channel("secret"), private=True),
    ChannelRule(Channel("jukebox"), types=frozenset({ItemType.TRACK})),
)

R = TypeVar("R", bound=Reader)


class Station:
    """One running service; what is opened through it is closed with it."""

    def __init__(self, where: Running, stack: AsyncExitStack) -> None:
        self.where = where
        self.url = where.url
        self.admin_url = f"http://127.0.0.1:{where.admin_port}"
        self.stack = stack
        self.http = self.client()
        self.publisher = self.client(self.token(admin=True))

    def client(self, token: str | None = None) -> Http:
        http = Http(self.url, token)
        self.stack.callback(http.close)
        return http

    def token(
        self,
        *,
        read: Sequence[str] = (),
        publish: Sequence[str] = (),
        admin: bool = False,
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        return Tokens(SECRET).issue(
            "tests",
            read=read,
            publish=publish,
            admin=admin,
            lifetime=lifetime,
            now=datetime.now(UTC),
        )

    async def open(self, kind: type[R], **options: Any) -> R:
        """Open a realtime client of this kind."""
        reader = await kind.open(self.url, **options)  # type: ignore[attr-defined]  # each has its own
        self.stack.push_async_callback(reader.close)
        return reader  # type: ignore[no-any-return]  # as above

    async def live(self, **options: Any) -> RawSocket:
        return await self.open(RawSocket, **options)

    async def events(self, **options: Any) -> EventStream:
        return await self.open(EventStream, **options)

    async def publish(self, channel: str, *items: Message) -> list[str]:
        """Publish the items and wait until the service has heard of them."""
        return await self._publish(channel, items)

    async def posts(self, channel: str, number: int, prefix: str = "p") -> list[str]:
        """Publish posts a minute apart, oldest first; return their ids."""
        items = [
            post(f"{channel}:{prefix}{n:03}", NOON + timedelta(minutes=n))
            for n in range(number)
        ]
        return await self._publish(channel, items)

    async def _publish(self, channel: str, items: Sequence[Message]) -> list[str]:
        reader = await RawSocket.open(self.url)
        try:
            await reader.auth(self.token(admin=True))
            await reader.subscribe(channel, backlog=0)
            answer = await self.publisher.publish(channel, list(items))
            assert answer.status == 200, answer.body
            results = answer.json["results"]
            changed = [one for one in results if one["status"] != "unchanged"]
            await reader.next_items(len(changed))
        finally:
            await reader.close()
        return [one["id"] for one in results]

    async def drop_items(self) -> None:
        """Drop the collection, as an operator might who restores a backup."""
        database = connect(self.where.mongodb_uri)
        await database.drop_collection("items")
        await database.client.close()

    async def seen(self, channel: str, **query: object) -> list[str]:
        """Return the ids that an anonymous reader gets, newest first."""
        answer = await self.http.items(channel, **query)
        return ids(answer.json["items"]) if answer.status == 200 else []


def post(
    item_id: str | None = None, at: datetime | None = None, **more: Any
) -> Message:
    """Return a post as a publisher offers it."""
    item: Message = {"type": "post", "content_text": "On air.", **more}
    if item_id is not None:
        item["id"] = item_id
    if at is not None:
        item["date"] = at.isoformat()
    return item


def ids(items: Sequence[Message]) -> list[str]:
    return [item["id"] for item in items]


def make_settings(uri: str | None, data_dir: Path, **tables: Any) -> Settings:
    """Return settings of a station on free ports; tables as keyword arguments."""
    server = {
        "port": 0,
        "admin_port": 0,
        "data_dir": data_dir,
        "mongodb_uri": uri,
        "drain_seconds": 0,
        **tables.get("server", {}),
    }
    return Settings(
        server=Server(**server),
        limits=Limits(**tables.get("limits", {})),
        auth=Auth(**{"secret": SECRET, **tables.get("auth", {})}),
        rules=tables.get("rules", RULES),
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Station]:
    """Run the service until the end of the block."""
    async with (
        running(settings, asyncio.Event()) as where,
        AsyncExitStack() as stack,
    ):
        yield Station(where, stack)


async def lived_in(station: Station) -> Station:
    """Give the database of the station a past: one item, and the service knows it."""
    await station.publisher.publish("past", post("past"))
    await until(partial(station.seen, "past"), "the first item")
    return station


@asynccontextmanager
async def own_database(mongod_uri: str) -> AsyncIterator[str]:
    """Return the URI of a database that nobody else uses; it is dropped at the end."""
    uri = mongod_uri.replace("/?", f"/test_{uuid.uuid4().hex}?")
    yield uri
    database = connect(uri)
    await database.client.drop_database(database)
    await database.client.close()


async def until(condition: Any, what: str) -> Any:
    """Ask until the answer is true and return it; fail if that takes too long."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.01)
    raise AssertionError(what)
