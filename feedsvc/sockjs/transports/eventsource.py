"""eventsource: frames as server-sent events."""

from __future__ import annotations

from feedsvc.sockjs.http import Exchange, nocache
from feedsvc.sockjs.transports.receiver import StreamReceiver

EVENT_TYPE = "text/event-stream"
# The client runs decodeURI on every event, so a percent sign has to be escaped too:
# it would alter %41, and throw on %99 and lose the frame.
_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", "\0": "%00"})


def wrap(frame: str) -> bytes:
    """Return the frame as one event."""
    return f"data: {frame.translate(_ESCAPES)}\r\n\r\n".encode()


def stream(exchange: Exchange) -> StreamReceiver:
    """Begin an answer that goes on to the response limit."""
    headers = nocache() | exchange.cors() | exchange.cookie()
    return StreamReceiver(exchange, wrap, EVENT_TYPE, headers, b"\r\n")
