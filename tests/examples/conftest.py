"""The service that the examples publish to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.core.access import ChannelRule
from feedsvc.core.channel import Channel
from tests.net.station import (
    RULES,
    Station,
    lived_in,
    make_settings,
    own_database,
    serving,
)

CARDS = ChannelRule(Channel("cards"), private=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """One service for all tests of a module."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir, rules=(*RULES, CARDS))) as running,
    ):
        yield await lived_in(running)
