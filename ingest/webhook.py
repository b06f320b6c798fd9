"""The door for sources that tell by themselves what is new: web hooks over HTTP.

A source that has a ``webhook_secret`` is told at ``POST /hooks/{name}``.  What it is
told is the document that it would have fetched, and is read by the same rules.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from feedsvc.errors import ConfigError, SourceError, Unavailable
from ingest.config import Job
from ingest.exchange import Response
from ingest.summary import Outcome, Summary

log = logging.getLogger("ingest.webhook")

# What is on the air, with its history and all stations of a server.
MAX_BODY = 1024 * 1024
MAX_HEADERS = 16 * 1024
BODY_S = 10.0
IDLE_S = 60.0
# So many posts wait for each other at most; the others are told to come again.
MAX_WAITING = 20
RETRY_S = 5
# What a stop waits for posts under way.
DRAIN_S = 10.0

Receive = Callable[[Job, Response], Awaitable[Summary]]


class Webhooks:
    """Listens as soon as one of the jobs wants it, and until ``close``."""

    def __init__(self, host: str, port: int, receive: Receive) -> None:
        self._host = host
        self._port = port
        self._receive = receive
        self._jobs: dict[str, tuple[Job, asyncio.Lock]] = {}
        self._server: HTTPServer | None = None
        self._waiting = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        # Compared with where there is none, so that names cannot be told by time.
        self._no_secret = secrets.token_urlsafe()

    @property
    def port(self) -> int | None:
        """The port that is listened on, if there is one."""
        return self._port if self._server else None

    def replace(self, jobs: Sequence[Job]) -> None:
        """Take what is told for these jobs and no others.

        Raise ``ConfigError`` if the port cannot be had.
        """
        found = {job.source.name: (job, asyncio.Lock()) for job in jobs if _secret(job)}
        if found and self._server is None:
            self._listen()
        self._jobs = found

    async def close(self) -> None:
        """Take no more, and wait for what is being written."""
        if self._server is None:
            return
        self._server.stop()
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._is_quiet.wait()
        except TimeoutError:
            log.warning("webhooks cut count=%d", self._waiting)
        await self._server.close_all_connections()
        self._server = None

    def job(self, name: str, offered: str) -> Job | None:
        """Return the job of that name if ``offered`` is its secret."""
        job, _ = self._jobs.get(name, (None, None))
        secret = _secret(job) if job else self._no_secret
        is_right = hmac.compare_digest(offered.encode(), secret.encode())
        return job if is_right else None

    async def take(self, job: Job, response: Response) -> Summary:
        """Write what the response holds, one after the other for each source."""
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many web hooks at once")
        _, turn = self._jobs[job.source.name]
        self._waiting += 1
        self._is_quiet.clear()
        try:
            async with turn:
                return await self._receive(job, response)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._is_quiet.set()

    def _listen(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            listener = socket.create_server(found[0][4][:2], family=found[0][0])
        except OSError as error:
            told = f"server.ingest_port: {self._host}:{self._port}: {error.strerror}"
            raise ConfigError([told]) from error
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        routes = [(r"/hooks/([a-z0-9_-]{1,64})", _Hook, {"hooks": self})]
        application = Application(
            routes, default_handler_class=_Nothing, log_function=_log
        )
        self._server = HTTPServer(
            application,
            max_body_size=MAX_BODY,
            max_buffer_size=MAX_BODY + MAX_HEADERS,
            max_header_size=MAX_HEADERS,
            body_timeout=BODY_S,
            idle_connection_timeout=IDLE_S,
        )
        self._server.add_socket(listener)
        log.info("webhooks taken host=%s port=%d", self._host, self._port)


class _Answers(RequestHandler):
    """Errors leave as ``{"error": {"code", "text"}}``."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")

    def fail(self, status: int, code: str, text: str) -> None:
        self.set_status(status)
        self.finish(json.dumps({"error": {"code": code, "text": text}}) + "\n")

    def write_error(self, status_code: int, **_: Any) -> None:
        code = {404: "not_found", 405: "bad_message"}.get(status_code, "internal")
        self.fail(status_code, code, self._reason)


class _Nothing(_Answers):
    def prepare(self) -> None:
        raise HTTPError(404)


class _Hook(_Answers):
    def initialize(self, hooks: Webhooks) -> None:
        self._hooks = hooks

    async def post(self, name: str) -> None:
        job = self._hooks.job(name, self._offered())
        if job is None:
            self.set_header("WWW-Authenticate", 'Basic realm="hooks"')
            self.fail(401, "unauthorized", "no such web hook, or another secret")
            return
        response = Response(job.source.url, self.request.body, datetime.now(UTC))
        try:
            summary = await self._hooks.take(job, response)
        except SourceError as error:
            self.fail(400, "bad_message", str(error))
        except Unavailable as error:
            self._not_now(str(error))
        else:
            self._tell(summary)

    def _tell(self, summary: Summary) -> None:
        if summary.outcome is not Outcome.DONE:
            self._not_now(f"the source is {summary.outcome}")
            return
        told = {
            "written": dict(summary.written),
            "dropped": dict(summary.dropped),
            "faults": summary.faults,
        }
        self.finish(json.dumps(told) + "\n")

    def _not_now(self, why: str) -> None:
        self.set_header("Retry-After", str(RETRY_S))
        self.fail(503, "unavailable", why)

    def _offered(self) -> str:
        """Return the secret: the password, the bearer token or ``?secret=``."""
        scheme, _, rest = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return rest.strip()
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(rest, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return ""
            return text.partition(":")[2]
        return self.get_query_argument("secret", "")


def _secret(job: Job) -> str:
    return str(job.source.given.get("webhook_secret") or "")


def _log(handler: RequestHandler) -> None:
    """Log refusals, without the query: a secret may stand in it."""
    status = handler.get_status()
    if status >= 400:
        level = logging.WARNING if status >= 500 else logging.INFO
        log.log(
            level, "webhook refused path=%s status=%d", handler.request.path, status
        )
