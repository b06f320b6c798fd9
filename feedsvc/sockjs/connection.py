"""What an application writes: one object per client, and what it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from feedsvc.sockjs.wire import GO_AWAY, Batch

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from feedsvc.sockjs.session import SockJSSession


class ConnectionInfo:
    """Who opens a session, and how. Do not keep it: it holds the whole request."""

    __slots__ = ("_query", "headers", "ip", "origin", "path", "transport")

    def __init__(self, request: HTTPServerRequest, ip: str, transport: str) -> None:
        self.ip = ip
        self.transport = transport
        self.path: str = request.path
        self.headers: Mapping[str, str] = MappingProxyType(request.headers)
        self.origin: str | None = request.headers.get("Origin")
        self._query = request.query

    @property
    def arguments(self) -> Mapping[str, list[str]]:
        """The query's arguments; blank ones too."""
        try:
            return parse_qs(self._query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return {}

    @property
    def cookies(self) -> Mapping[str, str]:
        """The request's cookies; empty if the header is malformed."""
        try:
            parsed = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in parsed.items()}

    def get_argument(self, name: str) -> str | None:
        """Return the last value of a query argument, or None."""
        values = self.arguments.get(name)
        return values[-1] if values else None

    def get_cookie(self, name: str) -> str | None:
        """Return a cookie's value, or None."""
        return self.cookies.get(name)

    def get_header(self, name: str) -> str | None:
        """Return a header of the request, or None."""
        return self.headers.get(name)


class SockJSConnection:
    """One client, whatever its transport. Subclass it and override the three `on_`.

    The three may be ``async def``: they are then awaited one after the other, in the
    order of the events, and the client is not read meanwhile. They are never called
    from inside `send`, `close`, `broadcast` or `Group.send`.
    """

    __slots__ = ("__weakref__", "session")

    def __init__(self, session: SockJSSession) -> None:
        self.session = session

    def on_open(self, info: ConnectionInfo) -> bool | Awaitable[bool | None] | None:
        """Accept the client; returning False refuses it with code 3003."""
        return None

    def on_message(self, message: str) -> Awaitable[None] | None:
        """Take one message."""

    def on_close(self) -> Awaitable[None] | None:
        """Let go of the client; called once for each `on_open` that did not refuse."""

    def send(self, message: str) -> None:
        """Send one message, now or when the client can take it; never wait.

        A client that lets too much pile up is closed with 3002. Nothing happens
        if the connection is closed.
        """
        self.session.deliver(self.session.service.batch(message))

    def broadcast(self, clients: Iterable[SockJSConnection], message: str) -> None:
        """Send one message to many clients, encoding it once."""
        batch = Batch((message,))
        for client in tuple(clients):
            client.session.deliver(batch)

    def close(self, code: int = GO_AWAY[0], reason: str = GO_AWAY[1]) -> None:
        """End the session after what is queued; raise ValueError on a bad code."""
        if code != 1000 and not 3000 <= code <= 4999:
            raise ValueError("code must be 1000 or 3000 to 4999")
        self.session.close(code, reason)

    @property
    def is_closed(self) -> bool:
        """Whether the session is over; `send` then does nothing."""
        return self.session.is_closed

    @property
    def transport(self) -> str:
        """The transport's name; a polling session's is that of its first request."""
        return self.session.transport

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for this client in our memory."""
        return self.session.queued_bytes
