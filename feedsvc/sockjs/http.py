"""One HTTP request and its answer, on the connection that Tornado keeps.

Tornado's request handlers are not used: a router that answers by itself is half the
cost of a handshake, may detach the socket where Tornado allows it, and writes no
access log, in which session ids would stand.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from asyncio import Future
    from socket import socket

    from tornado.http1connection import HTTP1Connection

    from feedsvc.sockjs.routes import Route
    from feedsvc.sockjs.service import Service

log = logging.getLogger("feedsvc.sockjs.http")

Headers = dict[str, str]
Handler = Callable[["Exchange"], None]

TEXT_TYPE: Final = "text/plain; charset=UTF-8"
SCRIPT_TYPE: Final = "application/javascript; charset=UTF-8"
HTML_TYPE: Final = "text/html; charset=UTF-8"
NOCACHE: Final = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
YEAR_S: Final = 31_536_000
_EARLY_BYTES: Final = 1_048_576  # more than Tornado ever holds of one request
_SAFE_COOKIE = re.compile(r"[A-Za-z0-9.\-_!]{1,128}")


class Exchange(HTTPMessageDelegate):
    """A request, and the one answer to it, whole or piece by piece.

    The route answers when the request is complete. ``on_lost`` is called if the client
    goes before the answer's end.
    """

    def __init__(
        self, service: Service, request: HTTPServerRequest, route: Route | None
    ) -> None:
        self.service = service
        self.request = request
        self.body = bytearray()
        self.on_lost: Callable[[], None] | None = None
        self.is_lost = False
        self._route = route
        self._connection = cast("HTTP1Connection", request.connection)
        self._is_answered = False
        self._is_last = False

    # What Tornado calls.

    def headers_received(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
    ) -> None:
        route = self._route
        if route is not None and route.is_upgrade:
            route.answer(self)  # Tornado lets go of a socket only here
            return
        self._connection.set_body_timeout(self.service.settings.body_timeout_s)
        length = headers.get("Content-Length", "0")
        # Python refuses to read a number of thousands of digits.
        if length.isdecimal() and int(length[:20]) > self._body_bytes:
            self._refuse_body()

    def data_received(self, chunk: bytes) -> None:
        if self._is_answered:
            return
        self.body += chunk
        if len(self.body) > self._body_bytes:
            self._refuse_body()

    def finish(self) -> None:
        if self._is_answered:
            return
        if self._connection.stream.closed():
            # Tornado tells of an end only if it comes after this.
            self.is_lost = True
            return
        self._connection.set_close_callback(self.on_connection_close)
        if self._route is None:
            self._not_found()
        else:
            self._route.answer(self)
        if not self.is_lost and self._connection.stream.closed():
            self.on_connection_close()  # a write has met the end: not told either

    def on_connection_close(self) -> None:
        self.is_lost = True
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost()

    @property
    def _body_bytes(self) -> int:
        return 0 if self._route is None else self._route.body_bytes

    def _refuse_body(self) -> None:
        self.body.clear()
        if self._route is None:
            self._not_found()
        else:
            self.service.refuse("body_bytes")
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"Body is too large.\n")

    def _not_found(self) -> None:
        self.answer(HTTPStatus.NOT_FOUND, b"Not found.\n")

    # What transports call.

    @property
    def origin(self) -> str | None:
        """Origin of the page that asks; None for programs and our own pages."""
        return self.request.headers.get("Origin")

    def answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str | None = TEXT_TYPE,
        headers: Headers | None = None,
    ) -> None:
        """Give the whole answer; without a body there is no type either."""
        self._is_answered = True
        if self.is_lost:
            return
        fields = dict(headers or ())
        if body and content_type:
            fields["Content-Type"] = content_type
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            fields["Content-Length"] = str(len(body))
        if self.request.method == "HEAD":
            body = b""  # only its length is told
        self._write_head(status, fields, body)
        self._connection.finish()
        self._watch_end()

    def begin(self, content_type: str, headers: Headers) -> Future[None]:
        """Begin an answer without length: 200."""
        self._is_answered = True
        if self.request.version == "HTTP/1.0":
            # Only the connection's end can show where such an answer ends.
            self._is_last = True
            if "Connection" in self.request.headers:
                del self.request.headers["Connection"]
        return self._write_head(200, {"Content-Type": content_type, **headers}, b"")

    def write(self, chunk: bytes) -> Future[None]:
        """Write a piece; the future is done when it has left our memory."""
        return self._connection.write(chunk)

    def end(self) -> None:
        """End an answer begun with `begin`."""
        self.on_lost = None
        stream = self._connection.stream
        if stream.closed():
            return
        self._connection.finish()
        self._watch_end()
        if self._is_last and not stream.closed():
            # An empty write is done when all before it are.
            stream.write(b"").add_done_callback(lambda _: self.cut())

    def _watch_end(self) -> None:
        """Bound the time for which the end of an answer may fill our memory."""
        stream = self._connection.stream
        if stream.writing():
            self.service.table.leaving(self)
            written = stream.write(b"")  # done when all before it is
            written.add_done_callback(lambda _: self.service.table.left(self))

    def expire(self) -> None:
        """The client has not taken the end of its answer in time."""
        self.service.counters.slow += 1
        self.cut()

    def cut(self) -> None:
        """Close the connection at once."""
        self.on_lost = None
        self._connection.close()

    def detach(self) -> tuple[socket, bytes] | None:
        """Take the socket from Tornado, and what has come behind the request.

        Nothing of Tornado is left then. None if the client has gone.
        """
        self._is_answered = True
        stream = self._connection.detach()
        try:
            reading = stream.read_bytes(_EARLY_BYTES, partial=True)
            early = cast("Future[bytes]", reading)
        except StreamClosedError:
            return None
        sock = cast("socket | None", stream.socket)
        if sock is None:
            return None
        stream.io_loop.remove_handler(sock.fileno())
        return sock, early.result() if early.done() else b""

    def _write_head(self, status: int, fields: Headers, body: bytes) -> Future[None]:
        line = ResponseStartLine("HTTP/1.1", status, HTTPStatus(status).phrase)
        fields["Date"] = format_datetime(datetime.now(UTC), usegmt=True)
        # Frames hold what strangers wrote: no browser is to take them for a page.
        fields["X-Content-Type-Options"] = "nosniff"
        return self._connection.write_headers(line, HTTPHeaders(fields), body)

    # Header sets.

    def cors(self) -> Headers:
        """Let the page that asks read the answer, and only that page."""
        headers = {"Vary": "Origin"}
        if self.origin:
            headers["Access-Control-Allow-Origin"] = self.origin
            headers["Access-Control-Allow-Credentials"] = "true"
        elif not self.service.settings.origins:
            headers["Access-Control-Allow-Origin"] = "*"
        requested = self.request.headers.get("Access-Control-Request-Headers", "")
        if requested.strip():
            headers["Access-Control-Allow-Headers"] = requested
        return headers

    def cookie(self) -> Headers:
        """Echo the balancer's cookie, or set a first one, if that is switched on."""
        if not self.service.settings.jsessionid:
            return {}
        morsel = self.request.cookies.get("JSESSIONID")
        value = morsel.value if morsel else ""
        if not _SAFE_COOKIE.fullmatch(value):
            value = "dummy"
        suffix = "; Secure; SameSite=None" if self._is_cross_site_tls() else ""
        return {"Set-Cookie": f"JSESSIONID={value}; path=/{suffix}"}

    def _is_cross_site_tls(self) -> bool:
        origin, host = self.origin, self.request.headers.get("Host", "")
        return self.request.protocol == "https" and origin not in (
            None,
            f"https://{host}",
        )


def nocache() -> Headers:
    """Header set of everything that changes."""
    return {"Cache-Control": NOCACHE}


def year() -> Headers:
    """Header set of what may be kept for a year."""
    expires = datetime.now(UTC) + timedelta(seconds=YEAR_S)
    return {
        "Cache-Control": f"public, max-age={YEAR_S}",
        "Expires": format_datetime(expires, usegmt=True),
    }
