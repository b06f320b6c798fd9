"""How a command reaches the database itself, where no service is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from feedsvc.config import Settings
from feedsvc.store import Database, check, connect
from feedsvc.store.embedded import embedded_mongod


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """Connect to the deployment of these settings.

    A private ``mongod`` is shared with the service that runs it, or else run for as
    long as the command takes.  Raise ``ConfigError`` if it will not do.
    """
    async with AsyncExitStack() as stack:
        uri = settings.server.mongodb_uri
        if uri is None:
            own = embedded_mongod(settings.server.data_dir)
            uri = (await stack.enter_async_context(own)).uri
        database = connect(uri)
        stack.push_async_callback(database.client.close)
        await check(database.client)
        yield database
