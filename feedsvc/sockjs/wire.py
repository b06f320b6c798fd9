"""SockJS frames, and the messages of one tick encoded once for everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from feedsvc.sockjs.codec import DEFLATED, TEXT, build_frame
from feedsvc.sockjs.deflate import deflate

OPEN = "o"
HEARTBEAT = "h"

# Close codes that this server chooses itself.
GO_AWAY = (3000, "Go away!")
DRAINING = (3001, "draining")
TOO_SLOW = (3002, "too slow")
REFUSED = (3003, "refused")
INTERRUPTED = (1002, "Connection interrupted")
STILL_OPEN = (2010, "Another connection still open")
OVER_LIMIT = (3003, "over a limit")
BROKEN = (1011, "Internal error")

# Some browsers and intermediaries drop or alter these; U+2028 and U+2029 end a
# line of script, and a lone surrogate has no UTF-8 form.
_FRAGILE = re.compile(
    "[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff\ud800-\udfff]"
)
_encode = json.JSONEncoder(ensure_ascii=False).encode


class PayloadError(ValueError):
    """What a client sent is no array of strings; the text is the answer's body."""


# Compressing 20 kB takes as long as copying it for some 16 sockets, and what is
# short enough for one packet costs the same either way.
DEFLATE_RECEIVERS = 16
DEFLATE_BYTES = 512

EMPTY = "Payload expected."
NOT_JSON = "Broken JSON encoding."


def encode_message(text: str) -> str:
    """Return the message as a JSON string that every transport carries intact."""
    encoded = _encode(text)
    if encoded.isascii():
        return encoded
    return _FRAGILE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def array_frame(encoded: Iterable[str]) -> str:
    """Return the frame that carries messages already encoded."""
    return f"a[{','.join(encoded)}]"


def close_frame(code: int, reason: str) -> str:
    """Return the frame that ends a session."""
    return f"c[{code},{encode_message(reason)}]"


def decode_payload(payload: str | bytes) -> list[str]:
    """Return the messages of a JSON array of strings.

    Raises `PayloadError` on anything else.
    """
    if not payload:
        raise PayloadError(EMPTY)
    try:
        messages = json.loads(payload)
    except (ValueError, RecursionError):
        raise PayloadError(NOT_JSON) from None
    return _strings(messages)


def decode_text(text: str) -> list[str]:
    """Return the messages of a framed WebSocket's text: an array, or one string.

    Raises `PayloadError` on anything else.
    """
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise PayloadError(NOT_JSON) from None
    return [payload] if isinstance(payload, str) else _strings(payload)


def _strings(payload: Any) -> list[str]:
    if not isinstance(payload, list):
        raise PayloadError(EMPTY)
    if not all(isinstance(message, str) for message in payload):
        raise PayloadError(EMPTY)
    return payload


class Batch:
    """The messages of one tick, encoded on demand once per framing.

    Any number of groups and sessions may share a batch. ``encoded`` are the
    messages' JSON string forms, for a caller that has them already.
    """

    __slots__ = (
        "_deflated",
        "_encoded",
        "_forms",
        "_frame",
        "_raw",
        "_raw_deflated",
        "_receivers",
        "_websocket",
        "messages",
    )

    def __init__(
        self, messages: Sequence[str], encoded: Sequence[str] | None = None
    ) -> None:
        self.messages = messages
        self._encoded = encoded
        self._frame: str | None = None
        self._websocket: bytes | None = None
        self._deflated: bytes | None = None
        self._raw: bytes | None = None
        self._raw_deflated: bytes | None = None
        self._receivers = 0  # of those that can inflate
        self._forms: dict[Callable[[str], bytes], bytes] = {}

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def encoded(self) -> Sequence[str]:
        """The messages as JSON strings."""
        if self._encoded is None:
            self._encoded = [encode_message(message) for message in self.messages]
        return self._encoded

    @property
    def size(self) -> int:
        """Bytes of the array frame, about."""
        return len(self.websocket)

    @property
    def frame(self) -> str:
        """The SockJS array frame."""
        if self._frame is None:
            self._frame = array_frame(self.encoded)
        return self._frame

    @property
    def websocket(self) -> bytes:
        """The array frame in one WebSocket frame."""
        if self._websocket is None:
            self._websocket = build_frame(TEXT, self.frame.encode())
        return self._websocket

    @property
    def raw(self) -> bytes:
        """One WebSocket frame a message, for raw WebSockets."""
        if self._raw is None:
            self._raw = b"".join(raw_frame(message) for message in self.messages)
        return self._raw

    def for_websocket(self, receivers: int) -> bytes:
        """The array frame for so many WebSockets that can inflate."""
        if self._deflated is None:
            if not self._pays(receivers):
                return self.websocket
            self._deflated = deflated_frame(self.frame.encode())
        return self._deflated

    def for_raw(self, receivers: int) -> bytes:
        """The messages for so many raw WebSockets that can inflate."""
        if self._raw_deflated is None:
            if not self._pays(receivers):
                return self.raw
            texts = (text.encode("utf-8", "replace") for text in self.messages)
            self._raw_deflated = b"".join(map(deflated_frame, texts))
        return self._raw_deflated

    def _pays(self, receivers: int) -> bool:
        self._receivers += receivers
        return self._receivers >= DEFLATE_RECEIVERS

    def form(self, wrap: Callable[[str], bytes]) -> bytes:
        """The array frame as an HTTP transport wraps it."""
        wrapped = self._forms.get(wrap)
        if wrapped is None:
            wrapped = self._forms[wrap] = wrap(self.frame)
        return wrapped


def deflated_frame(payload: bytes) -> bytes:
    """Return the text in one frame, compressed unless it is short."""
    if len(payload) < DEFLATE_BYTES:
        return build_frame(TEXT, payload)
    return build_frame(TEXT | DEFLATED, deflate(payload))


Form = Callable[[Batch, int], bytes]


def plain(batch: Batch, receivers: int) -> bytes:
    """Be the form of those that cannot inflate."""
    return batch.websocket


def _plain_raw(batch: Batch, receivers: int) -> bytes:
    return batch.raw


def websocket_form(*, raw: bool, deflates: bool) -> Form:
    """Return how a WebSocket wants a batch: a function of it and its receivers."""
    if deflates:
        return Batch.for_raw if raw else Batch.for_websocket
    return _plain_raw if raw else plain


def raw_frame(message: str) -> bytes:
    """Return the message as one text frame; lone surrogates become ``?``."""
    return build_frame(TEXT, message.encode("utf-8", "replace"))
