"""The server's side of WebSocket (RFC 6455): bytes in, events out, no I/O."""

from __future__ import annotations

import codecs
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha1

from feedsvc.sockjs.deflate import BrokenError, TooBigError, inflate

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV, MASKED = 0x80, 0x70, 0x80
DEFLATED = 0x40  # the first reserved bit, by RFC 7692
KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

NORMAL, PROTOCOL_ERROR, UNSUPPORTED, BAD_TEXT, TOO_BIG, INTERNAL_ERROR = (
    1000,
    1002,
    1003,
    1007,
    1009,
    1011,
)
NO_CODE = 1005  # what a close frame without a code means; never on the wire


@dataclass(frozen=True, slots=True)
class Ping:
    data: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The peer says that it will send nothing more."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The peer broke a rule: close with this code. Always the last event."""

    code: int
    reason: str


Event = str | bytes | Ping | Pong | Close | Violation


class _BrokenRuleError(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.violation = Violation(code, reason)


def accept_key(key: str) -> str | None:
    """Return the answer to a handshake's key, or None if the key is malformed."""
    try:
        raw = key.encode("ascii")
        if len(b64decode(raw, validate=True)) != 16:
            return None
    except ValueError:
        return None
    # SHA-1 is what the RFC asks for; it protects nothing.
    digest = sha1(raw + KEY_SUFFIX, usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")


def build_frame(opcode: int, payload: bytes) -> bytes:
    """Return one whole unmasked frame, as servers send them.

    ``opcode | DEFLATED`` marks a payload that is compressed.
    """
    size = len(payload)
    if size < 126:
        head = bytes((FIN | opcode, size))
    elif size < 65536:
        head = bytes((FIN | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((FIN | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def build_close(code: int, reason: str) -> bytes:
    """Return a close frame; a reason beyond 123 bytes is cut between characters."""
    text = reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore")
    return build_frame(CLOSE, code.to_bytes(2, "big") + text.encode())


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Apply the 4-byte mask: one XOR of two big integers, not a loop."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    value = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return value.to_bytes(size, "big")


def is_close_code(code: int) -> bool:
    """Say whether a peer may write this code in a close frame (RFC 6455, 7.4)."""
    return 3000 <= code <= 4999 or (
        1000 <= code <= 1014 and code not in {1004, 1005, 1006}
    )


class FrameParser:
    """Parses what a client sends into events.

    ``limit`` bounds one message; it is checked on a frame's header, before its
    payload is buffered. After a `Close` or a `Violation` nothing more comes.
    ``deflates`` says whether compressed messages were agreed on.
    """

    __slots__ = (
        "_binary",
        "_buffer",
        "_decoder",
        "_deflated",
        "_deflates",
        "_done",
        "_limit",
        "_message",
    )

    def __init__(self, limit: int, *, deflates: bool = False) -> None:
        self._limit = limit
        self._deflates = deflates
        self._buffer: bytearray | None = None  # an incomplete frame
        self._message: bytearray | None = None  # an incomplete fragmented message
        self._decoder: codecs.IncrementalDecoder | None = None
        self._binary = False
        self._deflated = False  # the message that is being read
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """Return what is complete now, in order."""
        if self._buffer is None and self._message is None and not self._done:
            # Nearly every read is one small text frame.
            size = len(data) - 6
            if (
                0 <= size < 126
                and data[0] == FIN | TEXT
                and data[1] == MASKED | size
                and size <= self._limit
            ):
                try:
                    return [unmask(data[6:], data[2:6]).decode()]
                except UnicodeDecodeError:
                    return [self._violated(BAD_TEXT, "text is not UTF-8")]
        return self._feed_slowly(data)

    def _feed_slowly(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        buffer = self._buffer if self._buffer is not None else bytearray()
        buffer += data
        position = 0
        try:
            while not self._done:
                end = self._frame(buffer, position, events)
                if end is None:
                    break
                position = end
        except _BrokenRuleError as broken:
            self._done = True
            events.append(broken.violation)
        if self._done or position == len(buffer):
            self._buffer = None
        else:
            del buffer[:position]
            self._buffer = buffer
        return events

    def _frame(self, buffer: bytearray, start: int, events: list[Event]) -> int | None:
        """Take one frame; return where it ends, or None if it is incomplete."""
        available = len(buffer) - start
        if available < 2:
            return None
        first, second = buffer[start], buffer[start + 1]
        self._check_head(first, second)
        size, head = second & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            if available < head:
                return None
            size = int.from_bytes(buffer[start + 2 : start + head], "big")
            self._check_length(size, head)
        self._check_limit(first & 0x0F, size)
        body = start + head + 4
        end = body + size
        if len(buffer) < end:
            return None
        payload = unmask(bytes(buffer[body:end]), bytes(buffer[body - 4 : body]))
        event = self._event(first, payload)
        if event is not None:
            events.append(event)
        return end

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        reserved = first & RSV
        if reserved == DEFLATED and self._deflates and opcode in (TEXT, BINARY):
            reserved = 0
        if reserved:
            raise _BrokenRuleError(PROTOCOL_ERROR, "reserved bit is set")
        if not second & MASKED:
            raise _BrokenRuleError(PROTOCOL_ERROR, "client frame is not masked")
        if opcode in (CLOSE, PING, PONG):
            if not first & FIN:
                raise _BrokenRuleError(PROTOCOL_ERROR, "control frame is fragmented")
            if second & 0x7F > 125:
                raise _BrokenRuleError(PROTOCOL_ERROR, "control frame is too long")
        elif opcode == CONTINUATION:
            if self._message is None:
                raise _BrokenRuleError(PROTOCOL_ERROR, "nothing to continue")
        elif opcode not in (TEXT, BINARY):
            raise _BrokenRuleError(PROTOCOL_ERROR, "opcode is unknown")
        elif self._message is not None:
            raise _BrokenRuleError(PROTOCOL_ERROR, "message is not finished")

    def _check_length(self, size: int, head: int) -> None:
        if size < (126 if head == 4 else 65536):
            raise _BrokenRuleError(PROTOCOL_ERROR, "length is not in shortest form")
        if size >> 63:
            raise _BrokenRuleError(PROTOCOL_ERROR, "length has its top bit set")

    def _check_limit(self, opcode: int, size: int) -> None:
        so_far = len(self._message) if self._message and opcode == CONTINUATION else 0
        if opcode < CLOSE and so_far + size > self._limit:
            raise _BrokenRuleError(TOO_BIG, f"message is over {self._limit} bytes")

    def _event(self, first: int, payload: bytes) -> Event | None:
        opcode = first & 0x0F
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        if opcode == CLOSE:
            return self._close(payload)
        if opcode != CONTINUATION:
            self._binary = opcode == BINARY
            self._deflated = bool(first & DEFLATED)
            if first & FIN:
                return self._whole(payload)
            self._message = bytearray()
        return self._fragment(payload, bool(first & FIN))

    def _whole(self, payload: bytes) -> str | bytes:
        if self._deflated:
            try:
                payload = inflate(payload, self._limit)
            except TooBigError as error:
                raise _BrokenRuleError(TOO_BIG, str(error)) from None
            except BrokenError:
                raise _BrokenRuleError(BAD_TEXT, "compression is broken") from None
        return payload if self._binary else _text(payload)

    def _fragment(self, payload: bytes, final: bool) -> Event | None:
        message = self._message
        assert message is not None  # noqa: S101 - _check_head has seen to it
        if not self._binary and not self._deflated:
            # Bad text is refused at the fragment that breaks it, not at the end.
            if self._decoder is None:
                self._decoder = codecs.getincrementaldecoder("utf-8")()
            try:
                self._decoder.decode(payload, final)
            except UnicodeDecodeError:
                raise _BrokenRuleError(BAD_TEXT, "text is not UTF-8") from None
        message += payload
        if not final:
            return None
        self._message = self._decoder = None
        return self._whole(bytes(message))

    def _close(self, payload: bytes) -> Close:
        self._done = True
        if not payload:
            return Close(NO_CODE, "")
        code = int.from_bytes(payload[:2], "big")
        if len(payload) == 1 or not is_close_code(code):
            raise _BrokenRuleError(PROTOCOL_ERROR, "close code is not allowed")
        return Close(code, _text(payload[2:]))

    def _violated(self, code: int, reason: str) -> Violation:
        self._done = True
        return Violation(code, reason)


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise _BrokenRuleError(BAD_TEXT, "text is not UTF-8") from None
