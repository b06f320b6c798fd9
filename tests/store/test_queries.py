"""A backlog holds what the scope sees, and costs one index scan at any size."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType, Order
from feedsvc.core.settle import Terms, settle
from feedsvc.store import Database, connect
from feedsvc.store.documents import to_document
from feedsvc.store.items import ItemStore
from feedsvc.store.queries import (
    ITEMS,
    backlog_command,
    counts_pipeline,
    names_pipeline,
    pinned_command,
)
from tests.store.offers import NOW, offer

SEGMENTS = ["a", "b", "ab"]
PATHS = [
    ".".join(segments)
    for length in (1, 2, 3)
    for segments in itertools.product(SEGMENTS, repeat=length)
]
TYPES = [ItemType.POST, ItemType.EVENT]

patterns = st.lists(st.sampled_from([*SEGMENTS, "*"]), min_size=1, max_size=3)
scopes = st.builds(
    Scope,
    patterns.map(".".join).map(Channel),
    st.none() | st.frozensets(st.sampled_from(list(ItemType)), max_size=3),
    st.dictionaries(st.sampled_from(PATHS), st.booleans(), max_size=6)
    .map(dict.items)
    .map(tuple),
)


@pytest.fixture
async def small(database: Database) -> ItemStore:
    """An item of each type in each channel, many of one date, and some pinned."""
    store = ItemStore(database, Rules())
    await store.prepare()
    offers = [
        offer(
            f"{n:03}", path, type=TYPES[n % 2], date=NOW + timedelta(seconds=n * 7 % 5)
        )
        for n, path in enumerate(path for path in PATHS for _ in TYPES)
    ]
    await store.write(offers, now=NOW, revive=True)
    for n in range(0, len(offers), 9):
        await store.change(f"{n:03}", lambda record: record.pin(True))
    return store


@pytest.fixture(params=[0, 150])
def branches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns are matched item by item, or looked up first."""
    monkeypatch.setattr("feedsvc.store.queries.MAX_BRANCHES", request.param)


@pytest.mark.usefixtures("branches")
@given(scope=scopes, limit=st.integers(1, 100), after=st.none() | st.integers(0, 77))
@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_backlog_is_what_the_scope_sees(
    small: ItemStore, scope: Scope, limit: int, after: int | None
) -> None:
    """Whatever patterns, types and nested private channels are asked for."""
    everything = await small.backlog(Scope(Channel("*")), 500)
    before = None if after is None else everything[after].order
    seen = [item for item in everything if scope.sees(item.channel, item.type)]
    page = [item for item in seen if before is None or item.order < before]

    found = await small.backlog(scope, limit, before=before)

    assert found == page[:limit]
    assert await small.exists(scope) == bool(seen)
    assert sum(count for _, count in await small.channels(scope)) == len(seen)


