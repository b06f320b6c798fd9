"""The private mongod, with real processes."""

from __future__ import annotations

from feedsvc.store import Database


async def test_a_database_of_the_runs_own_mongod_takes_writes(
    database: Database,
) -> None:
    """What is written to it can be read from it."""
    await database.things.insert_one({"_id": 1})

    found = await database.things.find_one({})

    assert found == {"_id": 1}
