"""WebSub: telling the configured hub which feeds have changed.

The hub fetches them then, and tells its subscribers.  It is told of each feed once in
a while at most, however much happens; a hub that does not answer is tried again for
some minutes and then told of what is new next time.

Every process notes what happens, and the one that has the lease tells.  The others
forget what has been told; should the teller die, one of them goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self
from urllib.parse import quote, urlencode

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from feedsvc import __version__
from feedsvc.config import Server
from feedsvc.core.access import Rules
from feedsvc.core.channel import lineage
from feedsvc.core.messages import Delivery
from feedsvc.core.position import Position
from feedsvc.errors import ConfigError, Unavailable
from feedsvc.feeds import FORMATS
from feedsvc.store import Database
from feedsvc.store.webhooks import Standing, Standings

log = logging.getLogger("feedsvc.websub")

# What happens meanwhile is told together.
PAUSE_S = 10.0
# More than anybody subscribes to; what does not fit is told of at its next change.
MAX_CHANNELS = 10_000
TOPICS_A_REQUEST = 30
TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 65_536
# Seconds before each further attempt.
RETRIES_S = (5.0, 30.0, 120.0)
# Where it is kept how far each hub has been told.
HUBS = "websub_hubs"
RENEW_S = 10.0
# Renewed before each attempt, which may take its time, and while waiting.
LEASE_S = TIMEOUT_S + 2 * RENEW_S
ENDINGS = tuple(name for name, one in FORMATS.items() if one.only is None)


class LeaseLost(Exception):
    """Another process tells the hub by now."""


class Publisher:
    """Tells one hub; ``run`` is the task to keep, ``note`` takes in what happens."""

    def __init__(self, hub: str, base: str, rules: Rules, database: Database) -> None:
        self._hub = hub
        self._base = base
        self._rules = rules
        self._standings = Standings(database, HUBS)
        self._holder = secrets.token_hex(8)
        self._lease: Standing | None = None
        # Channels that the hub may not know of, each with its newest change.
        self._changed: dict[str, Position] = {}
        self._due = asyncio.Event()

    @classmethod
    def configured(
        cls, server: Server, rules: Rules, database: Database
    ) -> Self | None:
        """Return the publisher for the configured hub, None without one.

        Raise ``ConfigError`` if nobody says what the feeds are called.
        """
        if server.websub_hub is None:
            return None
        if server.public_url is None:
            fault = "websub_hub: needs public_url too, the address of the feeds"
            raise ConfigError([fault])
        return cls(server.websub_hub, server.public_url, rules, database)

    def note(self, delivery: Delivery) -> None:
        """Take in a change: of the channel's feeds, and of those above it."""
        path = delivery.item.path
        if self._rules.is_private(path) or len(self._changed) >= MAX_CHANNELS:
            return
        for above in lineage(path):
            if not self._rules.is_private(above):
                self._changed[above] = delivery.cursor.position
        self._due.set()

    async def run(self) -> None:
        client = SimpleAsyncHTTPClient(
            force_instance=True, max_body_size=MAX_ANSWER_BYTES
        )
        try:
            while True:
                await self._due.wait()
                await asyncio.sleep(PAUSE_S)
                await self._round(client)
                if not self._changed:
                    self._due.clear()
        finally:
            client.close()
            if self._lease is not None:
                with suppress(Unavailable):
                    await self._standings.release(self._lease)

    async def _round(self, client: SimpleAsyncHTTPClient) -> None:
        """Tell the hub if it is our turn; what could not be told stays noted."""
        try:
            self._lease = await self._take_lease()
            standing = self._lease or await self._standings.standing(self._hub)
            if standing is not None and standing.position is not None:
                self._forget(standing.position)
            if self._lease is not None and self._changed:
                await self._tell_all(client, self._lease)
        except (LeaseLost, Unavailable) as cause:
            log.warning("hub not told yet cause=%r", cause)
        except Exception:
            # A hub's trouble must not end the service, nor stay unseen.
            log.exception("hub not told yet")

    async def _take_lease(self) -> Standing | None:
        now = datetime.now(UTC)
        return await self._standings.lease(self._hub, self._holder, now, LEASE_S)

    async def _tell_all(self, client: SimpleAsyncHTTPClient, lease: Standing) -> None:
        newest = max(self._changed.values())
        topics = self._topics()
        for first in range(0, len(topics), TOPICS_A_REQUEST):
            some = topics[first : first + TOPICS_A_REQUEST]
            await self._tell(client, lease, some)
        await self._standings.save(replace(lease, position=newest))
        self._forget(newest)

    def _forget(self, told: Position) -> None:
        self._changed = {
            channel: at for channel, at in self._changed.items() if at > told
        }

    def _topics(self) -> list[str]:
        return [
            f"{self._base}/feeds/{quote(channel)}.{ending}"
            for channel in self._changed
            for ending in ENDINGS
        ]

    async def _tell(
        self, client: SimpleAsyncHTTPClient, lease: Standing, topics: Sequence[str]
    ) -> None:
        for pause_s in (*RETRIES_S, None):
            await self._keep(lease)
            fault = await self._attempt(client, topics)
            if fault is None:
                return
            if pause_s is None:
                log.warning("hub not told feeds=%d cause=%s", len(topics), fault)
                return
            until = time.monotonic() + pause_s
            while (left_s := until - time.monotonic()) > 0:
                await asyncio.sleep(min(left_s, RENEW_S))
                await self._keep(lease)

    async def _keep(self, lease: Standing) -> None:
        """Renew the lease; raise ``LeaseLost`` if it is another's."""
        if not await self._standings.renew(lease, datetime.now(UTC), LEASE_S):
            raise LeaseLost

    async def _attempt(
        self, client: SimpleAsyncHTTPClient, topics: Sequence[str]
    ) -> str | None:
        """Return what went wrong, None if the hub knows now."""
        asked = [("hub.mode", "publish"), *(("hub.url", topic) for topic in topics)]
        request = HTTPRequest(
            self._hub,
            "POST",
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": f"feedsvc/{__version__}",
            },
            body=urlencode(asked),
            follow_redirects=False,
            connect_timeout=TIMEOUT_S,
            request_timeout=TIMEOUT_S,
        )
        try:
            answer = await client.fetch(request, raise_error=False)
        except Exception as error:
            # Names, sockets, TLS, HTTP: to us all of it is no answer.
            return f"{type(error).__name__}: {error}"
        return None if 200 <= answer.code < 300 else f"status {answer.code}"
