"""From Redis into channels: what a site PUBLISHes there is published here.

Redis delivers a PUBLISH to who listens at that moment, and to nobody later: what is
sent while the bridge is away is lost.  A stream with a consumer group loses nothing:
an entry is acknowledged once the service has it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from feedsvc.client import Feed, ServiceError
from feedsvc.core.channel import Channel
from feedsvc.errors import BadChannel, BadInput, ConfigError

log = logging.getLogger("feedsvc.bridge")

# What one call publishes, and what waits for the service before the oldest is lost.
BATCH, MAX_WAITING = 500, 10_000
BLOCK_MS = 1_000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
# Told once and for all by these: the same again will fail too.
_FINAL = range(400, 500)


@dataclass(slots=True)
class Counts:
    """What the bridge has done so far."""

    received: int = 0
    published: int = 0
    refused: int = 0
    dropped: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """One item on its way to its channel."""

    channel: str
    item: dict[str, Any]


class Bridge:
    """Takes messages of Redis, and publishes them under ``under``.

    ``feed`` returns the service with a token that is good now.
    """

    def __init__(self, redis: Redis, feed: Callable[[], Feed], under: str = "") -> None:
        self._redis = redis
        self._feed = feed
        self._under = Channel.parse(under).path if under else ""
        self.counts = Counts()

    async def follow(self, patterns: Sequence[str]) -> None:
        """Publish what is PUBLISHed to channels of these patterns, for ever."""
        waiting: asyncio.Queue[Offer] = asyncio.Queue(MAX_WAITING)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish_all(waiting))
            async for name, data in self._heard(patterns):
                self.counts.received += 1
                for offer in self._offers(data, self._channel(name, patterns), name):
                    if waiting.full():
                        self.counts.dropped += 1
                        log.error("bridge full: the oldest message is lost")
                        waiting.get_nowait()
                    waiting.put_nowait(offer)

    async def read(self, stream: str, group: str, consumer: str) -> None:
        """Publish the entries of a stream for ever; each is acknowledged then."""
        start = "0"  # first what was given to us before and not acknowledged
        wait_s = FIRST_WAIT_S
        while True:
            try:
                if start == "0":
                    await self._make_group(stream, group)
                entries: Any = await self._redis.xreadgroup(
                    group, consumer, {stream: start}, BATCH, BLOCK_MS
                )
                found = entries[0][1] if entries else []
                if found:
                    await self._take(stream, group, found)
                elif start == "0":
                    start = ">"
                wait_s = FIRST_WAIT_S
            except (RedisError, OSError) as error:
                start = "0"
                wait_s = await self._pause(error, wait_s)

    async def _take(self, stream: str, group: str, entries: Sequence[Any]) -> None:
        offers: list[Offer] = []
        for entry, fields in entries:
            self.counts.received += 1
            # An entry that was trimmed away since it was given to us has no fields.
            given = fields or {}
            item, channel = given.get(b"item", b""), _text(given.get(b"channel", b""))
            origin = f"{stream}:{_text(entry)}"
            offers += self._offers(item, channel, origin, is_entry=True)
        await self._publish(offers)
        await self._redis.xack(stream, group, *(entry for entry, _ in entries))

    async def _make_group(self, stream: str, group: str) -> None:
        try:
            await self._redis.xgroup_create(stream, group, "0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _heard(self, patterns: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Yield channel and data of what is PUBLISHed; connect again after a break."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
                    await heard.psubscribe(*patterns)
                    log.info("bridge listens patterns=%s", " ".join(patterns))
                    while True:
                        message = await heard.get_message(timeout=BLOCK_MS / 1_000)
                        wait_s = FIRST_WAIT_S
                        if message is not None:
                            yield _text(message["channel"]), message["data"]
            except (RedisError, OSError) as error:
                wait_s = await self._pause(error, wait_s)

    async def _pause(self, error: Exception, wait_s: float) -> float:
        self.counts.reconnects += 1
        log.warning("bridge lost Redis wait_s=%.1f cause=%s", wait_s, error)
        await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311 no secret
        return min(wait_s * 2, LONGEST_WAIT_S)

    def _channel(self, name: str, patterns: Sequence[str]) -> str:
        """Return our channel of a Redis channel: what its pattern leaves open."""
        fixed = [re.split(r"[*?\[\\]", pattern)[0] for pattern in patterns]
        head = max((one for one in fixed if name.startswith(one)), key=len, default="")
        return re.sub(r"[:/]+", ".", name[len(head) :]).strip(".")

    def _offers(
        self, data: bytes, channel: object, origin: str, *, is_entry: bool = False
    ) -> list[Offer]:
        """Return the items of a message; one that is none is told and passed over."""
        try:
            found = _parsed(data)
            if isinstance(found, dict) and "item" in found:
                channel = found.get("channel", channel)
                found = found["item"]
            target = self._target(channel)
            items = _items(found)
        except BadInput as error:
            self._refuse(origin, error)
            return []
        if is_entry:
            items = [_named(one, f"{origin}:{at}") for at, one in enumerate(items)]
        return [Offer(target, one) for one in items]

    def _target(self, channel: object) -> str:
        if not isinstance(channel, str):
            raise BadChannel("channel", "must be a text")
        return Channel.parse(".".join(filter(None, (self._under, channel)))).path

    async def _publish_all(self, waiting: asyncio.Queue[Offer]) -> None:
        while True:
            offers = [await waiting.get()]
            while len(offers) < BATCH and not waiting.empty():
                offers.append(waiting.get_nowait())
            await self._publish(offers)

    async def _publish(self, offers: Sequence[Offer]) -> None:
        """Publish the offers, run by run of one channel; wait for the service."""
        rest = list(offers)
        while rest:
            channel = rest[0].channel
            length = next(
                (at for at, one in enumerate(rest) if one.channel != channel), len(rest)
            )
            await self._publish_run(channel, [one.item for one in rest[:length]])
            rest = rest[length:]

    async def _publish_run(self, channel: str, items: list[dict[str, Any]]) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                publish = self._feed().publish_many
                results = await asyncio.to_thread(publish, channel, items)
            except ServiceError as error:
                if error.status in _FINAL and error.status != 429:
                    for _ in items:
                        self._refuse(channel, error)
                    return
                log.warning("bridge waits for the service cause=%s", error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                continue
            for result in results:
                if "error" in result:
                    self._refuse(channel, result["error"]["text"])
                else:
                    self.counts.published += 1
            return

    def _refuse(self, origin: str, cause: object) -> None:
        self.counts.refused += 1
        log.warning("bridge refused origin=%s cause=%s", origin, cause)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput("item", f"must be JSON ({error})") from error


def _items(found: Any) -> list[dict[str, Any]]:
    items = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in items):
        raise BadInput("item", "must be a JSON object, or a list of them")
    return items


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _named(item: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the item with an id that the same entry has again after a restart."""
    return item if item.get("id") is not None else {**item, "id": name}


@asynccontextmanager
async def bridge_to(
    url: str, feed: Callable[[], Feed], under: str
) -> AsyncIterator[Bridge]:
    """Make a bridge from the Redis at ``url``; raise ``ConfigError`` for a bad one."""
    try:
        redis = Redis.from_url(
            url,
            socket_connect_timeout=5,
            health_check_interval=15,
        )
    except ValueError as error:
        raise ConfigError([f"redis: {error}"]) from error
    try:
        yield Bridge(redis, feed, under)
    finally:
        await redis.aclose()
