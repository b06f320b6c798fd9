"""From a path below the base URL to who answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from feedsvc.sockjs import pages
from feedsvc.sockjs.http import Exchange, Handler
from feedsvc.sockjs.settings import Settings
from feedsvc.sockjs.transports import (
    eventsource,
    htmlfile,
    jsonp,
    sender,
    upgrade,
    xhr,
)
from feedsvc.sockjs.transports.receive import receive

_IFRAME = re.compile(r"iframe[0-9a-z.\-_]*\.html")
# Ids are a client's choice and keys of ours: bounded, else as the protocol has it.
_SEGMENT = re.compile(r"[^/.]{1,256}")
_IGNORED_BYTES = 4096  # of the body of a request that needs none, such as a poll


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a URL, and what must hold before."""

    method: str
    handler: Handler
    body_bytes: int = _IGNORED_BYTES
    is_shared: bool = False  # pages of other origins use it, so browsers ask first
    is_open: bool = False  # to any origin
    has_session: bool = True
    is_upgrade: bool = False

    def answer(self, exchange: Exchange) -> None:
        """Answer, after the checks of origin and method."""
        method = exchange.request.method
        if not self.is_open and not _is_allowed(exchange):
            exchange.service.deny(exchange, "origin")
        elif method == "OPTIONS" and self.is_shared:
            pages.preflight(exchange, self.method, cookie=self.has_session)
        elif method != self.method:
            allowed = f"OPTIONS, {self.method}" if self.is_shared else self.method
            exchange.answer(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        else:
            self.handler(exchange)


def find_route(settings: Settings, path: str) -> Route | None:
    """Return who answers what follows the base URL, or None: 404."""
    if path in ("", "/"):
        return Route("GET", pages.greeting, has_session=False)
    parts = path.split("/")
    if len(parts) == 2:
        return _page(settings, parts[1])
    if len(parts) != 4 or not all(map(_SEGMENT.fullmatch, parts[1:3])):
        return None
    return _transport(settings, parts[2], parts[3])


def _page(settings: Settings, name: str) -> Route | None:
    if name == "info":
        return Route("GET", pages.info, is_shared=True, has_session=False)
    if name == "websocket" and settings.websocket:
        return Route("GET", upgrade.raw_websocket, is_upgrade=True)
    if settings.serves("iframe") and _IFRAME.fullmatch(name):
        return Route("GET", pages.iframe, is_open=True, has_session=False)
    return None


def _transport(settings: Settings, id: str, name: str) -> Route | None:
    if not settings.serves(name.removesuffix("_send")):
        return None
    limit = settings.max_request_bytes
    match name:
        case "websocket":
            return Route("GET", upgrade.websocket, is_upgrade=True)
        case "xhr":
            handler = partial(receive, id=id, transport="xhr-polling", begin=xhr.poll)
            return Route("POST", handler, is_shared=True)
        case "xhr_streaming":
            handler = partial(
                receive, id=id, transport="xhr-streaming", begin=xhr.stream
            )
            return Route("POST", handler, is_shared=True)
        case "xhr_send":
            return Route("POST", partial(sender.xhr_send, id=id), limit, is_shared=True)
        case "eventsource":
            handler = partial(receive, id=id, transport=name, begin=eventsource.stream)
            return Route("GET", handler)
        case "htmlfile":
            return Route(
                "GET", partial(receive, id=id, transport=name, begin=htmlfile.stream)
            )
        case "jsonp":
            return Route(
                "GET", partial(receive, id=id, transport=name, begin=jsonp.poll)
            )
        case "jsonp_send":
            return Route("POST", partial(sender.jsonp_send, id=id), limit)
    return None


def _is_allowed(exchange: Exchange) -> bool:
    allowed, origin = exchange.service.settings.origins, exchange.origin
    return not allowed or origin is None or origin in allowed
