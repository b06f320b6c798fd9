"""The database of the settings, opened for a while; by commands and by ingest."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from feedsvc.errors import ConfigError
from feedsvc.store.database import Database, check, connect
from feedsvc.store.embedded import embedded_mongod


@asynccontextmanager
async def opened(uri: str | None, data_dir: Path) -> AsyncIterator[Database]:
    """Open the deployment at ``uri``, or the private one in ``data_dir``.

    Raise ``ConfigError`` if it will not do.
    """
    async with AsyncExitStack() as stack:
        if uri is None:
            prepare_data_dir(data_dir)
            mongod = await stack.enter_async_context(embedded_mongod(data_dir))
            uri = mongod.uri
        database = connect(uri)
        stack.push_async_callback(database.client.close)
        await check(database.client)
        yield database


def prepare_data_dir(path: Path) -> None:
    """Make the data directory; raise ``ConfigError`` if it can't be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fault = f"data_dir: {path} cannot be made: {error.strerror}"
        raise ConfigError([fault]) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError([f"data_dir: {path} cannot be written"])
