"""One base URL: its settings, its sessions, and who may open or use one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from feedsvc.sockjs.connection import ConnectionInfo
from feedsvc.sockjs.counters import Counters
from feedsvc.sockjs.limits import Admission, Proxies
from feedsvc.sockjs.polling import PollingSession
from feedsvc.sockjs.table import Table
from feedsvc.sockjs.wire import DRAINING, Batch

if TYPE_CHECKING:
    from feedsvc.sockjs.connection import SockJSConnection
    from feedsvc.sockjs.http import Exchange
    from feedsvc.sockjs.session import SockJSSession
    from feedsvc.sockjs.settings import Settings

log = logging.getLogger("feedsvc.sockjs")

# Answers of so many characters are kept for a while: in a storm of reconnecting
# clients many get the same.
_KEPT_SIZES = range(2_048, 131_072)
_KEPT = 16

# How a refusal is answered; the body is its reason, so keep secrets out of names.
REFUSALS = {
    "origin": HTTPStatus.FORBIDDEN,
    "draining": HTTPStatus.SERVICE_UNAVAILABLE,
    "sessions": HTTPStatus.SERVICE_UNAVAILABLE,
    "opens": HTTPStatus.SERVICE_UNAVAILABLE,
    "sessions_per_address": HTTPStatus.TOO_MANY_REQUESTS,
    "opens_per_address": HTTPStatus.TOO_MANY_REQUESTS,
}


class Service:
    """What the sessions and the transports of one base URL share."""

    def __init__(
        self, factory: Callable[[SockJSSession], SockJSConnection], settings: Settings
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self.table = Table(settings)
        self.connect = factory
        self.is_draining = False
        self._is_closed = False
        self._admission = Admission(settings)
        self._proxies = Proxies(settings)
        self._keys: dict[SockJSSession, str] = {}  # whom a session is counted for
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._batches: dict[str, Batch] = {}

    # Time.

    def start(self) -> None:
        """Begin to sweep, if not begun; needs a running loop."""
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.settings.sweep_s, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        self.start()
        self._admission.prune(monotonic())
        self.table.sweep()

    def run(self, callback: Coroutine[Any, Any, None]) -> None:
        """Run an application's callback; `finish` awaits those still running."""
        task = asyncio.get_running_loop().create_task(callback)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Who may come in.

    def info(self, exchange: Exchange, transport: str) -> ConnectionInfo:
        """Say who asks."""
        return ConnectionInfo(exchange.request, self._address(exchange), transport)

    def refuses(self, exchange: Exchange) -> bool:
        """Answer a client that may not open a session now; say whether it was so."""
        key = self._admission.key(self._address(exchange))
        if self.is_draining:
            reason: str | None = "draining"
        else:
            reason = self._admission.refusal(key, monotonic())
        if reason is None:
            return False
        self.deny(exchange, reason)
        return True

    def deny(self, exchange: Exchange, reason: str) -> None:
        """Answer a refusal, log it and count it."""
        status = REFUSALS[reason]
        self.counters.refused[reason] += 1
        log.info("refused reason=%s ip=%s", reason, self._address(exchange))
        headers = {"Cache-Control": "no-store"}
        if reason != "origin":
            headers |= exchange.cors() | {"Retry-After": "5"}
        exchange.answer(status, f"Refused: {reason}\n".encode(), headers=headers)

    def refuse(self, reason: str) -> None:
        """Count and log a refusal that is answered elsewhere."""
        self.counters.refused[reason] += 1
        log.info("refused reason=%s", reason)

    def _address(self, exchange: Exchange) -> str:
        peer: str = exchange.request.remote_ip or ""
        header = self.settings.proxy_header
        if not header:
            return peer
        return self._proxies.address(peer, exchange.request.headers.get(header))

    # Sessions.

    def enter(self, session: SockJSSession, info: ConnectionInfo) -> None:
        """Count a session that has been opened."""
        key = self._admission.key(info.ip)
        self._admission.enter(key, monotonic())
        if key:
            self._keys[session] = key
        self.counters.sessions[session.transport] += 1
        self.counters.opened[session.transport] += 1

    def forget(self, session: SockJSSession, code: int) -> None:
        """Count a session that is over."""
        self._admission.leave(self._keys.pop(session, ""))
        self.counters.sessions[session.transport] -= 1
        self.counters.closed[code] += 1

    def find(self, id: str, info: ConnectionInfo) -> PollingSession | None:
        """Return the HTTP session of this id if it belongs to who asks."""
        session = self.table.get(id)
        if session is not None and session.opener != self._opener(info):
            self.refuse("opener")
            return None
        return session

    def create(self, id: str, info: ConnectionInfo) -> PollingSession:
        """Make a new HTTP session."""
        session = PollingSession(self, id, info, self._opener(info))
        self.table.add(session)
        self.enter(session, info)
        return session

    def _opener(self, info: ConnectionInfo) -> str | None:
        opener = self.settings.opener
        return opener(info) if opener else None

    def batch(self, message: str) -> Batch:
        """Return the message's batch; of a long one the same that others got."""
        if len(message) not in _KEPT_SIZES:
            return Batch((message,))
        batch = self._batches.pop(message, None) or Batch((message,))
        self._batches[message] = batch  # to the end: the oldest goes first
        if len(self._batches) > _KEPT:
            del self._batches[next(iter(self._batches))]
        return batch

    # The end.

    async def drain(self, seconds: float) -> None:
        """Refuse what is new, and close what is open spread over the time."""
        self.is_draining = True
        sessions = list(self.table)
        log.info("draining sessions=%d seconds=%g", len(sessions), seconds)
        steps = max(1, min(len(sessions), round(seconds / 0.05)))
        began = monotonic()
        for step in range(steps):
            for session in sessions[step::steps]:
                session.close(*DRAINING)
            # By the clock: many short sleeps, each a little late, would outlast the
            # patience of who stops us, and the rest be cut at once.
            await asyncio.sleep(began + (step + 1) * seconds / steps - monotonic())

    def close(self) -> None:
        """End the timer and every session; refuse what is new."""
        self.is_draining = self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for session in self.table:
            session.close()
        self.table.cut_all()

    async def finish(self) -> None:
        """Close, and wait until the application has heard of every end.

        Callbacks that do not end within the closing time are cancelled; those that
        do not end then either are left alone.
        """
        self.close()
        await asyncio.sleep(0)  # the ends are told in the next turn of the loop
        await self._wait_for_callbacks()
        for task in self._tasks:
            task.cancel()
        await self._wait_for_callbacks()

    async def _wait_for_callbacks(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.settings.close_timeout_s)
