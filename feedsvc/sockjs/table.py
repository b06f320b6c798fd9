"""The sessions of one service, and the sweep that keeps time for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from feedsvc.sockjs.wheel import Wheel

if TYPE_CHECKING:
    from feedsvc.sockjs.http import Exchange
    from feedsvc.sockjs.polling import PollingSession
    from feedsvc.sockjs.session import SockJSSession
    from feedsvc.sockjs.settings import Settings

T = TypeVar("T")


class Table:
    """Knows every session; its `sweep` is the only clock that sessions have.

    Sessions that wait for something are kept in the order in which their time is
    up, so a sweep touches only what is due.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ids: dict[str, PollingSession] = {}
        self._detached: dict[PollingSession, float] = {}  # until when each may live
        self._closing: dict[SockJSSession, float] = {}  # until when each may linger
        self._leaving: dict[Exchange, float] = {}  # until when each may take it
        self._queued: dict[SockJSSession, None] = {}
        self._delayed: list[Callable[[], None]] = []
        self._swept_at = clock()
        self._was_late = False
        self.wheel = Wheel(
            settings.heartbeat_delay, settings.pong_timeout_s, settings.sweep_s
        )

    def __iter__(self) -> Iterator[SockJSSession]:
        """All sessions that are not over."""
        everybody = {*self.wheel, *self._ids.values()}
        return (session for session in everybody if not session.is_closed)

    def get(self, id: str) -> PollingSession | None:
        """Return the HTTP session of this id, closed ones included."""
        return self._ids.get(id)

    def add(self, session: PollingSession) -> None:
        """Enter a new HTTP session under its id."""
        self._ids[session.id] = session

    def attached(self, session: PollingSession) -> None:
        """A receiver has come: no expiry, but heartbeats."""
        self._detached.pop(session, None)
        self.wheel.add(session)

    def detached(self, session: PollingSession) -> None:
        """The receiver has gone: the disconnect delay runs."""
        self.wheel.discard(session)
        self._detached.pop(session, None)  # so that it goes to the end
        self._detached[session] = self._clock() + self._settings.disconnect_delay

    def queued(self, session: SockJSSession) -> None:
        """Messages have begun to wait: watch their age."""
        self._queued[session] = None

    def closing(self, session: SockJSSession) -> None:
        """A close frame is on its way: bound its time."""
        self._closing[session] = self._clock() + self._settings.close_timeout_s

    def leaving(self, exchange: Exchange) -> None:
        """The end of an answer has not left our memory: bound its time."""
        if allowed := self._settings.max_queued_age_s:
            self._leaving[exchange] = self._clock() + allowed

    def left(self, exchange: Exchange) -> None:
        """The answer has left, or its client has."""
        self._leaving.pop(exchange, None)

    def gone(self, session: SockJSSession) -> None:
        """A WebSocket's socket is closed."""
        self._closing.pop(session, None)
        self._queued.pop(session, None)
        self.wheel.discard(session)

    def delay(self, action: Callable[[], None]) -> None:
        """Call ``action`` at the next sweep."""
        self._delayed.append(action)

    def sweep(self) -> None:
        """Do everything that is due."""
        now = self._clock()
        is_late = now - self._swept_at > 2 * self._settings.sweep_s
        self._swept_at = now
        delayed, self._delayed = self._delayed, []
        for action in delayed:
            action()
        due, unanswered = self.wheel.turn()
        for session in unanswered:
            session.check()
        for session in due:
            session.heartbeat()
        # After a pause of the whole process clients have done their part, perhaps, and
        # we have not read it: no time is up then, but not twice in a row.
        if is_late and not self._was_late:
            self._was_late = True
            return
        self._was_late = False
        self._expire(now)
        self._check_queues(now)

    def _expire(self, now: float) -> None:
        for session in _due(self._detached, now):
            del self._detached[session]
            if self._ids.get(session.id) is session:
                del self._ids[session.id]
            session.expire()
        for lingering in _due(self._closing, now):
            del self._closing[lingering]
            lingering.cut()
        for exchange in _due(self._leaving, now):
            del self._leaving[exchange]
            exchange.expire()

    def _check_queues(self, now: float) -> None:
        allowed = self._settings.max_queued_age_s
        oldest = now - allowed if allowed else float("-inf")
        for session in tuple(self._queued):
            if not session.check_queue(oldest):
                self._queued.pop(session, None)

    def cut_all(self) -> None:
        """Let go of every transport and forget every session."""
        everybody = [*self.wheel, *self._closing, *self._ids.values()]
        for session in everybody:
            session.cut()
        self._ids.clear()
        self._detached.clear()
        self._queued.clear()


def _due(waiting: dict[T, float], now: float) -> list[T]:
    """Return those whose time is up; the first to be up come first."""
    return list(takewhile(lambda entry: waiting[entry] <= now, waiting))
