"""Groups of connections that get the same messages: the hot path of fan-out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from feedsvc.sockjs import fanout
from feedsvc.sockjs.wire import Batch, Form

if TYPE_CHECKING:
    from feedsvc.sockjs.connection import SockJSConnection
    from feedsvc.sockjs.session import SockJSSession

Lane = dict["SockJSSession", fanout.Handle]


class Group:
    """A set of open connections that get the same messages.

    WebSockets that keep up are in a fast lane: the frame is made once, and sending
    it is one system call each, or less (`fanout`). A socket that falls short goes
    to the other sessions, which queue for themselves, until it has caught up; so
    bytes never overtake each other. Closed connections leave by themselves.
    """

    __slots__ = ("_lanes", "_others")

    def __init__(self) -> None:
        self._lanes: dict[Form, Lane] = {}
        self._others: dict[SockJSSession, None] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values())) + len(self._others)

    def __iter__(self) -> Iterator[SockJSConnection]:
        for session in [*chain(*self._lanes.values()), *self._others]:
            yield session.conn

    def __contains__(self, conn: object) -> bool:
        session = getattr(conn, "session", None)
        return session in self._others or any(
            session in lane for lane in self._lanes.values()
        )

    def add(self, conn: SockJSConnection) -> None:
        """Take a connection in; one that is closed is left out."""
        session = conn.session
        if not session.is_closed and self not in session.groups:
            session.groups += (self,)
            self.place(session)

    def discard(self, conn: SockJSConnection) -> None:
        """Take a connection out, if it is in."""
        session = conn.session
        if self in session.groups:
            session.groups = tuple(g for g in session.groups if g is not self)
            self.leave(session)

    def send(self, batch: Batch) -> int:
        """Send the batch to all; return how many sessions it was handed to.

        No callback of the application runs inside.
        """
        if not batch.messages:
            return 0
        # Taken first: a socket that falls short below joins the others with the rest
        # of this very batch already queued.
        others = tuple(self._others)
        for form, lane in self._lanes.items():
            if lane:
                self._send(form(batch, len(lane)), len(batch), lane)
        for session in others:
            session.deliver(batch)
        return len(self)

    def place(self, session: SockJSSession) -> None:
        """Put a member into its lane; it calls this when its state has changed."""
        self.leave(session)
        if session.handle is None:
            self._others[session] = None
        else:
            self._lanes.setdefault(session.form, {})[session] = session.handle

    def leave(self, session: SockJSSession) -> None:
        """Take the session out of its lane."""
        self._others.pop(session, None)
        lane = self._lanes.get(session.form)
        if lane is not None:
            lane.pop(session, None)

    def _send(self, frame: bytes, messages: int, lane: Lane) -> None:
        failures = fanout.send_all(frame, lane)
        # Counted for the service of any one member: a group belongs to one service.
        counters = next(iter(lane)).service.counters
        counters.frames_sent += len(lane)
        counters.bytes_sent += len(lane) * len(frame)
        counters.messages_sent += len(lane) * messages
        for session, taken in failures:
            session.fell_short(frame, taken, messages)
