"""Our own server, cut at two heights: ``ours.py layer|service PORT CONTROL``.

``layer`` is the SockJS layer alone: one group, one batch a tick.
``service`` is the whole realtime path, with subscriptions, hub, cohorts, encoding and
limits, fed by a change stream that lives in memory: what it costs without the
database.  The third height, with MongoDB, is ``feedsvc serve`` itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, Self, cast

from feedsvc.app import LISTEN_BACKLOG
from feedsvc.config import Settings
from feedsvc.core.access import Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.position import Position
from feedsvc.editorial import Editorial
from feedsvc.net.connection import LiveDoor
from feedsvc.net.revoking import Revoking
from feedsvc.net.routes import public_application
from feedsvc.net.service import Service
from feedsvc.net.tokens import Tokens
from feedsvc.relay import Relay
from feedsvc.sockjs import Batch, ConnectionInfo, Group, SockJSConnection, SockJSRouter
from feedsvc.store.changes import ChangeStream, Committed, Idle
from feedsvc.store.items import ItemStore
from tornado.web import Application

import peers
from items import serve_items

PREFIX = "/live"
CHANNEL = Channel.parse(peers.CHANNEL)


# --- the layer ---------------------------------------------------------------------


class Subscriber(SockJSConnection):
    """A client of the layer alone: joins the group of all."""

    everybody = Group()

    def on_open(self, info: ConnectionInfo) -> None:
        self.everybody.add(self)


class Tick:
    """Gathers the items of one turn of the loop into one batch."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._items: list[str] = []

    def take(self, items: list[str]) -> None:
        if not self._items:
            asyncio.get_running_loop().call_soon(self._flush)
        self._items += items

    def _flush(self) -> None:
        items, self._items = self._items, []
        self._group.send(Batch(items))


async def run_layer(port: int, control: int) -> None:
    """Serve the layer."""
    router = SockJSRouter(Subscriber, PREFIX)
    Application(router.urls).listen(port, "127.0.0.1", backlog=LISTEN_BACKLOG)
    await serve_items(control, Tick(Subscriber.everybody).take)
    await asyncio.Event().wait()


# --- the service -------------------------------------------------------------------


class MemoryStream:
    """Stands in for the change stream and the store: what is published is committed."""

    def __init__(self) -> None:
        self._queue: deque[Committed] = deque()
        self._news = asyncio.Event()
        self._newest: deque[Item] = deque(maxlen=500)
        self._position = Position(int(datetime.now(UTC).timestamp()), 0)
        self.healthy = True

    def publish(self, items: list[str]) -> None:
        """Commit items as they come from the load client."""
        for text in items:
            self._position = Position(
                self._position.seconds, self._position.increment + 1
            )
            item = self._item(json.loads(text))
            self._newest.append(item)
            self._queue.append(Committed(self._position, item, time.time()))
        self._news.set()

    async def prepare(self) -> None:
        """Do nothing: memory has no indexes."""

    async def open(self) -> Position:
        return self._position

    async def epoch(self) -> bytes:
        return b"true"

    async def backlog(self, scope: Scope, limit: int, **_: object) -> list[Item]:
        seen = [item for item in self._newest if scope.sees(item.channel, item.type)]
        return seen[-limit:][::-1]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Committed | Idle:
        if not self._queue:
            if self._news.is_set():
                self._news.clear()
                return Idle(self._position)
            await self._news.wait()
        return self._queue.popleft() if self._queue else Idle(self._position)

    def _item(self, fields: dict[str, Any]) -> Item:
        return Item(
            id=f"api:{self._position.increment:016x}",
            type=ItemType(fields.pop("type")),
            channel=CHANNEL,
            date=datetime.now(UTC),
            rev=1,
            body=fields,
        )


async def run_service(port: int, control: int) -> None:
    """Serve the realtime path without a database."""
    settings = Settings()
    stream = MemoryStream()
    store = cast("ItemStore", stream)
    relay = Relay(store, cast("ChangeStream", stream), settings.limits)
    service = Service(
        settings,
        settings.channel_rules,
        store,
        relay,
        Tokens(peers.SECRET),
        cast("Revoking", stream),
        lambda: False,
        cast("Editorial", stream),
    )
    router = SockJSRouter(LiveDoor(service), PREFIX)
    application = public_application(service, router)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        stream.publish([])
        await relay.wait_ready()
        application.listen(port, "127.0.0.1", backlog=LISTEN_BACKLOG)
        await serve_items(control, stream.publish)


if __name__ == "__main__":
    height, *ports = sys.argv[1:]
    run = {"layer": run_layer, "service": run_service}[height]
    gc.freeze()  # as `feedsvc serve` does
    asyncio.run(run(*map(int, ports)))
