"""What all HTTP doors share: who asks, what origins may, and how errors are told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any

from tornado.web import HTTPError, RequestHandler

from feedsvc import logs
from feedsvc.core.access import ANYONE, Rights
from feedsvc.core.channel import Channel
from feedsvc.core.messages import Page, encode
from feedsvc.core.position import Cursor
from feedsvc.errors import (
    BadMessage,
    FeedError,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from feedsvc.net import rate
from feedsvc.net.compression import LEAST_BYTES, accepts, compress
from feedsvc.net.service import Service
from feedsvc.schema import parse_limit, parse_types

log = logging.getLogger("feedsvc.http")

# The one table of wire codes and statuses; 5xx, 429 may be tried again.
STATUS: Mapping[str, int] = {
    "bad_json": 400,
    "bad_message": 400,
    "bad_channel": 400,
    "bad_cursor": 400,
    "too_many": 400,
    "unauthorized": 401,
    "expired": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
}
JSON_TYPE = "application/json; charset=UTF-8"
ONE_DAY_S = 86_400
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"


class Handler(RequestHandler):
    """One request; its errors leave as ``{"error": {"code", "text"}}``."""

    service: Service
    #: Not of who only asks whether the service is well.
    is_limited = True
    #: Not of a stream, which lasts for as long as its reader stays.
    is_timed = True
    #: What its errors are counted under.
    door = "http"

    def initialize(self, service: Service) -> None:
        self.service = service

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "strict-origin-when-cross-origin")
        # Pages have policies of their own; whatever else is opened as one may nothing.
        self.set_header("Content-Security-Policy", NO_PAGE)
        self.set_header("X-Request-ID", self.request_id)
        self.clear_header("Server")

    @cached_property
    def request_id(self) -> str:
        """What the log calls this request."""
        return logs.name_request(self.request.headers.get("X-Request-ID"))

    def prepare(self) -> None:
        """Refuse foreign origins and who asks too often; the others may read."""
        logs.in_request(self.request_id)
        allowed = self.service.settings.server.admitted_origins
        origin = self.request.headers.get("Origin")
        if allowed and origin is not None and origin.lower() not in allowed:
            raise Forbidden("origin: may not use the service")
        self._open_to_origins()
        if self.is_limited:
            self._take_turn()

    def options(self, *_: str, **__: str) -> None:
        """Answer a browser that asks before it sends a token or a body."""
        self.set_header("Access-Control-Allow-Methods", self._methods())
        self.set_header(
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type, If-None-Match, Last-Event-ID",
        )
        self.set_header("Access-Control-Max-Age", str(ONE_DAY_S))
        self.set_status(204)

    def rights(self) -> Rights:
        """Return what the bearer token allows; without one, what anyone may."""
        header = self.request.headers.get("Authorization")
        if header is None:
            return ANYONE
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Authorization: must be 'Bearer' and a token")
        return self.service.tokens.verify(token.strip())

    def caller(self) -> str:
        """Return the address that the request is counted under, or an empty text."""
        return rate.address(
            self.request.remote_ip or "",
            self.request.headers.get(rate.FORWARDED),
            self.service.settings.server.proxies,
        )

    def channel(self, text: str) -> Channel:
        """Return the channel of the address, which has been decoded already."""
        return Channel.parse(text)

    def pattern(self, text: str) -> Channel:
        """Return the channel to read; ``*`` may stand for one segment."""
        return Channel.parse_pattern(text)

    def limit(self, name: str = "limit") -> int:
        text = self.get_query_argument(name, None)
        if text is None or not text.strip():
            return parse_limit(None, name)
        try:
            return parse_limit(int(text), name)
        except ValueError as error:
            raise BadMessage(name, "must be a whole number") from error

    def types(self) -> Any:
        """Return the item types asked for, comma-separated or repeated."""
        given = self.get_query_arguments("types")
        names = [name.strip() for text in given for name in text.split(",")]
        return parse_types(names if given else None)

    def before(self) -> Page | None:
        text = self.get_query_argument("before", None)
        return None if text is None else Page.parse(text)

    def cursor(self, name: str) -> Cursor | None:
        text = self.get_query_argument(name, None)
        return None if text is None else Cursor.parse(text, name)

    def reply(self, text: str, status: int = 200) -> None:
        """Send JSON that is encoded already."""
        self.set_status(status)
        self.set_header("Content-Type", JSON_TYPE)
        self.finish(text)

    async def send_whole(self, body: bytes, mime_type: str) -> None:
        """Send a whole answer, compressed if that is of use and understood."""
        self.set_header("Content-Type", mime_type)
        self.vary_on("Accept-Encoding")
        if len(body) >= LEAST_BYTES and self.may_send("gzip"):
            self.set_header("Content-Encoding", "gzip")
            body = await compress(body)
        self.finish(body)

    def may_send(self, coding: str) -> bool:
        """True if the client understands the coding."""
        return accepts(self.request.headers.get("Accept-Encoding", ""), coding)

    def vary_on(self, header: str) -> None:
        """Tell caches that the answer depends on the request's header."""
        told = self._headers.get("Vary", "")
        if header not in told.split(", "):
            self.set_header("Vary", f"{told}, {header}" if told else header)

    def base_url(self) -> str:
        """Return the service's address: the configured one, or the one asked for."""
        if (configured := self.service.settings.server.public_url) is not None:
            return configured
        return f"{self._protocol()}://{self.request.host}"

    def _protocol(self) -> str:
        """Return what the client speaks; a proxy that is trusted may say so."""
        told = self.request.headers.get("X-Forwarded-Proto", "").strip().lower()
        if told in ("http", "https") and self._is_proxied():
            return told
        return self.request.protocol

    def _is_proxied(self) -> bool:
        proxies = self.service.settings.server.proxies
        try:
            peer = ip_address(self.request.remote_ip or "")
        except ValueError:
            return False
        return any(peer in ip_network(proxy) for proxy in proxies)

    def _take_turn(self) -> None:
        """Raise ``RateLimited`` if the caller has asked too often.

        Who publishes with a good token is counted where that is done.
        """
        try:
            subject = self.rights().subject
        except FeedError:
            subject = None
        if subject is not None and self.request.method not in ("GET", "HEAD"):
            return
        caller = self.caller() if subject is None else f"token {subject}"
        if caller:
            per_second = self.service.settings.limits.requests_per_second
            self.service.asking.take(caller, "requests", per_second)

    def _open_to_origins(self) -> None:
        """Let the pages of allowed origins read the answer, errors too."""
        allowed = self.service.settings.server.admitted_origins
        origin = self.request.headers.get("Origin")
        if not allowed:
            self.set_header("Access-Control-Allow-Origin", "*")
        else:
            self.vary_on("Origin")
            if origin is not None and origin.lower() in allowed:
                self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header(
            "Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-ID"
        )

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        # Tornado's own lines would have the address, and so what was asked for.
        if not isinstance(value, FeedError | HTTPError):
            cause = (typ, value, tb)
            log.error("request failed method=%s", self.request.method, exc_info=cause)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell the error; unexpected ones give away no detail."""
        cause = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(cause, HTTPError):
            code = _http_code(status_code)
            text = cause.log_message or self._reason
        elif isinstance(cause, FeedError):
            code, text = cause.code, cause.text
        else:
            code, text = "internal", "an unexpected error; it has been logged"
        # Tornado has dropped the headers that were set so far.
        self._open_to_origins()
        self.service.refusals[self.door, code] += 1
        self.fail(STATUS.get(code, status_code), code, text)
        if isinstance(cause, RateLimited | Unavailable):
            self.set_header("Retry-After", str(max(1, round(cause.retry_after_s))))
        if self.get_status() == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if self.get_status() == 405:
            self.set_header("Allow", self._methods())
        self.finish()

    def fail(self, status: int, code: str, text: str) -> None:
        """Write an error without ending the answer."""
        self.set_status(status)
        self.set_header("Content-Type", JSON_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.write(encode({"error": {"code": code, "text": text}}))

    def _methods(self) -> str:
        """Return the methods that this address has."""
        return ", ".join(name for name in self.SUPPORTED_METHODS if self._has(name))

    def _has(self, method: str) -> bool:
        own = getattr(type(self), method.lower(), None)
        return own is not getattr(RequestHandler, method.lower())


class NotFoundHandler(Handler):
    """Every address that is none of ours."""

    def prepare(self) -> None:
        super().prepare()
        raise NotFound(f"no such page: {self.request.path}")


def _http_code(status: int) -> str:
    codes = {404: "not_found", 405: "method_not_allowed", 400: "bad_message"}
    return codes.get(status, "internal" if status >= 500 else "bad_message")
