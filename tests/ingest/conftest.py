"""What the tests of whole runs share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feedsvc.store import Database
from tests.ingest.commands import CONFIG, Command
from tests.ingest.scene import Scene, open_scene
from tests.ingest.upstream import upstream


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    async with open_scene(database) as opened:
        yield opened


@pytest.fixture
async def command(
    mongod_uri: str, database: Database, tmp_path: Path
) -> AsyncIterator[Command]:
    async with upstream() as server:
        config = tmp_path / "feedsvc.toml"
        config.write_text(CONFIG.format(url=server.url))
        base, _, query = mongod_uri.partition("?")
        uri = f"{base.rstrip('/')}/{database.name}?{query}"
        yield Command(server, uri, config)
