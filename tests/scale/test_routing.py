"""If items are sharded by their id, which commands go to one shard and which to all."""

from __future__ import annotations

import pytest

from feedsvc.store import Database
from ops.scale.routing import names_the_key, survey

pytestmark = pytest.mark.mongo

# What is found by channel, source or time, not by id.
ASKS_ALL = {
    "release what is due",
    "backlog",
    "backlog of some types",
    "backlog of a pattern",
    "tree of channels",
    "trim",
    "queue of editors",
    "ingest: known by another id",
    "ingest: events to come",
}


async def test_every_write_goes_to_one_shard_and_only_some_reads_to_all(
    database: Database,
) -> None:
    """A write names its item, and so is never sent to a shard without it."""
    found = await survey(database)

    sent = [one for commands in found.values() for one in commands]
    asks_all = {
        what
        for what, commands in found.items()
        if not all(one.is_targeted for one in commands)
    }
    assert all(found.values()), "each act asks for something"
    assert [one for one in sent if one.is_write]
    assert all(one.is_targeted for one in sent if one.is_write)
    assert asks_all == ASKS_ALL


@pytest.mark.parametrize(
    ("wanted", "names_it"),
    [
        ({"_id": "a"}, True),
        ({"_id": {"$in": ["a", "b"]}, "rev": 1}, True),
        ({"$and": [{"_id": "a"}, {"rev": 1}]}, True),
        ({"_id": {"$gt": "a"}}, False),
        ({"$or": [{"_id": "a"}, {"rev": 1}]}, False),
        ({"lineage": "a"}, False),
        ({}, False),
    ],
)
def test_a_filter_names_the_key_by_equality_only(
    wanted: dict[str, object], names_it: bool
) -> None:
    """Neither a range nor a choice tells a router where to go."""
    assert names_the_key(wanted) is names_it
