"""The service as the tests of its doors use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from tests.net.station import (
    Station,
    lived_in,
    make_settings,
    own_database,
    serving,
)

Start = Callable[..., Awaitable[Station]]

_channels = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """One service for all tests of a module that keep to channels of their own."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir)) as running,
    ):
        yield await lived_in(running)


@pytest_asyncio.fixture(loop_scope="module")
async def start(mongod_uri: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Start services with settings of the test's own, all on one database."""
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(own_database(mongod_uri))

        async def start_one(**tables: object) -> Station:
            settings = make_settings(uri, tmp_path, **tables)
            return await lived_in(await stack.enter_async_context(serving(settings)))

        yield start_one


@pytest.fixture
def channel() -> str:
    """A channel that no other test uses."""
    return f"test{next(_channels)}.news"
