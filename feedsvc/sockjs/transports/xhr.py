"""xhr and xhr_streaming: frames as lines of a POST's answer."""

from __future__ import annotations

from feedsvc.sockjs.http import SCRIPT_TYPE, Exchange, nocache
from feedsvc.sockjs.transports.receiver import PollReceiver, StreamReceiver

# Browsers hold back the beginning of an answer until there is this much of it.
PRELUDE = b"h" * 2048 + b"\n"


def wrap(frame: str) -> bytes:
    """Return the frame as one line."""
    return frame.encode() + b"\n"


def poll(exchange: Exchange) -> PollReceiver:
    """Make an answer of one frame."""
    headers = nocache() | exchange.cors() | exchange.cookie()
    return PollReceiver(exchange, wrap, SCRIPT_TYPE, headers)


def stream(exchange: Exchange) -> StreamReceiver:
    """Begin an answer that goes on to the response limit."""
    headers = nocache() | exchange.cors() | exchange.cookie()
    return StreamReceiver(exchange, wrap, SCRIPT_TYPE, headers, PRELUDE)
