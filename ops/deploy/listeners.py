"""Who is there in a rolling restart: clients as the widget is one, and a publisher."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NoReturn

from tornado.httpclient import HTTPError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from feedsvc.net.tokens import Tokens
from ops.deploy.stage import SECRET, Front

CHANNEL = "radio.news"
# As web/src/connection.js does it: full jitter from a second on, wider after a drain.
DRAINING, SPREAD_S = 3001, 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
TRY_AGAIN_S = 0.2
# Each has an address of its own: what is allowed to one is no matter here.
FIRST_ADDRESS = ip_address("127.1.0.1")


@dataclass(slots=True)
class Record:
    """What happened to all clients together."""

    #: When somebody tried to come back, and when a connection was closed.
    tried_at: list[float] = field(default_factory=list)
    closed_at: list[float] = field(default_factory=list)
    #: Connections that were closed, by code; tries that failed, by reason.
    closed: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_resumed: int = 0


class Listener:
    """A client as the page's own: comes back by chance, resumes, and keeps count."""

    def __init__(
        self, number: int, front: Front, record: Record, spread_s: float
    ) -> None:
        self.seen: Counter[str] = Counter()
        self.is_here = asyncio.Event()
        self._address = str(FIRST_ADDRESS + number)
        self._front = front
        self._record = record
        self._spread_s = spread_s
        self._cursor: str | None = None

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        tries = 0
        while True:
            spread_s = 0.0
            if self._cursor is not None:
                self._record.tried_at.append(time.monotonic())
            try:
                await self._listen()
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else 1006
                self._record.closed[code] += 1
                self._record.closed_at.append(time.monotonic())
                spread_s = self._spread_s if code == DRAINING else 0.0
                tries = 0
            except (OSError, TimeoutError, WebSocketException) as error:
                self._record.failed[_reason(error)] += 1
                tries += 1
            self.is_here.clear()
            longest_s = spread_s + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**tries)
            await asyncio.sleep(random.random() * longest_s)  # noqa: S311 - only chance

    async def _listen(self) -> NoReturn:
        async with self._connection() as socket:
            ask = {"msg": "subscribe", "id": 1, "channel": CHANNEL, "backlog": 500}
            if self._cursor is not None:
                ask["since"] = self._cursor
            await socket.send(json.dumps(ask))
            while True:
                self._take(json.loads(await socket.recv()))

    def _connection(self) -> connect:
        return connect(
            f"{self._front.socket_url}/live/websocket",
            proxy=None,
            compression=None,
            ping_interval=None,
            max_size=None,
            # A server that closes waits for nobody.
            close_timeout=1,
            local_addr=(self._address, 0),
            **self._front.connection,
        )

    def _take(self, message: dict[str, Any]) -> None:
        items = [message["item"]] if message["msg"] == "item" else message["items"]
        self.seen.update(item["id"] for item in items)
        if message["msg"] == "subscribed":
            if self._cursor is not None and not message["resumed"]:
                self._record.not_resumed += 1
            self.is_here.set()
        self._cursor = message["cursor"]


def _reason(error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        return str(error.response.status_code)
    return type(error).__name__


class Publisher:
    """Publishes one item after another through the balancer, each until it is taken."""

    def __init__(self, front: Front, every_s: float) -> None:
        self.published: list[str] = []
        self._front = front
        self._every_s = every_s
        lifetime, now = timedelta(hours=1), datetime.now(UTC)
        token = Tokens(SECRET).issue("roll", admin=True, lifetime=lifetime, now=now)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def run(self) -> NoReturn:
        while True:
            await self.publish()
            await asyncio.sleep(self._every_s)

    async def publish(self) -> None:
        """Publish the next one: the same again, until a worker has taken it."""
        item_id = f"roll:{len(self.published)}"
        item = {"id": item_id, "type": "post", "content_text": "On air."}
        path, body = f"/api/channels/{CHANNEL}/items", json.dumps(item).encode()
        while True:
            try:
                answer = await self._front.ask("POST", path, body, self._headers)
                if answer.code in (200, 201):
                    self.published.append(item_id)
                    return
            except (OSError, HTTPError):
                pass
            await asyncio.sleep(TRY_AGAIN_S)
