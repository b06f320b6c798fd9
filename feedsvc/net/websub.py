"""WebSub: telling the configured hub which feeds have changed.

The hub fetches them then, and tells its subscribers.  It is told of each feed once in
a while at most, however much happens; a hub that does not answer is tried again for
some minutes and then told of what is new next time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Self
from urllib.parse import quote, urlencode

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from feedsvc import __version__
from feedsvc.config import Server
from feedsvc.core.access import Rules
from feedsvc.core.channel import lineage
from feedsvc.core.messages import Delivery
from feedsvc.errors import ConfigError
from feedsvc.feeds import FORMATS

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
ENDINGS = tuple(name for name, one in FORMATS.items() if one.only is None)


class Publisher:
    """Tells one hub; ``run`` is the task to keep, ``note`` takes in what happens."""

    def __init__(self, hub: str, base: str, rules: Rules) -> None:
        self._hub = hub
        self._base = base
        self._rules = rules
        self._changed: dict[str, None] = {}
        self._due = asyncio.Event()

    @classmethod
    def configured(cls, server: Server, rules: Rules) -> Self | None:
        """Return the publisher for the configured hub, None without one.

        Raise ``ConfigError`` if nobody says what the feeds are called.
        """
        if server.websub_hub is None:
            return None
        if server.public_url is None:
            fault = "websub_hub: needs public_url too, the address of the feeds"
            raise ConfigError([fault])
        return cls(server.websub_hub, server.public_url, rules)

    def note(self, delivery: Delivery) -> None:
        """Take in a change: of the channel's feeds, and of those above it."""
        path = delivery.item.path
        if self._rules.is_private(path) or len(self._changed) >= MAX_CHANNELS:
            return
        for above in lineage(path):
            if not self._rules.is_private(above):
                self._changed[above] = None
        self._due.set()

    async def run(self) -> None:
        client = SimpleAsyncHTTPClient(
            force_instance=True, max_body_size=MAX_ANSWER_BYTES
        )
        try:
            while True:
                await self._due.wait()
                await asyncio.sleep(PAUSE_S)
                self._due.clear()
                topics, self._changed = self._topics(), {}
                for first in range(0, len(topics), TOPICS_A_REQUEST):
                    some = topics[first : first + TOPICS_A_REQUEST]
                    await self._tell(client, some)
        finally:
            client.close()

    def _topics(self) -> list[str]:
        return [
            f"{self._base}/feeds/{quote(channel)}.{ending}"
            for channel in self._changed
            for ending in ENDINGS
        ]

    async def _tell(self, client: SimpleAsyncHTTPClient, topics: Sequence[str]) -> None:
        for pause_s in (*RETRIES_S, None):
            fault = await self._attempt(client, topics)
            if fault is None:
                return
            if pause_s is None:
                log.warning("hub not told feeds=%d cause=%s", len(topics), fault)
                return
            await asyncio.sleep(pause_s)

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
