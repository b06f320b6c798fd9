"""Holding a source while it is run: the lease is renewed, and a run is cut in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from feedsvc.errors import Unavailable
from feedsvc.store.sources import Lease, SourceStore

# A host that dies leaves its sources to the others after so long.
LEASE_S = 60.0


class LeaseLost(Exception):
    """Another holder has the source by now; what this run learnt is not kept."""


@asynccontextmanager
async def held(
    lease: Lease,
    sources: SourceStore,
    clock: Callable[[], datetime],
    *,
    limit_s: float | None,
) -> AsyncIterator[None]:
    """Renew the lease half-way to its end as long as the block runs.

    Cut the block, and raise ``TimeoutError`` if it takes longer than ``limit_s`` or
    ``LeaseLost`` if the lease is another's by now.
    """
    is_lost = False
    loop = asyncio.get_running_loop()

    async def renew(limit: asyncio.Timeout) -> None:
        nonlocal is_lost
        while not is_lost:
            await asyncio.sleep(LEASE_S / 2)
            # A database that is away gives the source to nobody else either.
            with suppress(Unavailable):
                renewed = await sources.renew(lease, now=clock(), ttl_s=LEASE_S)
                is_lost = renewed is None
        limit.reschedule(loop.time())

    try:
        async with asyncio.timeout(limit_s) as limit:
            renewing = asyncio.create_task(renew(limit))
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])
    except TimeoutError as error:
        if is_lost:
            raise LeaseLost from error
        raise
