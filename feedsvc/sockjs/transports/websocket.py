"""Both WebSocket transports: the socket that Tornado lets go of, owned by a session."""

from __future__ import annotations

import asyncio
import logging
import socket
from ssl import SSLSocket
from typing import TYPE_CHECKING, Final

from feedsvc.sockjs import fanout
from feedsvc.sockjs.codec import (
    BAD_TEXT,
    NO_CODE,
    NORMAL,
    PING,
    PONG,
    TEXT,
    UNSUPPORTED,
    Close,
    Event,
    FrameParser,
    Ping,
    Violation,
    build_close,
    build_frame,
)
from feedsvc.sockjs.outbox import WOULD_BLOCK, Outbox
from feedsvc.sockjs.session import SockJSSession
from feedsvc.sockjs.wire import (
    OPEN,
    OVER_LIMIT,
    TOO_SLOW,
    Batch,
    PayloadError,
    close_frame,
    decode_text,
    websocket_form,
)

if TYPE_CHECKING:
    from feedsvc.sockjs.connection import ConnectionInfo
    from feedsvc.sockjs.service import Service

log = logging.getLogger("feedsvc.sockjs.websocket")

READ_BYTES: Final = 16_384
OPEN_FRAME: Final = build_frame(TEXT, OPEN.encode())
PING_FRAME: Final = build_frame(PING, b"")
LOST: Final = 1006  # RFC 6455: ended without a close frame


