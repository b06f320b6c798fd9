"""What every test may use: one private mongod per run, one database per test."""

from __future__ import annotations

import signal
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.store import Database, connect
from feedsvc.store.embedded import embedded_mongod

# A shell that runs us in the background ignores SIGINT, and so would the programs that
# the tests start and stop with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URI of the run's own mongod."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    async with embedded_mongod(data_dir) as mongod:
        yield mongod.uri


@pytest.fixture
async def database(mongod_uri: str) -> AsyncIterator[Database]:
    """An empty database, dropped after the test."""
    database = connect(mongod_uri, database=f"test_{uuid.uuid4().hex}")
    yield database
    await database.client.drop_database(database)
    await database.client.close()
