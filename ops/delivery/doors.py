"""The doors that subscribers come through: those of the tests, and streams of HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, Self
from urllib.parse import urlsplit

from tests.net.clients import (
    EventStream,
    FramedSocket,
    Message,
    Polling,
    RawSocket,
    Reader,
)
from tornado.httpclient import HTTPError
from websockets.exceptions import WebSocketException

# What a client meets when the other side, or the way to it, breaks.
BROKEN = (
    OSError,
    EOFError,
    HTTPError,
    WebSocketException,
    AssertionError,
    TimeoutError,
)

# So little that a client that does not read is soon felt by the service.
SLOW_BUFFER = 4_096


class XhrStreaming(Polling):
    """``/live/S/I/xhr_streaming``: many frames for each request."""

    METHOD, ADDRESS, PREFIX, EMPTY = "POST", "/xhr_streaming", b"", b"h"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._lines: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def receive(self) -> Message:
        """Return the next message; a stream that ended in peace goes on in another."""
        while not self._messages:
            line = await self._line()
            if line.startswith(b"c"):
                raise EOFError(f"closed by the service: {line.decode()}")
            if line.startswith(b"a"):
                self._messages += [json.loads(text) for text in json.loads(line[1:])]
        return self._messages.popleft()

    async def close(self) -> None:
        await super().close()
        if self.writer is not None:
            self.writer.transport.abort()

    async def _line(self) -> bytes:
        if self._lines is None:
            await self._begin()
        assert self._lines is not None
        line = b""
        while not line.endswith(b"\n"):
            size_line = await self._lines.readline()
            if not size_line:
                raise EOFError("the stream broke off")
            size = int(size_line, 16)
            line += (await self._lines.readexactly(size + 2))[:-2]
            if not size:
                self._lines = None
                return b""
        lines = [one.removeprefix(self.PREFIX).strip() for one in line.splitlines()]
        frames = [one for one in lines if one[:1] in (b"a", b"c")]
        for frame in frames[:-1]:
            if frame.startswith(b"a"):
                self._messages += [json.loads(text) for text in json.loads(frame[1:])]
        return frames[-1] if frames else b""

    async def _begin(self) -> None:
        address = urlsplit(self._http.url)
        self._lines, self.writer = await asyncio.open_connection(
            address.hostname, address.port, limit=2**24
        )
        request = (
            f"{self.METHOD} {address.path}{self.ADDRESS} HTTP/1.1",
            f"Host: {address.netloc}",
            "Content-Length: 0",
        )
        self.writer.write("\r\n".join([*request, "", ""]).encode())
        head = (await self._lines.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.1 200 "), head


class EventSource(XhrStreaming):
    """``/live/S/I/eventsource``: the same as events."""

    METHOD, ADDRESS, PREFIX = "GET", "/eventsource", b"data: "


class SlowSocket(RawSocket):
    """A raw WebSocket with small buffers, for a subscriber that stops reading."""

    @classmethod
    async def open(cls, url: str, **options: Any) -> Self:
        address = urlsplit(url)
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(
            plain, (address.hostname, address.port)
        )
        return await super().open(url, sock=plain, max_queue=1, **options)


class Events(EventStream):
    """Server-sent events, whose end in the middle is an end like any other."""

    async def _chunk(self) -> bytes:
        try:
            return await super()._chunk()
        except ValueError:  # no size, so no chunk: the line is broken
            raise EOFError("the stream broke off") from None

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


async def cut(reader: Reader) -> None:
    """End the connection as a broken line does: without a word."""
    match reader:
        case RawSocket() | FramedSocket():
            reader.socket.transport.abort()
        case _:
            await reader.close()
