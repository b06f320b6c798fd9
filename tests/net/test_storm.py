"""Many clients that come back at once: a right backlog for each, and few queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient, monitoring

from tests.net.clients import Message
from tests.net.station import (
    Station,
    ids,
    lived_in,
    make_settings,
    own_database,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = 150
BACKLOG = 20
# What a storm of any size may ask of the database.
MOST_QUERIES = 50
# None of them is hot, and no two of them are the same.
WISHES: list[Message] = [
    {"channel": "storm"},
    {"channel": "storm.a"},
    {"channel": "storm.*.news"},
    {"channel": "storm", "types": ["post"]},
    {"channel": "storm.nobody"},
]


class Queries(monitoring.CommandListener):
    """Counts what is read of the items."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name in ("find", "aggregate") and event.command[name] == "items":
            self.count += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@pytest.fixture(scope="module")
def queries() -> Queries:
    """What the station of this module reads."""
    return Queries()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory, queries: Queries
) -> AsyncIterator[Station]:
    """A station whose queries are counted."""
    data_dir: Path = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        listening: Any = partial(AsyncMongoClient, event_listeners=[queries])
        patch.setattr("feedsvc.store.database.AsyncMongoClient", listening)
        async with (
            own_database(mongod_uri) as uri,
            serving(make_settings(uri, data_dir)) as station,
        ):
            yield await lived_in(station)


async def test_a_storm_costs_a_handful_of_queries(
    watched: Station, queries: Queries
) -> None:
    """Those who ask for the same share one; who resumes needs none."""
    old = await watched.posts("storm.a.news", 30)
    old += await watched.posts("storm.b.news", 30)
    live = await watched.live()
    cursor = (await live.subscribe("storm", backlog=0))["cursor"]
    new = await watched.posts("storm.a.tour", 5)
    everything = sorted([*old, *new], key=_by_date, reverse=True)
    queries.count = 0

    async def come(number: int) -> tuple[Message, Message]:
        reader = await watched.live()
        wish = WISHES[number // 2 % len(WISHES)]
        since = {"since": cursor} if number % 2 else {}
        return wish, await reader.subscribe(**wish, **since, backlog=BACKLOG)

    answers = await asyncio.gather(*map(come, range(CLIENTS)))

    assert queries.count < MOST_QUERIES
    for wish, answer in answers:
        seen = [one for one in everything if _is_seen(wish["channel"], one)]
        missed = [one for one in new if _is_seen(wish["channel"], one)]
        if answer["resumed"]:
            assert sorted(ids(answer["items"])) == sorted(missed)
        else:
            assert ids(answer["items"]) == seen[:BACKLOG]
    assert sum(answer["resumed"] for _, answer in answers) == CLIENTS // 2


def _by_date(item_id: str) -> tuple[str, str]:
    return item_id[-3:], item_id


def _is_seen(channel: str, item_id: str) -> bool:
    """True if the id, which begins with its channel, is one that was asked for."""
    own, asked = item_id.split(":")[0].split("."), channel.split(".")
    return all(one in ("*", its) for one, its in zip(asked, own, strict=False))
