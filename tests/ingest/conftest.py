"""What the tests of whole runs share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from feedsvc.store import Database
from tests.ingest.scene import Scene, open_scene


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    async with open_scene(database) as opened:
        yield opened
