"""The publisher's side of the Python servers: one item a line on the control port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class _Publisher(asyncio.Protocol):
    """Cut what arrives into lines, and hand on those of one read together."""

    def __init__(self, on_items: Callable[[list[str]], None]) -> None:
        self._on_items = on_items
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self._on_items([line.decode() for line in lines])


async def serve_items(port: int, on_items: Callable[[list[str]], None]) -> None:
    """Listen for publishers; return once the port is open."""
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: _Publisher(on_items), "127.0.0.1", port)
