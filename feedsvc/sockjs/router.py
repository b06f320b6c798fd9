"""The door: a router that Tornado applications mount."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Router

from feedsvc.sockjs.connection import SockJSConnection
from feedsvc.sockjs.http import Exchange
from feedsvc.sockjs.routes import find_route
from feedsvc.sockjs.service import Service
from feedsvc.sockjs.session import SockJSSession
from feedsvc.sockjs.settings import Settings, make_settings


class SockJSRouter(Router):
    """One SockJS service below ``prefix``.

    ``Application(router.urls)`` mounts it. The connection class (or a factory) is
    called with the session for each client. Settings are a `Settings` or a mapping of
    its names; ``user_settings`` go on top.
    """

    def __init__(
        self,
        connection: Callable[[SockJSSession], SockJSConnection],
        prefix: str = "",
        settings: Settings | Mapping[str, Any] | None = None,
        user_settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._prefix = prefix.rstrip("/")
        self.settings = make_settings(settings, user_settings)
        self._service = Service(connection, self.settings)

    @property
    def urls(self) -> list[tuple[str, SockJSRouter]]:
        """The URL rules for a Tornado application."""
        return [(re.escape(self._prefix) + r"(?:/.*)?", self)]

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Exchange:
        """Return who answers the request; Tornado calls this."""
        self._service.start()
        route = find_route(self.settings, request.path[len(self._prefix) :])
        return Exchange(self._service, request, route)

    def drain(self, seconds: float) -> Awaitable[None]:
        """Refuse new sessions, and close the open ones spread over the time.

        Info answers 503 from now on, the open sessions get 3001. Await the end, then
        `stop`.
        """
        return self._service.drain(seconds)

    def close(self) -> None:
        """End the timer, and close every session with 3000, at once."""
        self._service.close()

    async def stop(self) -> None:
        """Close, and wait until each connection's `on_close` is done."""
        await self._service.finish()

    def stats(self) -> dict[str, Any]:
        """Return the service's counts; see `Counters`."""
        return self._service.counters.snapshot()
