"""Heartbeats without a timer each: a wheel of slots, one slot a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedsvc.sockjs.session import SockJSSession


class Wheel:
    """Sessions by the sweep at which their heartbeat is due.

    A turn takes at least ``period_s``, so nothing is due earlier than that after it
    was added.
    """

    def __init__(self, period_s: float, check_s: float, sweep_s: float) -> None:
        size = round(period_s / sweep_s) + 1
        self._slots: list[set[SockJSSession]] = [set() for _ in range(size)]
        self._lag = max(1, round(check_s / sweep_s))
        self._now = 0

    def __iter__(self) -> Iterator[SockJSSession]:
        for slot in self._slots:
            yield from tuple(slot)

    def add(self, session: SockJSSession) -> None:
        """Make the session due one turn from now."""
        session.slot = self._now
        self._slots[self._now].add(session)

    def discard(self, session: SockJSSession) -> None:
        """Take the session out, if it is in."""
        if session.slot >= 0:
            self._slots[session.slot].discard(session)
            session.slot = -1

    def turn(self) -> tuple[list[SockJSSession], list[SockJSSession]]:
        """Go on by one slot; return the sessions due, and those to check."""
        self._now = (self._now + 1) % len(self._slots)
        check = self._slots[self._now - self._lag]
        return list(self._slots[self._now]), list(check)
