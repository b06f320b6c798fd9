"""From a real Redis into channels of the running service."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from feedsvc import bridge as bridges
from feedsvc.bridge import Bridge, bridge_to
from feedsvc.client import Feed
from tests.net.clients import Message
from tests.net.station import (
    Station,
    ids,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
    until,
)


class Server:
    """A Redis of the test's own, which can go away and come back."""

    def __init__(self, directory: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: Process | None = None

    async def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: ops/setup/redis.sh installs it"
        self._process = await asyncio.create_subprocess_exec(
            program,
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", self._directory, "--appendonly", "yes", "--save", ""),
            stdout=DEVNULL,
        )
        await until(self._answers, "Redis")

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[Server]:
    """A running Redis."""
    directory = tmp_path / "redis"
    directory.mkdir()
    server = Server(directory)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def station(mongod_uri: str, tmp_path: Path) -> AsyncIterator[Station]:
    """The service that the bridge publishes to."""
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, tmp_path)) as running,
    ):
        yield await lived_in(running)


@asynccontextmanager
async def sender(server: Server) -> AsyncIterator[Redis]:
    redis = Redis.from_url(server.url)
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def following(
    server: Server, station: Station, **stream: str
) -> AsyncIterator[Bridge]:
    """Run a bridge that listens to ``feed:*``, or reads the stream."""
    feed = Feed(station.url, station.token(publish=["*"]))
    async with bridge_to(server.url, lambda: feed, "radio") as bridge:
        work = bridge.read(**stream) if stream else bridge.follow(["feed:*"])
        task = asyncio.create_task(work)
        try:
            if not stream:
                await listened_to(server)
            yield bridge
        finally:
            assert not task.done(), task
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def listened_to(server: Server) -> None:
    """Wait until somebody hears what is sent."""

    async def heard() -> bool:
        async with sender(server) as redis:
            return bool(await redis.pubsub_numpat())

    await until(heard, "the bridge")


async def seen(station: Station, *expected: str) -> None:
    """Wait until readers see these, the newest first."""

    async def found() -> bool:
        return await station.seen("radio") == list(expected)

    await until(found, f"items {expected}")


def at(minute: int, item_id: str) -> Message:
    return {**post(item_id), "date": f"2026-11-24T12:{minute:02}:00Z"}


async def test_what_is_sent_to_a_redis_channel_is_published(
    redis_server: Server, station: Station
) -> None:
    """Alone, as a list, or with a channel of its own."""
    async with (
        following(redis_server, station) as bridge,
        sender(redis_server) as redis,
    ):
        await redis.publish("feed:news", json.dumps(at(1, "a")))
        await redis.publish("feed:news:local", json.dumps([at(2, "b"), at(3, "c")]))
        named = {"channel": "events", "item": at(4, "d")}
        await redis.publish("feed:any", json.dumps(named))
        await seen(station, "d", "c", "b", "a")
        channels = {
            item["id"]: item["channel"]
            for item in (await station.http.items("radio")).json["items"]
        }

    assert channels == {
        "a": "radio.news",
        "b": "radio.news.local",
        "c": "radio.news.local",
        "d": "radio.events",
    }
    assert (bridge.counts.received, bridge.counts.published) == (3, 4)


NO_GOOD = (
    b"",
    b"no JSON",
    b"\xff\xfe",
    b"[" * 100_000,
    b"17",
    b'["a"]',
    b'{"item":null}',
    b'{"channel":"no channel!","item":{"type":"post"}}',
    b'{"channel":"x","item":{"type":"post","colour":1}}',
    b'{"channel":null,"item":{"type":"post"}}',
    b'{"type":"nonsense"}',
)


async def test_messages_that_are_no_good_are_told_and_passed_over(
    redis_server: Server, station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one comes through."""
    async with (
        following(redis_server, station) as bridge,
        sender(redis_server) as redis,
    ):
        for message in NO_GOOD:
            await redis.publish("feed:news", message)
        await redis.publish("feed:news", json.dumps(at(1, "good")))
        await seen(station, "good")

    assert bridge.counts.refused == len(NO_GOOD)
    assert caplog.text.count("bridge refused origin=") == len(NO_GOOD)


async def test_the_bridge_comes_back_when_redis_does(
    redis_server: Server, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent meanwhile is lost, as everything that Redis PUBLISHes."""
    monkeypatch.setattr(bridges, "FIRST_WAIT_S", 0.05)
    async with following(redis_server, station) as bridge:
        await redis_server.stop()
        await redis_server.start()
        await listened_to(redis_server)
        async with sender(redis_server) as redis:
            await redis.publish("feed:news", json.dumps(at(1, "after")))
        await seen(station, "after")

    assert bridge.counts.reconnects >= 1


async def test_a_stream_is_read_from_where_it_was(
    redis_server: Server, station: Station
) -> None:
    """Also what was added while nobody read; each entry once, the bad ones too."""
    stream = {"stream": "feed", "group": "feedsvc", "consumer": "bridge"}
    async with sender(redis_server) as redis:
        await redis.xadd("feed", {"channel": "news", "item": json.dumps(at(1, "a"))})
        async with following(redis_server, station, **stream):
            await seen(station, "a")
        await redis.xadd("feed", {"channel": "news", "item": "no JSON"})
        nameless = {"type": "post", "date": "2026-11-24T12:02:00Z"}
        await redis.xadd("feed", {"channel": "news", "item": json.dumps(nameless)})
        # Given to us before a crash, and never acknowledged.
        await redis.xreadgroup("feedsvc", "bridge", {"feed": ">"}, 1)
        async with following(redis_server, station, **stream) as bridge:
            await until(lambda: has(station, 2), "two items")
            await until(lambda: nothing_pending(redis), "the acknowledgement")
        items = (await station.http.items("radio")).json["items"]

    assert (bridge.counts.refused, bridge.counts.published) == (1, 1)
    assert ids(items)[0].startswith("feed:")


async def has(station: Station, number: int) -> bool:
    return len(await station.seen("radio")) == number


async def nothing_pending(redis: Redis) -> bool:
    pending = await redis.xpending("feed", "feedsvc")
    return bool(pending["pending"] == 0)
