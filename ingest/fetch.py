"""HTTP for sources: guarded, conditional, bounded in time and size, polite."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from tornado.httpclient import HTTPError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError
from tornado.simple_httpclient import (
    HTTPTimeoutError,
    SimpleAsyncHTTPClient,
    _HTTPConnection,
)

from feedsvc import __version__
from ingest import disk, guard, pacing
from ingest.exchange import FetchError, FileRequest, Request, Response
from ingest.hosts import APART_PRIVATE_S, APART_S, Hosts

CONNECT_S = 10.0
TOTAL_S = 30.0
MAX_BODY = 5 * 1024 * 1024
MAX_HEADERS = 64 * 1024
MAX_REDIRECTS = 5
MAX_VALIDATOR = 1_024
MAX_CONNECTIONS = 50

# Now and then the whole document is asked for, in case a server's validators lie.
UNCONDITIONAL = 0.01

_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
# Where these go, and nothing else, may be decided by whoever redirects us.
_FOR_OTHERS = {"accept", "if-none-match", "if-modified-since"}
# No address, no connection, no encryption, no HTTP, or no end of it in time.
_FAILURES = (
    HTTPError,
    HTTPInputError,
    UnsatisfiableReadError,
    OSError,
    ValueError,
)
# We count what arrives ourselves, and can then say that it was too much.
_NO_LIMIT = 1 << 40


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to recognise a document by; kept exactly as it came."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Validators:
        """Return those of an answer."""
        etag, date = headers.get("etag", ""), headers.get("last-modified", "")
        # Kept for every source: nothing of a validator's use is longer.
        return cls(
            etag if len(etag) <= MAX_VALIDATOR else None,
            date if len(date) <= MAX_VALIDATOR else None,
        )

    def headers(self) -> dict[str, str]:
        found = {
            "If-None-Match": self.etag,
            "If-Modified-Since": self.last_modified,
        }
        return {name: value for name, value in found.items() if value}


class Fetcher:
    """Fetches for all sources of a process, which share the limits of a host."""

    def __init__(
        self,
        hosts: Hosts,
        *,
        permits: Callable[[str], bool] = guard.is_public,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._hosts = hosts
        self._chance = chance
        self._guarded = _client(permits)
        self._open = _client(guard.is_any)

    def close(self) -> None:
        self._guarded.close()
        self._open.close()

    async def get(
        self,
        request: Request,
        validators: Validators | None = None,
        *,
        allow_private: bool = False,
        timeout_s: float = TOTAL_S,
        accepted: Set[int] = frozenset(),
    ) -> Response:
        """Return the answer; its status is 200, or 304 if validators were given.

        Also an ``accepted`` one, whose body then is whatever the server sent.  Raise
        ``FetchError`` for anything else.
        """
        if isinstance(request, FileRequest):
            async with asyncio.timeout(timeout_s):
                return await asyncio.to_thread(disk.collect, request, datetime.now(UTC))
        headers = dict(request.headers)
        if validators is not None and self._chance() >= UNCONDITIONAL:
            headers |= validators.headers()
        client, apart_s = self._guarded, APART_S
        if allow_private:
            client, apart_s = self._open, APART_PRIVATE_S
        url, is_permanent = request.url, True
        deadline = asyncio.get_running_loop().time() + timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            left_s = deadline - asyncio.get_running_loop().time()
            answer, body = await self._one(client, url, headers, apart_s, left_s)
            if answer.code not in _REDIRECTS or "Location" not in answer.headers:
                moved_to = url if url != request.url and is_permanent else None
                response = self._response(answer, url, body, moved_to)
                self._check(answer, response, headers, accepted)
                return response
            is_permanent = is_permanent and answer.code in _PERMANENT
            url, headers = _follow(url, answer.headers["Location"], headers)
        raise FetchError(request.url, f"redirects more than {MAX_REDIRECTS} times")

    async def _one(
        self,
        client: SimpleAsyncHTTPClient,
        url: str,
        headers: Mapping[str, str],
        apart_s: float,
        timeout_s: float,
    ) -> tuple[HTTPResponse, bytes]:
        host = _host(url)
        suspended_s = self._hosts.suspended_s(host)
        if suspended_s:
            raise FetchError(
                url, "the host asked us to wait", retry_after_s=suspended_s
            )
        async with self._hosts.turn(host, apart_s):
            return await _exchange(client, url, headers, max(timeout_s, 0.1))

    def _response(
        self,
        answer: HTTPResponse,
        url: str,
        body: bytes,
        moved_to: str | None,
    ) -> Response:
        now = datetime.now(UTC)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(url, body, now, answer.code, headers, moved_to)

    def _check(
        self,
        answer: HTTPResponse,
        response: Response,
        sent: Mapping[str, str],
        accepted: Set[int],
    ) -> None:
        """Raise ``FetchError`` for an answer of no use; leave a busy host alone."""
        url, status, headers = response.url, response.status, response.headers
        wait_s = pacing.retry_after_s(headers, response.fetched_at)
        is_limited = status in (429, 503) or pacing.is_used_up(headers)
        if is_limited and wait_s:
            self._hosts.suspend(_host(url), wait_s)
        is_asked = "If-None-Match" in sent or "If-Modified-Since" in sent
        is_useful = status == 200 or status in accepted or (status == 304 and is_asked)
        if not is_useful:
            what = f"answered {status} {answer.reason or ''}".rstrip()
            raise FetchError(url, what, status=status, retry_after_s=wait_s)
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise FetchError(url, "sent in an encoding that was not asked for")


class _Connection(_HTTPConnection):
    """A connection that tells of a reset."""

    def on_connection_close(self) -> None:
        # With an error of the stream the original raises where nobody catches it,
        # and the request would wait until its time is up.
        self.stream.error = None
        super().on_connection_close()


class _Client(SimpleAsyncHTTPClient):
    def _connection_class(self) -> type[_HTTPConnection]:
        return _Connection


def _client(permits: Callable[[str], bool]) -> SimpleAsyncHTTPClient:
    return _Client(
        force_instance=True,
        max_clients=MAX_CONNECTIONS,
        resolver=guard.GuardedResolver(permits=permits),
        max_header_size=MAX_HEADERS,
        max_body_size=_NO_LIMIT,
    )


async def _exchange(
    client: SimpleAsyncHTTPClient,
    url: str,
    headers: Mapping[str, str],
    timeout_s: float,
) -> tuple[HTTPResponse, bytes]:
    """Send one request and read its answer, stopping where it is too long."""
    body = bytearray()

    def receive(chunk: bytes) -> None:
        body.extend(chunk)
        if len(body) > MAX_BODY:
            # The one exception that ends reading without a complaint in the log.
            raise HTTPInputError("too long")

    request = HTTPRequest(
        url,
        headers=dict(headers),
        follow_redirects=False,
        connect_timeout=min(CONNECT_S, timeout_s),
        request_timeout=timeout_s,
        user_agent=headers.get("User-Agent", f"feedsvc/{__version__}"),
        streaming_callback=receive,
        decompress_response=True,
    )
    try:
        answer = await client.fetch(request, raise_error=False)
    except _FAILURES as error:
        if len(body) > MAX_BODY:
            what = f"longer than {MAX_BODY // 1024 // 1024} MB"
            raise FetchError(url, what) from error
        raise FetchError(url, _told(error)) from error
    return answer, bytes(body)


def _told(error: Exception) -> str:
    """Return what went wrong, for a person who may mend it."""
    if isinstance(error, guard.AddressRefused):
        return f"{error}; allow_private = true permits it"
    if isinstance(error, HTTPTimeoutError):
        return f"took too long ({str(error).lower()})"
    if isinstance(error, ssl.SSLError):
        return f"the certificate or the encryption is not accepted: {error}"
    if isinstance(error, HTTPError):
        return str(error.message or error).lower()
    return str(error) or type(error).__name__


def _follow(
    url: str, location: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return where a redirect leads and what may be sent there."""
    try:
        parts = urlsplit(urljoin(url, location))
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise FetchError(url, "redirects to what is no address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(url, f"redirects to {parts.scheme or 'no'} address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    target = urlunsplit((parts.scheme, host + port, parts.path, parts.query, ""))
    if _origin(url) == _origin(target):
        return target, dict(headers)
    return target, {
        name: value for name, value in headers.items() if name.lower() in _FOR_OTHERS
    }


def _origin(url: str) -> tuple[Any, ...]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
