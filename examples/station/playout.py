"""The playout system: it tells the feed service what is on the air, over its API.

This is all that a station's own back end has to do: one POST with a token.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from examples.station.server import on_air

CHANNEL = "radiomeridian.onair"
CHECK_EVERY_S = 2.0
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0


class Playout:
    """Publishes each track as it starts; ``token`` is read anew for each request."""

    def __init__(
        self,
        service_url: str,
        station_url: str,
        token: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._service_url = service_url.rstrip("/")
        self._station_url = station_url
        self._token = token
        self._clock = clock
        self._client = AsyncHTTPClient()

    async def run(self) -> None:
        """Publish until cancelled: first the last tracks, then each new one."""
        await self._retrying(self._is_ready)
        last_id = ""
        while True:
            items = on_air(self._clock(), self._station_url)
            if items[0]["id"] != last_id:
                # The same id twice is one item, so nothing is lost or doubled.
                news = items[:1] if last_id else items[::-1]
                await self._retrying(lambda news=news: self._publish(news))
                last_id = items[0]["id"]
            await asyncio.sleep(CHECK_EVERY_S)

    async def _is_ready(self) -> None:
        await self._client.fetch(f"{self._service_url}/readyz")

    async def _publish(self, items: list[dict[str, Any]]) -> None:
        request = HTTPRequest(
            f"{self._service_url}/api/channels/{CHANNEL}/items",
            method="POST",
            headers={
                "Authorization": f"Bearer {self._token()}",
                "Content-Type": "application/json",
            },
            body=json.dumps(items),
        )
        answer = await self._client.fetch(request)
        for result in json.loads(answer.body)["results"]:
            if "error" in result:
                print(f"playout: refused: {result['error']['text']}", flush=True)

    async def _retrying(self, call: Callable[[], Any]) -> None:
        """Call until it succeeds; wait longer each time, or as long as we are told."""
        wait_s = FIRST_RETRY_S
        while True:
            try:
                await call()
            except (HTTPClientError, OSError) as error:
                response = getattr(error, "response", None)
                told = response.headers.get("Retry-After", "") if response else ""
                pause_s = float(told) if told.isdigit() else wait_s
                if wait_s > FIRST_RETRY_S:
                    print(f"playout: {error}; again in {pause_s:g} s", flush=True)
                await asyncio.sleep(pause_s)
                wait_s = min(wait_s * 2, LAST_RETRY_S)
            else:
                return
