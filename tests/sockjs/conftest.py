"""The services of the conformance tests, served on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from feedsvc.sockjs.conformance import make_routers
from tests.sockjs.support import TEST_SETTINGS, Client, serving


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a server with every service and every transport on."""
    async with serving(*make_routers(TEST_SETTINGS)) as client:
        yield client
