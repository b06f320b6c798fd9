"""Revoking tokens: one list for the whole deployment, in force within seconds."""

from __future__ import annotations

import asyncio
import logging
import time

from feedsvc.core.revocation import Revocation, Revocations
from feedsvc.errors import Unavailable
from feedsvc.net.tokens import Tokens
from feedsvc.store.revocations import RevocationStore

log = logging.getLogger("feedsvc.tokens")

# With the second in which live connections are looked at, well below the five that
# are promised; and one small query is nothing to the database.
POLL_S = 2.0


class Revoking:
    """Keeps ``tokens.revoked`` as new as the database; ``run`` is the task to keep."""

    def __init__(self, store: RevocationStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._reading = asyncio.Lock()
        self._ready = asyncio.Event()
        self._as_of = time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the list was read; it grows while the database is away."""
        return time.monotonic() - self._as_of

    def __len__(self) -> int:
        return len(self._tokens.revoked)

    async def wait_ready(self) -> None:
        """Wait until the list is known for the first time."""
        await self._ready.wait()

    async def run(self) -> None:
        """Read the list every other second, for ever.

        In an outage what is known stays in force: no one may publish then, and to
        turn all tokens away would take the feed from those who read.
        """
        is_prepared = is_out = False
        while True:
            try:
                if not is_prepared:
                    await self._store.prepare()
                    is_prepared = True
                await self._read()
                is_out = False
            except Unavailable as outage:
                if not is_out:
                    log.warning("revocations not read cause=%s", outage)
                is_out = True
            await asyncio.sleep(POLL_S)

    async def add(self, revocation: Revocation) -> None:
        """Revoke: here at once, on every other process within seconds.

        Raise ``Unavailable`` if the database did not take it, ``TooMany`` if there
        is no room.
        """
        await self._store.add(revocation)
        await self._read()

    async def _read(self) -> None:
        # One after the other, lest an older answer take the place of a newer one.
        async with self._reading:
            began = time.monotonic()
            self._tokens.revoked = Revocations(await self._store.all())
            self._as_of = began
            self._ready.set()
