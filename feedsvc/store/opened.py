"""The database of the settings, opened for a while; by commands and by ingest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from feedsvc.store.database import Database, check, connect
from feedsvc.store.embedded import embedded_mongod


@asynccontextmanager
async def opened(uri: str | None, data_dir: Path) -> AsyncIterator[Database]:
    """Open the deployment at ``uri``, or the private one in ``data_dir``.

    Raise ``ConfigError`` if it will not do.
    """
    async with AsyncExitStack() as stack:
        if uri is None:
            _make(data_dir)
            mongod = await stack.enter_async_context(embedded_mongod(data_dir))
            uri = mongod.uri
        database = connect(uri)
        stack.push_async_callback(database.client.close)
        await check(database.client)
        yield database


def _make(data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
