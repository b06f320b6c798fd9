"""One frame to many sockets: in C where the extension was built, else in Python.

``FEEDSVC_FANOUT`` may name the way; unset, it is the first of `WAYS` that works here.
Containers often forbid io_uring, and a machine without a compiler has no extension.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from ssl import SSLSocket
from typing import Final, Protocol, TypeVar

from feedsvc.sockjs.outbox import WOULD_BLOCK

log = logging.getLogger("feedsvc.sockjs")

WAYS: Final = ("io_uring", "send", "python")

Member = TypeVar("Member")
Handle = Callable[..., int]


class SendAll(Protocol):
    """Send one frame to many sockets; return those that did not take all of it.

    With each comes how many bytes it took, -1 if the peer is gone. Nothing else
    happens here: no callback, no change of the lane, which holds each member's
    `handle`.
    """

    def __call__(
        self, frame: bytes, lane: dict[Member, Handle], /
    ) -> list[tuple[Member, int]]: ...


def send_in_python(
    frame: bytes, lane: dict[Member, Handle], /
) -> list[tuple[Member, int]]:
    """Be `SendAll` where the lane holds each socket's own ``send``."""
    size = len(frame)
    failures = []
    for member, send in lane.items():
        try:
            taken = send(frame)
        except WOULD_BLOCK:
            failures.append((member, 0))
        except OSError:
            failures.append((member, -1))
        else:
            if taken != size:
                failures.append((member, taken))
    return failures


def choose(wanted: str) -> tuple[str, SendAll]:
    """Return the wanted way to send, or else the next that works here; "" is any."""
    if wanted and wanted not in WAYS:
        known = ", ".join(WAYS)
        raise ValueError(f"FEEDSVC_FANOUT is {wanted!r}; it must be one of {known}")
    level = logging.WARNING if wanted else logging.INFO
    if wanted == "python":
        return "python", send_in_python
    try:
        from feedsvc.sockjs import _fanout
    except ImportError:
        log.log(level, "fan-out without the extension, which was not built")
        return "python", send_in_python
    if wanted == "send":
        return "send", _fanout.send_by_loop
    try:
        _fanout.open_ring()
    except OSError as error:
        log.log(level, "fan-out without io_uring reason=%s", error.strerror)
        return "send", _fanout.send_by_loop
    return "io_uring", _fanout.send_by_ring


def handle(sock: socket.socket) -> Handle | None:
    """Return what a lane holds for the socket; None if it has to send for itself.

    The extension asks for the number anew each time: a closed socket's number may
    belong to another connection. Under TLS only the socket knows how to send.
    """
    if IMPLEMENTATION == "python":
        return sock.send
    return None if isinstance(sock, SSLSocket) else sock.fileno


IMPLEMENTATION, send_all = choose(os.environ.get("FEEDSVC_FANOUT", ""))
