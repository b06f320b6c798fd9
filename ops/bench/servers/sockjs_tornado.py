"""sockjs-tornado as its chat sample does it: ``broadcast`` to all participants."""

from __future__ import annotations

import asyncio
import sys

from sockjs.tornado import SockJSConnection, SockJSRouter
from tornado.web import Application

from items import serve_items

participants: set[LiveConnection] = set()


class LiveConnection(SockJSConnection):
    """One client."""

    def on_open(self, info: object) -> None:
        participants.add(self)

    def on_close(self) -> None:
        participants.discard(self)


def broadcast(items: list[str]) -> None:
    for item in items:
        if participants:
            next(iter(participants)).broadcast(participants, item)


async def main(port: int, control_port: int) -> None:
    router = SockJSRouter(LiveConnection, "/live")
    Application(router.urls).listen(port, "127.0.0.1", backlog=1024)
    await serve_items(control_port, broadcast)
    await asyncio.Event().wait()


asyncio.run(main(*map(int, sys.argv[1:])))
