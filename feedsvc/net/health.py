"""Alive and ready: what a supervisor and a balancer ask."""

from __future__ import annotations

import asyncio

from feedsvc.core.messages import encode
from feedsvc.errors import Unavailable
from feedsvc.net.handler import Handler

# A balancer wants to know soon, and a database that needs longer is not well.
ANSWER_S = 2.0


class HealthHandler(Handler):
    """``/healthz``: the process answers."""

    is_limited = False

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.reply('{"status":"ok"}')

    def head(self) -> None:
        """Answer those who watch whether sites are up, and look at the status only."""
        self.get()


class ReadyHandler(Handler):
    """``/readyz``: the database answers and the change stream is followed."""

    is_limited = False

    async def get(self) -> None:
        """Reply 200, or 503 with what is not ready."""
        relay = self.service.relay
        checks = {"database": "ok", "change_stream": "ok", "draining": False}
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.service.store.epoch()
        except (Unavailable, TimeoutError):
            checks["database"] = "does not answer"
        if not relay.is_ready:
            checks["change_stream"] = "catching up"
        if self.service.is_draining():
            checks["draining"] = True
        ready = list(checks.values()) == ["ok", "ok", False]
        self.set_header("Cache-Control", "no-store")
        if not ready:
            self.set_header("Retry-After", "2")
        fields = {"status": "ready" if ready else "unavailable", **checks}
        fields |= {"lag_s": round(relay.lag_s, 1), "position": str(relay.hub.cursor)}
        self.reply(encode(fields), 200 if ready else 503)

    async def head(self) -> None:
        """Answer as ``/healthz`` does."""
        await self.get()
