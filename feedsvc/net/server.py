"""The public listener: cuts connections that would take what all others live on.

One that comes when the process is nearly out of files is turned away: at the limit
itself nobody could accept, the listener would stay readable, each turn of the loop
would end in an error, and the database would get no connection.  One that does not
read its answer is cut, for Tornado would keep that in memory for ever.
"""

from __future__ import annotations

import logging
import resource
from collections import Counter
from collections.abc import Callable
from socket import socket
from time import monotonic
from typing import Any
from weakref import WeakSet

from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream

log = logging.getLogger("feedsvc.http")

# For the database, files, operators, and those who are turned away.
RESERVED_FILES = 64
# An answer is a few megabytes at most, and the kernel takes some of it.
UNREAD_S = 60.0
SWEEP_S = 5.0
TELL_AGAIN_S = 10.0


class PublicServer(HTTPServer):
    """An HTTP server that says no in time, and counts it in ``cut`` by reason.

    WebSockets and SockJS streams see to their readers themselves, and sooner.
    """

    def initialize(  # type: ignore[override]  # as Tornado's own, and more
        self,
        *args: Any,
        cut: Counter[str],
        clock: Callable[[], float] = monotonic,
        **options: Any,
    ) -> None:
        super().initialize(*args, **options)
        self._cut = cut
        self._clock = clock
        self._streams: WeakSet[IOStream] = WeakSet()
        self._unread: dict[IOStream, float] = {}  # since when each has been seen so
        self._told: dict[str, tuple[int, float]] = {}  # how many by then, and when
        self._sweeping = PeriodicCallback(self.sweep, SWEEP_S * 1e3)

    def add_sockets(self, sockets: list[socket]) -> None:  # type: ignore[override]
        super().add_sockets(sockets)
        self._sweeping.start()

    def stop(self) -> None:
        self._sweeping.stop()
        super().stop()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        # The kernel gives the lowest number that is free.
        if stream.socket.fileno() >= _most_files():
            stream.close()
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            self._note("files", f"ulimit -n is {soft}")
            return
        self._streams.add(stream)
        super().handle_stream(stream, address)

    def sweep(self) -> None:
        """Cut those that have left bytes unread for too long."""
        now = self._clock()
        writing = [stream for stream in self._streams if stream.writing()]
        self._unread = {one: self._unread.get(one, now) for one in writing}
        for stream, since in list(self._unread.items()):
            if now - since >= UNREAD_S:
                del self._unread[stream]
                stream.close()
                self._note("unread", f"an answer not read for {UNREAD_S:g} s")

    def _note(self, reason: str, cause: str) -> None:
        self._cut[reason] += 1
        count, now = self._cut[reason], self._clock()
        told, at = self._told.get(reason, (0, -TELL_AGAIN_S))
        if now >= at + TELL_AGAIN_S:
            log.warning("connections cut count=%d cause=%s", count - told, cause)
            self._told[reason] = count, now


def _most_files() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return float("inf")
    return soft - min(RESERVED_FILES, soft // 4)
