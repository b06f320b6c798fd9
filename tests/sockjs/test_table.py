"""The table of sessions, with a clock that only the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from feedsvc.sockjs import Settings, SockJSConnection
from feedsvc.sockjs.service import Service
from feedsvc.sockjs.table import Table


class Session:
    """Stands for a session: all that the table touches."""

    def __init__(self, id: str = "one", *, is_closed: bool = False) -> None:
        self.id = id
        self.slot = -1
        self.is_closed = is_closed
        self.calls: list[str] = []
        self.waits = True

    def expire(self) -> None:
        self.calls.append("expire")

    def cut(self) -> None:
        self.calls.append("cut")

    def heartbeat(self) -> None:
        self.calls.append("heartbeat")

    def check(self) -> None:
        self.calls.append("check")

    def check_queue(self, oldest_allowed: float) -> bool:
        self.calls.append(f"queue {oldest_allowed:g}")
        return self.waits


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Table:
    """With the default settings."""
    return Table(Settings(), clock)


def sweep_until(table: Table, clock: Clock, seconds: float) -> None:
    """Sweep once a second, as the service does."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(clock.now + 1, end)
        table.sweep()


def test_session_expires_after_the_disconnect_delay(table: Table, clock: Clock) -> None:
    """Counted from the last receiver; then the id is free."""
    session: Any = Session()
    table.add(session)
    table.detached(session)
    clock.now += 3
    table.attached(session)
    sweep_until(table, clock, 100)
    table.detached(session)
    sweep_until(table, clock, 4.9)
    before = list(session.calls)
    sweep_until(table, clock, 0.2)

    assert "expire" not in before
    assert "expire" in session.calls
    assert table.get("one") is None


def test_receiver_that_comes_back_keeps_a_session(table: Table, clock: Clock) -> None:
    """However long it waits."""
    session: Any = Session()
    table.add(session)
    table.detached(session)
    table.attached(session)
    sweep_until(table, clock, 100)

    assert "expire" not in session.calls
    assert table.get("one") is session


def test_later_session_of_the_same_id_is_left_alone(table: Table, clock: Clock) -> None:
    """Only its own entry goes when one expires."""
    old: Any = Session()
    new: Any = Session()
    table.add(old)
    table.detached(old)
    table.add(new)
    sweep_until(table, clock, 6)

    assert old.calls == ["expire"]
    assert table.get("one") is new


def test_heartbeat_comes_once_a_delay(table: Table) -> None:
    """25 sweeps of a second, and one more to be no earlier."""
    session: Any = Session()
    table.attached(session)
    for _ in range(60):
        table.sweep()

    assert session.calls.count("heartbeat") == 2


def test_closing_handshake_has_a_time(table: Table, clock: Clock) -> None:
    """Then the socket is cut."""
    session: Any = Session()
    table.closing(session)
    sweep_until(table, clock, 4.9)
    before = list(session.calls)
    sweep_until(table, clock, 0.2)

    assert (before, session.calls) == ([], ["cut"])


def test_pause_of_the_process_is_nobodys_time(table: Table, clock: Clock) -> None:
    """What came meanwhile is read first; but a slow process too lets sessions go."""
    expiring: Any = Session("one")
    slow: Any = Session("two")
    for session in (expiring, slow):
        table.add(session)
    table.detached(expiring)
    table.queued(slow)
    clock.now += 60
    table.sweep()
    after_the_pause = expiring.calls + slow.calls
    clock.now += 60
    table.sweep()

    assert after_the_pause == []
    assert (expiring.calls, slow.calls) == (["expire"], [f"queue {clock.now - 30:g}"])


def test_queue_is_watched_until_it_is_empty(table: Table, clock: Clock) -> None:
    """Everything older than the limit is too old."""
    session: Any = Session()
    table.queued(session)
    table.sweep()
    session.waits = False
    table.sweep()
    table.sweep()

    assert session.calls == [f"queue {clock.now - 30:g}"] * 2


def test_delayed_action_is_done_once_at_the_next_sweep(table: Table) -> None:
    """One that is put off again waits for the sweep after."""
    calls: list[str] = []
    table.delay(lambda: calls.append("first"))
    table.delay(lambda: table.delay(lambda: calls.append("second")))
    table.sweep()
    first = list(calls)
    table.sweep()
    table.sweep()

    assert (first, calls) == (["first"], ["first", "second"])


def test_table_lists_what_is_open(table: Table) -> None:
    """Each session once, whether it has a receiver or not; closed ones not."""
    attached: Any = Session("one")
    detached: Any = Session("two")
    closed: Any = Session("three", is_closed=True)
    for session in (attached, detached, closed):
        table.add(session)
    table.attached(attached)
    table.detached(detached)

    assert set(table) == {attached, detached}


def test_service_starts_no_timer_before_it_is_used() -> None:
    """A router may be made before any loop runs."""
    service = Service(SockJSConnection, Settings())

    assert service._timer is None
