"""How a command reaches the database itself, where no service is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from feedsvc.config import Settings
from feedsvc.store import Database
from feedsvc.store.opened import opened


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """Connect to the deployment of these settings.

    A private ``mongod`` is shared with the service that runs it, or else run for as
    long as the command takes.  Raise ``ConfigError`` if it will not do.
    """
    server = settings.server
    async with opened(server.mongodb_uri, server.data_dir) as database:
        yield database
