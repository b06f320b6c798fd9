"""Tornado as its chat demo does it: ``write_message`` to each handler."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from items import serve_items

handlers: set[LiveHandler] = set()


class LiveHandler(WebSocketHandler):
    """One client."""

    def check_origin(self, origin: str) -> bool:
        return True

    def open(self) -> None:
        self.set_nodelay(True)
        handlers.add(self)

    def on_close(self) -> None:
        handlers.discard(self)


def broadcast(items: list[str]) -> None:
    for item in items:
        for handler in list(handlers):
            try:
                handler.write_message(item)
            except WebSocketClosedError:
                handlers.discard(handler)


async def main(port: int, control_port: int) -> None:
    Application([("/live", LiveHandler)]).listen(port, "127.0.0.1", backlog=1024)
    await serve_items(control_port, broadcast)
    await asyncio.Event().wait()


asyncio.run(main(*map(int, sys.argv[1:])))
