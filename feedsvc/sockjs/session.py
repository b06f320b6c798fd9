"""What every session is, whatever its transport: the application's side."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from feedsvc.sockjs.wire import BROKEN, GO_AWAY, REFUSED, Batch, Form, plain

if TYPE_CHECKING:
    from feedsvc.sockjs import fanout
    from feedsvc.sockjs.connection import ConnectionInfo, SockJSConnection
    from feedsvc.sockjs.group import Group
    from feedsvc.sockjs.service import Service

log = logging.getLogger("feedsvc.sockjs.session")


class SockJSSession(ABC):
    """One logical two-way connection and its application object.

    Callbacks run one after the other. While an asynchronous one runs, messages and
    what else is to be done wait in ``_inbox``, which exists only then.
    """

    __slots__ = (
        "_inbox",
        "_opened",
        "_second",
        "_taken",
        "conn",
        "form",
        "groups",
        "handle",
        "is_closed",
        "service",
        "slot",
        "transport",
    )

    def __init__(self, service: Service, transport: str) -> None:
        self.service = service
        self.transport = transport
        self.is_closed = False
        self.groups: tuple[Group, ...] = ()  # a set would cost 200 bytes each
        # For the fast lanes of groups, while nothing waits.
        self.handle: fanout.Handle | None = None
        self.form: Form = plain  # of what goes through them
        self.slot = -1  # place in the wheel of heartbeats
        self._inbox: deque[str | Callable[[], Any]] | None = None
        self._opened = False
        self._second = 0.0
        self._taken = 0  # messages taken in that second
        self.conn: SockJSConnection = service.connect(self)

    # What the rest of the library asks of each kind of session.

    @abstractmethod
    def deliver(self, batch: Batch) -> None:
        """Send the batch's messages, or queue them; never wait."""

    @property
    @abstractmethod
    def queued_bytes(self) -> int:
        """Bytes in our memory that the client has not taken."""

    @abstractmethod
    def fell_short(self, frame: bytes, taken: int, messages: int) -> None:
        """Go on after `fanout` sent only a part, or failed (-1)."""

    @abstractmethod
    def heartbeat(self) -> None:
        """Show that the connection lives; called once a heartbeat delay."""

    @abstractmethod
    def check(self) -> None:
        """Cut a peer that has not answered; called a while after `heartbeat`."""

    @abstractmethod
    def check_queue(self, oldest_allowed: float) -> bool:
        """Cut a slow client; say whether anything still waits."""

    @abstractmethod
    def _end(self, code: int, reason: str) -> None:
        """Tell the client that the session is over."""

    @abstractmethod
    def cut(self) -> None:
        """Let go of the transport at once."""

    @abstractmethod
    def resume(self) -> None:
        """Read on after an asynchronous callback."""

    # The application's side.

    def close(self, code: int = GO_AWAY[0], reason: str = GO_AWAY[1]) -> None:
        """End the session from this side: what is queued, then the close frame."""
        if self.is_closed:
            return
        if self._inbox:
            # The application wants no more; who waits for an answer still gets it.
            waiting = tuple(self._inbox)
            self._inbox.clear()
            self._inbox.extend(entry for entry in waiting if callable(entry))
        self._finish(code)
        self._end(code, reason)

    def _finish(self, code: int) -> None:
        """Leave everything that lists open sessions, and tell the application."""
        self.is_closed = True
        for group in self.groups:
            group.leave(self)
        self.groups = ()
        self.service.forget(self, code)
        if self._opened:
            # Not from inside send(): the caller may be iterating over its clients.
            asyncio.get_running_loop().call_soon(self._in_order, self._tell_close)

    def _tell_close(self) -> Any:
        if self._opened:  # not refused meanwhile
            self._opened = False
            return self.conn.on_close()
        return None

    def open(self, info: ConnectionInfo) -> None:
        """Tell the application; it may refuse."""
        self._opened = True
        self._in_order(partial(self.conn.on_open, info), self._decide)

    def _decide(self, answer: Any) -> None:
        if answer is False:
            self._opened = False
            if not self.is_closed:
                self.service.refuse("application")
                self.close(*REFUSED)

    def receive(self, messages: list[str]) -> str | None:
        """Hand messages to the application, or return the limit that they break."""
        broken = self._broken_limit(messages)
        if broken is not None:
            self.service.refuse(broken)
            return broken
        self.service.counters.messages_received += len(messages)
        for message in messages:
            if self.is_closed:
                break  # by the application, while it handled the one before
            self._in_order(message)
        return None

    def _broken_limit(self, messages: list[str]) -> str | None:
        settings = self.service.settings
        if 0 < settings.max_messages_per_request < len(messages) + self.waiting:
            return "messages_per_request"
        limit = settings.max_message_bytes
        for message in messages:
            # A character has at most 4 bytes: only long messages need counting.
            if len(message) * 4 > limit and utf8_size(message) > limit:
                return "message_bytes"
        now = monotonic()
        if now - self._second >= 1.0:
            self._second, self._taken = now, 0
        self._taken += len(messages)
        if settings.max_messages_per_s and self._taken > settings.max_messages_per_s:
            return "message_rate"
        return None

    def after_callbacks(self, action: Callable[[], Any]) -> None:
        """Call ``action`` when everything received so far has been handled."""
        self._in_order(action)

    @property
    def is_busy(self) -> bool:
        """Whether an asynchronous callback of the application is running."""
        return self._inbox is not None

    @property
    def waiting(self) -> int:
        """Callbacks that wait for the running one."""
        return len(self._inbox) if self._inbox else 0

    def _in_order(
        self,
        entry: str | Callable[[], Any],
        then: Callable[[Any], None] | None = None,
    ) -> None:
        if self._inbox is not None:
            self._inbox.append(entry)
            return
        try:
            result = self._call(entry)
            if result is not None and isinstance(result, Awaitable):
                self._inbox = deque()
                self.service.run(self._pump(result, then))
            elif then is not None:
                then(result)
        except (Exception, asyncio.CancelledError) as error:
            self._failed(error)

    def _call(self, entry: str | Callable[[], Any]) -> Any:
        return self.conn.on_message(entry) if isinstance(entry, str) else entry()

    async def _pump(
        self, first: Awaitable[Any], then: Callable[[Any], None] | None
    ) -> None:
        """Await the running callback, then everything that waits behind it."""
        inbox = self._inbox
        assert inbox is not None  # noqa: S101 - made by the caller
        with self._guarded():
            result = await first
            if then is not None:
                then(result)
        while inbox:
            with self._guarded():
                result = self._call(inbox.popleft())
                if isinstance(result, Awaitable):
                    await result
        self._inbox = None
        self.resume()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._failed(error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the service stops
            self._failed(error)  # what the callback awaited was cancelled

    def _failed(self, error: BaseException) -> None:
        log.error("callback failed transport=%s", self.transport, exc_info=error)
        self.service.counters.errors += 1
        self.close(*BROKEN)


def utf8_size(text: str) -> int:
    """Return how many bytes a message has; lone surrogates count as three."""
    return len(text.encode("utf-8", "surrogatepass"))
