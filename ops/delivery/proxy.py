"""A TCP proxy on loopback that can be cut and stalled: the network that fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress

CHUNK_BYTES = 65_536


class Proxy:
    """Forwards a port of its own to another one, as long as it is whole.

    *Cut*, it ends its connections and takes no new ones; *stalled*, it keeps them and
    forwards nothing, as when packets are dropped.
    """

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, reuse_address=True
        )

    async def cut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for pipe in list(self._pipes):
            pipe.cancel()
        if self._pipes:
            await asyncio.wait(self._pipes)

    def stall(self) -> None:
        self._flows.clear()

    async def heal(self) -> None:
        """Forward again, after either fault."""
        self._flows.set()
        if self._server is None:
            await self.start()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pipe = asyncio.create_task(self._connect(reader, writer))
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry both directions until either side ends or the proxy is cut."""
        writers = [writer]
        with suppress(OSError, asyncio.CancelledError):
            try:
                there, back = await asyncio.open_connection(
                    "127.0.0.1", self._target_port
                )
                writers.append(back)
                ways = [
                    asyncio.create_task(self._carry(reader, back)),
                    asyncio.create_task(self._carry(there, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
            finally:
                for one in writers:
                    one.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
