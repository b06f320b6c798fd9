"""jsonp: one frame a script, for the oldest of browsers."""

from __future__ import annotations

from feedsvc.sockjs.http import SCRIPT_TYPE, Exchange, nocache
from feedsvc.sockjs.transports.callback import callback_name, script_string
from feedsvc.sockjs.transports.receiver import PollReceiver


def poll(exchange: Exchange) -> PollReceiver | None:
    """Make a script of one frame; without a good callback answer that."""
    callback = callback_name(exchange)
    if callback is None:
        return None

    def wrap(frame: str) -> bytes:
        # The empty comment keeps a plug-in from taking the answer for its own code.
        return f"/**/{callback}({script_string(frame)});\r\n".encode()

    headers = nocache() | exchange.cookie()
    return PollReceiver(exchange, wrap, SCRIPT_TYPE, headers)
