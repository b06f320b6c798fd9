"""Counting channels costs the same however many ask."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from feedsvc.core.access import Scope
from feedsvc.core.channel import Channel
from feedsvc.errors import Unavailable
from feedsvc.net import counts
from feedsvc.net.counts import ChannelCounts, Counts
from feedsvc.store.items import ItemStore

VIEW = Scope(Channel("*"))


class Counter:
    """A store that counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def channels(self, scope: Scope) -> Counts:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise Unavailable("the database does not answer")
        return [(scope.channel.path, number)]


async def test_those_who_ask_at_once_share_one_query() -> None:
    """And those who ask soon after get the same answer."""
    store, known = Counter(), ChannelCounts()
    asking = [
        asyncio.create_task(known.of(cast("ItemStore", store), VIEW)) for _ in range(9)
    ]
    await asyncio.sleep(0)
    asking.pop().cancel()

    store.may_answer.set()
    answers = await asyncio.gather(*asking)
    later = await known.of(cast("ItemStore", store), VIEW)

    assert store.asked == 1
    assert [*answers, later] == [[("*", 1)]] * 9


async def test_an_answer_gets_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is counted again."""
    monkeypatch.setattr(counts, "LEAST_AGE_S", 0.0)
    monkeypatch.setattr(counts, "SHARE", float("inf"))
    store, known = Counter(), ChannelCounts()
    store.may_answer.set()

    first = await known.of(cast("ItemStore", store), VIEW)
    second = await known.of(cast("ItemStore", store), VIEW)

    assert (first, second) == ([("*", 1)], [("*", 2)])


async def test_views_are_counted_apart_and_a_bounded_number_is_kept() -> None:
    """A token sees its own tree, and not that of another."""
    store, known = Counter(), ChannelCounts()
    store.may_answer.set()
    views = [Scope(Channel(f"c{n}")) for n in range(counts.MAX_VIEWS + 1)]

    answers = [await known.of(cast("ItemStore", store), view) for view in views]
    await known.of(cast("ItemStore", store), views[-1])
    kept = store.asked
    await known.of(cast("ItemStore", store), views[0])

    assert [answer[0][0] for answer in answers] == [str(view.channel) for view in views]
    assert (kept, store.asked) == (len(views), len(views) + 1)


async def test_a_failure_is_told_to_all_who_wait() -> None:
    """Each of them learns it."""
    store, known = Counter(), ChannelCounts()
    store.fails = True
    store.may_answer.set()

    answers = await asyncio.gather(
        *(known.of(cast("ItemStore", store), VIEW) for _ in range(3)),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert store.asked == 1
