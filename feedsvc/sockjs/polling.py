"""Sessions of the HTTP transports: a queue that receivers come to empty."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from feedsvc.sockjs.session import SockJSSession
from feedsvc.sockjs.wire import (
    GO_AWAY,
    HEARTBEAT,
    INTERRUPTED,
    OPEN,
    STILL_OPEN,
    TOO_SLOW,
    Batch,
    array_frame,
    close_frame,
)

if TYPE_CHECKING:
    from feedsvc.sockjs.connection import ConnectionInfo
    from feedsvc.sockjs.service import Service


class Receiver(Protocol):
    """The response that a session writes its frames to."""

    wrap: Callable[[str], bytes]
    is_ready: bool
    """False while bytes of the last frame have not left."""
    is_full: bool
    """True when the response must end: after one frame, or at the limit."""

    def write(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def cut(self) -> None: ...


class PollingSession(SockJSSession):
    """A session whose frames leave through one HTTP response after another.

    It holds no socket and no timer: the table of sessions ends it when no receiver
    has come for the disconnect delay.
    """

    __slots__ = (
        "_bytes",
        "_close_frame",
        "_info",
        "_oldest",
        "_poll_second",
        "_polls",
        "_queue",
        "_receiver",
        "id",
        "opener",
    )

    def __init__(
        self, service: Service, id: str, info: ConnectionInfo, opener: str | None
    ) -> None:
        super().__init__(service, info.transport)
        self.id = id
        self.opener = opener
        self._info: ConnectionInfo | None = info  # until the open frame has left
        self._receiver: Receiver | None = None
        self._queue: deque[str] = deque()  # messages as JSON strings
        self._bytes = 0
        self._oldest = 0.0  # since when something waits
        self._close_frame = ""
        self._poll_second = 0.0
        self._polls = 0

    def attach(self, receiver: Receiver) -> None:
        """Make this the receiver, or turn it away if one is waiting."""
        if self._receiver is not None:
            receiver.write(receiver.wrap(close_frame(*STILL_OPEN)))
            receiver.end()
            return
        self._receiver = receiver
        self.service.table.attached(self)
        if self._info is not None:
            info, self._info = self._info, None
            self._write(receiver.wrap(OPEN))
            self.open(info)
        self.flush()
        self._bound_end()

    def flush(self) -> None:
        """Send what waits; the receiver calls this when it has become ready."""
        receiver = self._receiver
        if receiver is None or not receiver.is_ready:
            return
        if self._queue:
            frame = array_frame(self._queue)
            count = len(self._queue)
            self._queue.clear()
            self._bytes = 0
            self._write(receiver.wrap(frame), count)
        if self.is_closed and self._receiver is receiver and receiver.is_ready:
            self._detach()
            receiver.write(receiver.wrap(self._close_frame))
            receiver.end()

    def lost(self, receiver: Receiver) -> None:
        """The client dropped this receiver: what was in flight may be lost."""
        if self._receiver is not receiver:
            return
        self._detach()
        if self.is_closed:
            return
        self._queue.clear()
        self._bytes = 0
        self._close_frame = close_frame(*INTERRUPTED)
        self._finish(INTERRUPTED[0])

    def expire(self) -> None:
        """No receiver came back in time."""
        if not self.is_closed:
            self._finish(GO_AWAY[0])

    def is_storming(self, now: float) -> bool:
        """Count a receive request; say whether they come too often."""
        if now - self._poll_second >= 1.0:
            self._poll_second, self._polls = now, 0
        self._polls += 1
        limit = self.service.settings.max_polls_per_s
        return bool(limit) and self._polls > limit

    def deliver(self, batch: Batch) -> None:
        if self.is_closed or not batch:
            return
        receiver = self._receiver
        if receiver is not None and receiver.is_ready and not self._queue:
            self._write(batch.form(receiver.wrap), len(batch))
            return
        if not self._is_waiting:
            self._watch()
        elif self._queue and self.service.settings.is_too_slow(
            self._bytes + batch.size, len(self._queue) + len(batch)
        ):
            self._too_slow()
            return
        self._queue.extend(batch.encoded)
        self._bytes += batch.size

    def fell_short(self, frame: bytes, taken: int, messages: int) -> None:
        """Never called: there is no socket to send to directly."""

    def _too_slow(self) -> None:
        self._queue.clear()
        self._bytes = 0
        self.service.counters.slow += 1
        self.close(*TOO_SLOW)

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    def resume(self) -> None:
        """Nothing was held back: a sender's answer waits for its callbacks."""

    def heartbeat(self) -> None:
        receiver = self._receiver
        if receiver is not None and receiver.is_ready:
            self.service.counters.heartbeats += 1
            self._write(receiver.wrap(HEARTBEAT))

    def check(self) -> None:
        """HTTP clients answer no pings; their next request shows that they live."""

    def check_queue(self, oldest_allowed: float) -> bool:
        if not self._is_waiting or self.is_closed:
            return False
        if self._oldest < oldest_allowed:
            self._too_slow()
            return False
        return True

    def cut(self) -> None:
        if self._receiver is not None:
            receiver = self._receiver
            self._detach()
            receiver.cut()

    def _end(self, code: int, reason: str) -> None:
        self._close_frame = close_frame(code, reason)
        self.flush()
        self._bound_end()

    def _bound_end(self) -> None:
        if self.is_closed and self._receiver is not None:
            self.service.table.closing(self)  # it may never take what is before

    def _write(self, data: bytes, messages: int = 0) -> None:
        receiver = self._receiver
        assert receiver is not None  # noqa: S101 - the callers have looked
        receiver.write(data)
        counters = self.service.counters
        counters.frames_sent += 1
        counters.bytes_sent += len(data)
        counters.messages_sent += messages
        if receiver.is_full:
            self._detach()
            receiver.end()
        elif not receiver.is_ready:
            self._watch()

    @property
    def _is_waiting(self) -> bool:
        """Whether anything is queued, or has not left the receiver."""
        receiver = self._receiver
        return bool(self._queue) or (receiver is not None and not receiver.is_ready)

    def _watch(self) -> None:
        self._oldest = monotonic()
        self.service.table.queued(self)

    def _detach(self) -> None:
        self._receiver = None
        self.service.table.detached(self)
