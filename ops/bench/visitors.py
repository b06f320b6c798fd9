"""Visitors who come and go all the while, on every transport, some without a word."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from crowd import HOST, content_length
from peers import BACKLOG, CHANNEL

TRANSPORTS = ("websocket", "raw", "xhr_streaming", "xhr", "eventsource", "sse")
WEBSOCKETS = ("websocket", "raw")
# How visitors leave: with a close (of the socket, at least), by a reset, or not at all.
WAYS = (
    "close",
    "reset",
    "close",
    "reset",
    "close",
    "reset",
    "close",
    "reset",
    "vanish",
)
SHORTEST_S, LONGEST_S = 1, 9
# Longer than the service needs to find out that a WebSocket does not answer.
VANISHED_S = 60.0
PATIENCE_S = 15.0
READ_BYTES = 65_536
SMALL_BUFFER = 4_096
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
_NO_LINGER = struct.pack("ii", 1, 0)


class Visitors:
    """Lets visitors in at a steady rate, and counts what became of them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = asyncio.Event()
        self.counts: Counter[str] = Counter()

    async def come(self, per_second: float) -> None:
        """Let them come until cancelled; each has its turn of transports and ways."""
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while True:
            await asyncio.sleep(began + number / per_second - loop.time())
            task = asyncio.create_task(self._visit(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            number += 1

    async def leave(self) -> None:
        """Send all home; WebSockets that vanished stay silent, the service must act."""
        self._is_over.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=VANISHED_S + PATIENCE_S)

    async def _visit(self, number: int) -> None:
        transport = TRANSPORTS[number % len(TRANSPORTS)]
        way = WAYS[number // len(TRANSPORTS) % len(WAYS)]
        visitor = Visitor(self._port, transport, f"visitors.v{number}")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await visitor.come_in()
            self.counts[f"{transport} subscribed"] += 1
            life_s = SHORTEST_S + number % (LONGEST_S - SHORTEST_S + 1)
            await self._until(life_s, visitor.listen)
            if way == "vanish":
                self.counts["vanished"] += 1
                await self._vanish(transport)
        except (OSError, EOFError, TimeoutError):
            self.counts[f"{transport} failed"] += 1
        finally:
            visitor.go(way)

    async def _until(
        self, seconds: float, listen: Callable[[], Awaitable[None]]
    ) -> None:
        """Listen for the time, or until all have to go."""
        over = asyncio.ensure_future(self._is_over.wait())
        listening = asyncio.ensure_future(listen())
        both = (over, listening)
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not listening.cancel():
            listening.result()
        await asyncio.gather(*both, return_exceptions=True)

    async def _vanish(self, transport: str) -> None:
        """Keep the socket, read nothing, answer nothing."""
        if transport in WEBSOCKETS:
            await asyncio.sleep(VANISHED_S)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), VANISHED_S)


class Visitor:
    """One client: a socket that the kernel buffers for, nothing kept beside it."""

    def __init__(self, port: int, transport: str, own_channel: str) -> None:
        self._address = (HOST, port)
        self._transport = transport
        self._session = f"/live/000/{secrets.token_hex(8)}"
        requests = [
            {"msg": "subscribe", "id": 1, "channel": CHANNEL, "backlog": BACKLOG},
            {"msg": "subscribe", "id": 2, "channel": own_channel, "backlog": 1},
        ]
        self._messages = [json.dumps(request) for request in requests]
        self._loop = asyncio.get_running_loop()
        self._socket = _socket()

    async def come_in(self) -> None:
        """Connect and subscribe, to what all hear and to a channel of its own."""
        await self._loop.sock_connect(self._socket, self._address)
        if self._transport in WEBSOCKETS:
            await self._shake_hands()
        elif self._transport == "sse":
            await self._ask("GET", f"/api/channels/{CHANNEL}/events?backlog={BACKLOG}")
        else:
            method = "GET" if self._transport == "eventsource" else "POST"
            await self._ask(method, f"{self._session}/{self._transport}")
            await self._send_aside()
        await self._read_until(b"subscribed")

    async def listen(self) -> None:
        """Read and forget; a poller asks again and again."""
        while self._transport == "xhr":
            await self._ask("POST", f"{self._session}/xhr")
            await self._read_answer()
        while data := await self._read():
            if b"\x89\x00" in data:  # a ping; no text of ours has a zero byte
                await self._loop.sock_sendall(self._socket, _frame(10, b""))
        if self._transport in WEBSOCKETS:
            raise EOFError("the service ended it")

    def go(self, way: str) -> None:
        """Close the socket, after the close frame that belongs before it."""
        with suppress(OSError):
            if way == "close" and self._transport in WEBSOCKETS:
                self._socket.send(_frame(8, struct.pack("!H", 1000)))
            elif way == "reset":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._socket.close()

    async def _shake_hands(self) -> None:
        is_raw = self._transport == "raw"
        path = "/live/websocket" if is_raw else f"{self._session}/websocket"
        await self._ask("GET", path, _UPGRADE)
        await self._read_until(b"\r\n\r\n")
        texts = self._messages if is_raw else [json.dumps(self._messages)]
        for text in texts:
            await self._loop.sock_sendall(self._socket, _frame(1, text.encode()))

    async def _send_aside(self) -> None:
        """Send the messages as HTTP transports do: by a request of its own."""
        if self._transport == "xhr":
            await self._read_answer()  # the session is open, and no poll waits
        else:
            await self._read_until(b"o")
        body = json.dumps(self._messages)
        aside = _socket()
        try:
            await self._loop.sock_connect(aside, self._address)
            head = self._head("POST", f"{self._session}/xhr_send", len(body))
            await self._loop.sock_sendall(aside, head + body.encode())
            answer = await self._loop.sock_recv(aside, READ_BYTES)
        finally:
            aside.close()
        if b" 204 " not in answer:
            raise EOFError("not sent")
        if self._transport == "xhr":
            await self._ask("POST", f"{self._session}/xhr")

    def _head(self, method: str, path: str, size: int = 0, more: str = "") -> bytes:
        length = f"Content-Length: {size}\r\n" if method == "POST" else ""
        return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}{more}\r\n".encode()

    async def _ask(self, method: str, path: str, more: str = "") -> None:
        head = self._head(method, path, more=more)
        await self._loop.sock_sendall(self._socket, head)

    async def _read(self) -> bytes:
        return await self._loop.sock_recv(self._socket, READ_BYTES)

    async def _read_until(self, wanted: bytes) -> None:
        data = b""
        while wanted not in data:
            more = await self._read()
            if not more:
                raise EOFError("the service ended it")
            data = data[-len(wanted) :] + more

    async def _read_answer(self) -> None:
        """Read a whole answer, so that the connection takes the next request."""
        data = b""
        while b"\r\n\r\n" not in data or not _is_whole(data):
            more = await self._read()
            if not more:
                raise EOFError("the service ended it")
            data += more


def _socket() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    # Who vanishes shall be felt soon.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    return made


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= content_length(head)


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame; a mask of zeros is a mask."""
    size = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, 0x80 | min(size, 126))
    if size > 125:
        head += struct.pack("!H", size)
    return head + bytes(4) + payload
