"""A server with one known fault, to see that the load client finds it.

``faulty.py FAULT PORT CONTROL``: what is wrong concerns the first client only, and
with it every tenth item.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

from items import serve_items

handlers: list[FaultyHandler] = []


class FaultyHandler(WebSocketHandler):
    """One client; counts the items it has been given."""

    def check_origin(self, origin: str) -> bool:
        return True

    def open(self) -> None:
        self.count = 0
        self.held: list[str] = []
        handlers.append(self)

    def give(self, item: str, fault: str) -> None:
        """Send one item, or what the fault makes of it."""
        self.count += 1
        is_tenth = self is handlers[0] and self.count % 10 == 0
        items = [item]
        if is_tenth and fault == "lose":
            items = []
        elif is_tenth and fault == "duplicate":
            items = [item, item]
        elif is_tenth and fault == "close":
            self.close()
            return
        elif fault == "reorder" and self is handlers[0] and self.count % 10 in (0, 1):
            self.held = [*self.held, item] if is_tenth else [item, *self.held]
            items, self.held = ([], self.held) if is_tenth else (self.held, [])
        if items:
            # All in one frame, and escaped once more, as SockJS does it.
            self.write_message("a" + json.dumps(items))


def broadcast(items: list[str], fault: str) -> None:
    for item in items:
        for handler in [one for one in handlers if one.close_code is None]:
            if handler.ws_connection is not None:
                handler.give(item, fault)


async def main(fault: str, port: int, control: int) -> None:
    Application([("/live", FaultyHandler)]).listen(port, "127.0.0.1")
    await serve_items(control, lambda items: broadcast(items, fault))
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