COUNT = 100_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def large(mongod_uri: str) -> AsyncIterator[Database]:
    """100,000 items below one channel, at four levels, with some rare ones."""
    database = connect(mongod_uri, database="test_large")
    await ItemStore(database, Rules()).prepare()
    batch = []
    for n in range(COUNT):
        path = f"radio.station{n % 10}.artist{n % 100}.news"
        rare = ItemType.ARTICLE if n % 1000 == 0 else ItemType.TRACK
        # Hundreds of items share a date, as after an import.
        date = NOW + timedelta(seconds=n // 300)
        _, record = settle(
            offer(f"{n:06}", path, type=rare, date=date), None, NOW, Terms()
        )
        batch.append(to_document(record, Rules()))
    await database.items.insert_many(batch, ordered=False)
    yield database
    await database.client.drop_database(database)
    await database.client.close()


def stages(plan: dict[str, Any]) -> list[str]:
    """Return the names of all stages of a plan."""
    inputs = [plan["inputStage"]] if "inputStage" in plan else []
    inputs += plan.get("inputStages", [])
    return [plan["stage"], *(name for one in inputs for name in stages(one))]


async def assert_one_index_scan(
    database: Database,
    scope: Scope,
    before: Order | None,
    spare: int = 0,
    roots: list[str] | None = None,
) -> None:
    """Fail if the 20 newest cost a sort, or more documents than are returned."""
    command = backlog_command(scope, 20, NOW + timedelta(days=1), before, roots)
    explained = await database.command(
        {"explain": command, "verbosity": "executionStats"}
    )
    stats = explained["executionStats"]
    names = stages(stats["executionStages"])

    assert stats["nReturned"] == 20
    assert stats["totalDocsExamined"] <= 20 + spare
    assert not {"SORT", "COLLSCAN"}.intersection(names)


LEVELS = [
    "radio",
    "radio.station3",
    "radio.station3.artist13",
    "radio.station3.artist13.news",
]
PAGES = [None, 99_999, 50_123, 5_000]


def place_of(page: int | None) -> Order | None:
    """Return what ``before`` is for the pages below the item of that number."""
    if page is None:
        return None
    return False, NOW + timedelta(seconds=page // 300), f"{page:06}"


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("page", PAGES)
async def test_a_backlog_is_one_index_scan_at_every_level(
    large: Database, page: int | None
) -> None:
    """The newest 20 and pages far below, at 100,000 items."""
    for path in LEVELS:
        await assert_one_index_scan(large, Scope(Channel(path)), place_of(page))


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("page", [None, 77_777])
async def test_a_backlog_of_rare_types_is_one_index_scan(
    large: Database, page: int | None
) -> None:
    """One item in a thousand has the type."""
    types = frozenset({ItemType.ARTICLE, ItemType.EVENT})

    await assert_one_index_scan(large, Scope(Channel("radio"), types), place_of(page))


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_removed_costs_no_more_than_itself(large: Database) -> None:
    """Thirty removed items on top are read and passed over."""
    store = ItemStore(large, Rules())
    newest: list[Item] = await store.backlog(Scope(Channel("radio")), 30)
    for item in newest:
        await store.remove(item.id, now=NOW)

    await assert_one_index_scan(large, Scope(Channel("radio")), None, spare=30)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("page", [None, 77_777])
async def test_a_pattern_costs_what_it_finds(large: Database, page: int | None) -> None:
    """The channels that it stands for are looked up, and their backlogs merged."""
    scope = Scope(Channel("radio.*.artist13"))
    roots = [f"radio.station{n}.artist13" for n in range(10)]
    await assert_one_index_scan(large, scope, place_of(page), roots=roots)

    names = {"aggregate": ITEMS, "pipeline": names_pipeline(scope.channel)}
    command = {**names, "hint": "channels", "cursor": {}}
    explained = await large.command({"explain": command, "verbosity": "executionStats"})

    stats = explained["stages"][0]["$cursor"]["executionStats"]
    assert stats["totalKeysExamined"] == 100
    assert stats["totalDocsExamined"] == 0


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_hidden_channels_are_passed_over_in_the_same_scan(
    large: Database,
) -> None:
    """Every tenth item is hidden."""
    scope = Scope(Channel("radio"), None, (("radio.station3", False),))

    await assert_one_index_scan(large, scope, None, spare=40)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("pattern", ["radio", "radio.*.artist13", "*"])
async def test_to_look_for_pins_costs_nothing_where_there_are_none(
    large: Database, pattern: str
) -> None:
    """No document is read and nothing is sorted, under patterns neither."""
    command = pinned_command(Scope(Channel(pattern)), 20, NOW)
    explained = await large.command({"explain": command, "verbosity": "executionStats"})

    stats = explained["executionStats"]
    assert (stats["totalKeysExamined"], stats["totalDocsExamined"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_items_are_counted_without_reading_them(large: Database) -> None:
    """The index of the channels has all that it takes."""
    pipeline = counts_pipeline(Scope(Channel("radio")), NOW)
    command = {"aggregate": ITEMS, "pipeline": pipeline, "hint": "channels"}
    explained = await large.command(
        {"explain": {**command, "cursor": {}}, "verbosity": "executionStats"}
    )

    stats = explained["stages"][0]["$cursor"]["executionStats"]
    assert stats["totalDocsExamined"] == 0