class WebSocketSession(SockJSSession):
    """A session that is its socket: no task, no timer, no stream object.

    The heartbeat is a protocol ping, framed or raw: unlike an ``h`` frame it makes
    the peer answer, which shows that it lives.
    """

    __slots__ = (
        "_close_sent",
        "_ends_when_sent",
        "_is_cut",
        "_outbox",
        "_parser",
        "_paused",
        "_pinged",
        "_sock",
    )

    def __init__(
        self, service: Service, transport: str, sock: socket.socket, *, deflates: bool
    ) -> None:
        super().__init__(service, transport)
        self._sock = sock
        limit = service.settings.max_request_bytes
        self._parser = FrameParser(limit, deflates=deflates)
        self.form = websocket_form(raw=self._is_raw, deflates=deflates)
        self._outbox: Outbox | None = None  # only while something waits
        self._pinged = False
        self._close_sent = False
        self._ends_when_sent = False
        self._paused = False
        self._is_cut = False
        self.handle = fanout.handle(sock)

    def start(self, handshake: bytes, info: ConnectionInfo, early: bytes) -> None:
        """Answer the handshake; ``early`` is what came right behind it."""
        self._write(handshake if self._is_raw else handshake + OPEN_FRAME)
        if self._is_cut:
            return
        asyncio.get_running_loop().add_reader(self._sock, self._on_readable)
        self.service.table.wheel.add(self)
        self.open(info)
        if early:
            self._feed(early)

    @property
    def _is_raw(self) -> bool:
        return self.transport == "websocket-raw"

    # Reading.

    def _on_readable(self) -> None:
        if self.is_busy:
            # The application is behind: let TCP hold the client back.
            asyncio.get_running_loop().remove_reader(self._sock)
            self._paused = True
            self._pinged = False  # who sends something lives
            return
        try:
            data = self._sock.recv(READ_BYTES)
        except WOULD_BLOCK:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._pinged = False
        self._feed(data)
        if (
            isinstance(self._sock, SSLSocket)
            and not self._is_cut
            and self._sock.pending()
        ):
            # Bytes already decrypted do not make the socket readable.
            asyncio.get_running_loop().call_soon(self._on_readable)

    def _feed(self, data: bytes) -> None:
        for event in self._parser.feed(data):
            if self._is_cut:
                break
            if isinstance(event, str):
                if event and not self.is_closed:
                    self._take_text(event)
            else:
                self._take_other(event)

    def _take_text(self, text: str) -> None:
        try:
            messages = [text] if self._is_raw else decode_text(text)
        except PayloadError as error:
            self.service.refuse("payload")
            self._violated(BAD_TEXT, str(error))
            return
        if messages and self.receive(messages) is not None:
            self.close(*OVER_LIMIT)

    def _take_other(self, event: Event) -> None:
        if isinstance(event, Ping):
            if not self._close_sent:
                self._write(build_frame(PONG, event.data))
        elif isinstance(event, Close):
            self._peer_closes(event.code)
        elif isinstance(event, Violation):
            self.service.refuse("websocket_violation")
            log.info("violation code=%d reason=%s", event.code, event.reason)
            self._violated(event.code, event.reason)
        elif isinstance(event, bytes):
            self._violated(UNSUPPORTED, "text only")

    def _peer_closes(self, code: int) -> None:
        if not self._close_sent:
            self._say_close(NORMAL if code == NO_CODE else code, "")
        if not self.is_closed:
            self._finish(code)
        self._cut_when_sent()

    def _violated(self, code: int, reason: str) -> None:
        """Say why and cut: what comes next cannot be understood."""
        self._say_close(code, reason)
        if not self.is_closed:
            self._finish(code)
        self._cut_when_sent()

    def resume(self) -> None:
        if self._paused and not self._is_cut:
            self._paused = False
            asyncio.get_running_loop().add_reader(self._sock, self._on_readable)

    # Writing.

    def deliver(self, batch: Batch) -> None:
        if self.is_closed or not batch.messages:
            return
        frame = self.form(batch, 1)
        counters = self.service.counters
        counters.frames_sent += 1
        counters.bytes_sent += len(frame)
        counters.messages_sent += len(batch)
        self._write(frame, len(batch))

    def fell_short(self, frame: bytes, taken: int, messages: int) -> None:
        if taken < 0:
            self._lose()
        else:
            self._queue(frame[taken:], messages)

    def _write(self, data: bytes, messages: int = 0) -> None:
        if self._is_cut:
            return
        if self._outbox is not None:
            self._append(self._outbox, data, messages)
            return
        try:
            taken = self._sock.send(data)
        except WOULD_BLOCK:
            taken = 0
        except OSError:
            self._lose()
            return
        if taken < len(data):
            self._queue(data[taken:], messages)

    def _append(self, outbox: Outbox, data: bytes, messages: int) -> None:
        # Pongs count too, else a client that only pings would fill our memory.
        if not self.is_closed and self.service.settings.is_too_slow(
            outbox.bytes + len(data), outbox.messages + messages
        ):
            self._too_slow()
        else:
            outbox.append(data, messages)

    def _queue(self, rest: bytes, messages: int) -> None:
        """Leave the fast lanes until what waits has gone."""
        if self._is_cut:
            return
        self._outbox = Outbox()
        self._outbox.append(rest, messages)
        self.handle = None
        for group in self.groups:
            group.place(self)
        self.service.table.queued(self)
        asyncio.get_running_loop().add_writer(self._sock, self._on_writable)

    def _on_writable(self) -> None:
        assert self._outbox is not None  # noqa: S101 - there is a writer only then
        try:
            if not self._outbox.flush(self._sock.send):
                return
        except OSError:
            self._lose()
            return
        asyncio.get_running_loop().remove_writer(self._sock)
        self._outbox = None
        if self._ends_when_sent:
            self.cut()
            return
        self.handle = fanout.handle(self._sock)
        for group in self.groups:
            group.place(self)

    @property
    def queued_bytes(self) -> int:
        return self._outbox.bytes if self._outbox else 0

    def check_queue(self, oldest_allowed: float) -> bool:
        if self._outbox is None or self.is_closed:
            return False
        if self._outbox.oldest < oldest_allowed:
            self._too_slow()
            return False
        return True

    def _too_slow(self) -> None:
        if self._outbox is not None:
            self._outbox.keep_first()
        self.service.counters.slow += 1
        self.close(*TOO_SLOW)

    # Life and end.

    def heartbeat(self) -> None:
        # A ping behind a full outbox would count the queue's time as the peer's;
        # the age limit of the queue sees to that peer.
        if self._outbox is None and not self.is_closed:
            self.service.counters.heartbeats += 1
            self._pinged = not self._paused  # else no answer would be read
            self._write(PING_FRAME)

    def check(self) -> None:
        if self._pinged and not self.is_closed:
            self.service.counters.dead += 1
            self.close(3000, "No response to ping")

    def _end(self, code: int, reason: str) -> None:
        if self._is_raw:
            self._say_close(code, reason)
        else:
            self._write(build_frame(TEXT, close_frame(code, reason).encode()))
            self._say_close(NORMAL, "")

    def _say_close(self, code: int, reason: str) -> None:
        if not self._close_sent:
            self._write(build_close(code, reason))
            self._close_sent = True
            if not self._is_cut:
                self.service.table.closing(self)

    def _cut_when_sent(self) -> None:
        self._ends_when_sent = True
        if self._outbox is None:
            self.cut()

    def _lose(self) -> None:
        if not self.is_closed:
            self._finish(LOST)
        self.cut()

    def cut(self) -> None:
        if self._is_cut:
            return
        self._is_cut = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)
        if self._outbox is not None:
            loop.remove_writer(self._sock)
            self._outbox = None
        self.handle = None
        self.service.table.gone(self)
        self._sock.close()
