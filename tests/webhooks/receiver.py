"""A receiver of webhooks: a real HTTP server on loopback that does as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

PATIENCE_S = 40.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in, and the status that it was answered with."""

    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def item_id(self) -> str:
        return str(self.json["data"]["id"])


class Receiver:
    """Takes requests while it is up; ``answer`` decides the status of each."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _: 204
        self.answer_headers: dict[str, str] = {}
        self._server: HTTPServer | None = None
        self.port = 0
        self._news = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[str]:
        """The ids of the items that it has taken, in the order in which it did."""
        return [one.item_id for one in self.received if one.status < 300]

    def start(self) -> None:
        """Listen: at first on any free port, later on the same one again."""
        sockets = bind_sockets(self.port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._server = HTTPServer(Application([("/.*", _Handler, {"receiver": self})]))
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Be down: whoever connects is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            await server.close_all_connections()

    async def has_taken(self, *item_ids: str) -> None:
        """Wait until exactly these have been taken, in this order."""
        wanted = list(item_ids)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self.taken != wanted:
                    self._news.clear()
                    await self._news.wait()
        assert self.taken == wanted

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Keep a request and return the status to answer it with."""
        status = self.answer(Received(headers, body, 0))
        self.received.append(Received(headers, body, status))
        self._news.set()
        return status


class _Handler(RequestHandler):
    def initialize(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def post(self) -> None:
        self.set_status(
            self.receiver.take(dict(self.request.headers), self.request.body)
        )
        for name, value in self.receiver.answer_headers.items():
            self.set_header(name, value)
