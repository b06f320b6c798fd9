"""The public listener: turns connections away before the process is out of files."""

from __future__ import annotations

import logging
import resource
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

log = logging.getLogger("feedsvc.http")

# For the database, files, operators, and those who are turned away.
RESERVED_FILES = 64
TELL_AGAIN_S = 10.0


class PublicServer(HTTPServer):
    """An HTTP server that leaves the last of the process's open files to others.

    At the limit itself nobody could accept: the listener would stay readable, and each
    turn of the loop would end in an error; the database would get no connection.
    """

    _turned_away = 0
    _tell_at = 0.0

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        # The kernel gives the lowest number that is free.
        if stream.socket.fileno() >= _most_files():
            stream.close()
            self._note()
        else:
            super().handle_stream(stream, address)

    def _note(self) -> None:
        self._turned_away += 1
        now = monotonic()
        if now >= self._tell_at:
            log.warning(
                "connections turned away count=%d cause=ulimit -n is %d",
                *(self._turned_away, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
            )
            self._turned_away, self._tell_at = 0, now + TELL_AGAIN_S


def _most_files() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return float("inf")
    return soft - min(RESERVED_FILES, soft // 4)
