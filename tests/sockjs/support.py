"""A real server on loopback, and clients that see every byte it sends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from feedsvc.sockjs import ConnectionInfo, SockJSConnection, SockJSRouter
from feedsvc.sockjs.codec import CLOSE, PING, PONG, TEXT, unmask
from feedsvc.sockjs.conformance import SETTINGS

# Every transport, and no limits that a fast test would meet.
# A browser does not abort the poll of jsonp: only a heartbeat ends it.
TEST_SETTINGS = replace(
    SETTINGS,
    sockjs_url="/sockjs.js",
    disconnect_delay=1.5,
    heartbeat_delay=6.0,
    pong_timeout_s=3.0,
)
# Nothing here takes longer on the slowest machine, unless it is broken.
PATIENCE_S = 20.0
# Long enough for loopback, short enough to wait for nothing.
QUIET_S = 0.15


@dataclass
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Stream:
    """A response that is read as it comes."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    buffer: bytes = b""
    ended: bool = False

    async def read(self, size: int) -> bytes:
        """Return exactly so many bytes of the body."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.buffer) < size and not self.ended:
                await self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    async def until(self, end: bytes) -> bytes:
        """Return the body up to and with ``end``."""
        async with asyncio.timeout(PATIENCE_S):
            while end not in self.buffer and not self.ended:
                await self._more()
        size = self.buffer.find(end) + len(end)
        return await self.read(size)

    async def rest(self) -> bytes:
        """Return what is left of the body, to its end."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.ended:
                await self._more()
        data, self.buffer = self.buffer, b""
        return data

    async def is_quiet(self) -> bool:
        """Say that nothing comes, and that the response has not ended."""
        try:
            async with asyncio.timeout(QUIET_S):
                await self._more()
        except TimeoutError:
            return not self.buffer
        return False

    async def _more(self) -> None:
        if self.headers.get("transfer-encoding") == "chunked":
            size = int(await self.reader.readline() or b"0", 16)
            self.buffer += await self.reader.readexactly(size)
            await self.reader.readline()
            self.ended = size == 0
        else:
            data = await self.reader.read(65536)
            self.buffer += data
            self.ended = not data

    async def close(self) -> None:
        """Drop the connection, as a browser that leaves the page does."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Client:
    """Speaks HTTP/1.1 to the server, one connection a request."""

    port: int
    open_streams: list[Stream] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Return the whole answer."""
        stream = await self.stream(method, path, body, headers)
        length = stream.headers.get("content-length")
        if method == "HEAD" or stream.status in (204, 304):
            content = b""
        elif length is not None:
            content = await stream.read(int(length))
        else:
            content = await stream.rest()
        await stream.close()
        return Answer(stream.status, stream.headers, content)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.request("GET", path, headers=_names(headers))

    async def post(self, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        return await self.request("POST", path, body, _names(headers))

    async def options(self, path: str, **headers: str) -> Answer:
        return await self.request("OPTIONS", path, headers=_names(headers))

    async def stream(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
        version: str = "1.1",
    ) -> Stream:
        """Send a request, and return when the head of the answer is there."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = body.encode() if isinstance(body, str) else body
        fields = {"Host": f"127.0.0.1:{self.port}"} | (headers or {})
        if method != "GET" and "Transfer-Encoding" not in fields:
            fields["Content-Length"] = str(len(data))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"{method} {path} HTTP/{version}\r\n{head}\r\n".encode() + data)
        stream = await read_head(reader, writer)
        self.open_streams.append(stream)
        return stream

    async def websocket(
        self, path: str, early: bytes = b"", headers: dict[str, str] | None = None
    ) -> Socket:
        """Open a WebSocket; ``early`` goes out in one segment with the handshake."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        fields = upgrade_headers() | (headers or {})
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() + early)
        stream = await read_head(reader, writer)
        self.open_streams.append(stream)
        return Socket(stream.status, stream.headers, reader, writer)


@dataclass
class Socket:
    """A WebSocket client that may break every rule."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    def text(self, text: str) -> None:
        """Send one masked text frame."""
        self.writer.write(masked(TEXT, text.encode()))

    def messages(self, *messages: str) -> None:
        """Send what the browser client sends: a JSON array of strings."""
        self.text(json.dumps(messages))

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload."""
        async with asyncio.timeout(PATIENCE_S):
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                extended = await self.reader.readexactly(2 if size == 126 else 8)
                size = int.from_bytes(extended, "big")
            return first & 0x0F, await self.reader.readexactly(size)

    async def receive(self) -> str:
        """Return the next text message, and answer the pings before it."""
        opcode, payload = await self.frame()
        while opcode == PING:
            self.send(masked(PONG, payload))
            opcode, payload = await self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    async def close_code(self) -> tuple[int, str]:
        """Return code and reason of the close frame that comes next."""
        opcode, payload = await self.frame()
        assert opcode == CLOSE, (opcode, payload)
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    async def is_ended(self) -> bool:
        """Say whether the server closes the connection, reading to its end."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True

    async def close(self) -> None:
        """Drop the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def masked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """Return a client's frame."""
    size, mask = len(payload), os.urandom(4)
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + unmask(payload, mask)


def upgrade_headers() -> dict[str, str]:
    """Return the headers of a good handshake."""
    return {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }


async def read_head(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Stream:
    """Read a response up to its body."""
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if line)
    headers = {name.lower(): value for name, value in pairs}
    return Stream(int(status.split()[1]), headers, reader, writer)


@contextlib.asynccontextmanager
async def serving(*routers: SockJSRouter, **options: Any) -> AsyncIterator[Client]:
    """Serve the routers on a free port of loopback."""
    server = HTTPServer(Application([r for router in routers for r in router.urls]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    client = Client(sockets[0].getsockname()[1])
    try:
        yield client
    finally:
        server.stop()
        for router in routers:
            await router.stop()
        await server.close_all_connections()
        for stream in client.open_streams:
            await stream.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - conditions of code without events
            await asyncio.sleep(0.005)


class Recorder(SockJSConnection):
    """Writes down what happens to it, and echoes."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.events: list[Any] = []
        self.info: ConnectionInfo | None = None

    def on_open(self, info: ConnectionInfo) -> Any:
        self.info = info
        self.events.append("open")

    def on_message(self, message: str) -> Any:
        self.events.append(message)
        self.send(message)

    def on_close(self) -> Any:
        self.events.append("close")


def recorders(
    kind: type[Recorder] = Recorder,
) -> tuple[list[Recorder], Callable[[Any], Recorder]]:
    """Return a factory and the list of what it has made."""
    made: list[Recorder] = []

    def make(session: Any) -> Recorder:
        made.append(kind(session))
        return made[-1]

    return made, make


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
