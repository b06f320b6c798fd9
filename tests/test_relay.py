"""The relay's ticks: what leaves together, and when."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from feedsvc.config import Limits
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.messages import Delivery, deliver
from feedsvc.core.position import Cursor, Position
from feedsvc.relay import Relay

TURNS = 20


class Ticks:
    """A relay whose flush takes 100 ms of a clock that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.flushed: list[int] = []
        self._waiting = 0
        self._count = 0
        self._relay = Relay(cast("Any", None), cast("Any", None), Limits())
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr(self._relay.hub, "flush", self._flush)

    def _flush(self) -> None:
        self.now += 0.1
        self.flushed.append(self._waiting)
        self._waiting = 0

    def publishing(self) -> AbstractContextManager[None]:
        return self._relay.publishing()

    async def commit(self, count: int) -> None:
        """Take in changes of one batch, and let the loop turn."""
        for _ in range(count):
            self._count += 1
            self._waiting += 1
            self._relay.accept(self._delivery(), at=0.0)
        await self.turn()

    async def turn(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _delivery(self) -> Delivery:
        item = Item(
            id=f"api:{self._count}",
            type=ItemType.POST,
            channel=Channel.parse("a"),
            date=datetime.now(UTC),
            rev=1,
            body={},
        )
        return deliver(item, Cursor(b"true", Position(1000, self._count)))


async def test_what_comes_in_the_rest_after_a_burst_leaves_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing waits longer than a tenth of the time that the flush took."""
    ticks = Ticks(monkeypatch)

    await ticks.commit(2)
    await ticks.commit(1)
    await ticks.commit(1)
    ticks.now += 0.011
    await ticks.commit(1)

    assert ticks.flushed == [2, 3]


async def test_single_changes_never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it took to send the one before."""
    ticks = Ticks(monkeypatch)

    await ticks.commit(1)
    await ticks.commit(1)

    assert ticks.flushed == [1, 1]


async def test_a_publisher_is_answered_before_his_item_is_sent_to_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is sent as soon as the last publisher has left."""
    ticks = Ticks(monkeypatch)
    await ticks.commit(1)

    with ticks.publishing():
        with ticks.publishing():
            await ticks.commit(1)
        await ticks.turn()
        unsent = list(ticks.flushed)
    await ticks.turn()

    assert (unsent, ticks.flushed) == ([1], [1, 1])


async def test_listeners_do_not_wait_for_a_publisher_longer_than_a_flush_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the database keeps him waiting."""
    ticks = Ticks(monkeypatch)
    await ticks.commit(1)

    with ticks.publishing():
        await ticks.commit(1)
        ticks.now += 0.09
        await ticks.commit(1)
        unsent = list(ticks.flushed)
        ticks.now += 0.011
        await ticks.turn()

        assert (unsent, ticks.flushed) == ([1], [1, 2])
