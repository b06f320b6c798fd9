"""Several workers on one port: one that dies harms only its own connections."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException

from feedsvc.net.tokens import Tokens
from tests.net.clients import Http, Message, RawSocket

SECRET = "known to the workers and to their test"
PATIENCE_S = 30.0

pytestmark = [pytest.mark.mongo, pytest.mark.slow]


class Workers:
    """``feedsvc serve --workers 2`` as a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = ""
        self.pids: dict[int, int] = {}
        self.log = b""
        self._starts = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line
            found = re.search(rb"worker ready number=(\d+) pid=(\d+)", line)
            if found:
                async with self._starts:
                    self.pids[int(found[1])] = int(found[2])
                    self._starts.notify_all()

    async def wait_started(self, number: int, *, other_than: int = 0) -> int:
        """Return the pid of the worker once it is a new one."""
        async with asyncio.timeout(PATIENCE_S), self._starts:
            await self._starts.wait_for(
                lambda: self.pids.get(number, other_than) != other_than
            )
            return self.pids[number]


@pytest.fixture
async def workers(mongod_uri: str, tmp_path: Path) -> AsyncIterator[Workers]:
    """Two workers, stopped with SIGTERM."""
    base, _, query = mongod_uri.partition("/?")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "feedsvc", "serve", "--workers", "2"),
        env={
            **os.environ,
            "FEEDSVC_PORT": "0",
            "FEEDSVC_DATA_DIR": str(tmp_path),
            "FEEDSVC_SECRET": SECRET,
            "FEEDSVC_MONGODB_URI": f"{base}/{tmp_path.name.replace('.', '_')}?{query}",
        },
        stdout=PIPE,
        stderr=PIPE,
    )
    found = Workers(process)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            ready = (await process.stdout.readline()).decode()
        assert ready, found.log.decode()
        found.url = ready.split()[-1]
        yield found
    finally:
        assert process.returncode is None, found.log.decode()
        process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    for pid in found.pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def resume(url: str, cursor: str) -> tuple[RawSocket, Message]:
    """Connect and subscribe as a client does: again, if that very worker has died."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                reader = await RawSocket.open(url)
                return reader, await reader.subscribe("radio", since=cursor)
            except (OSError, WebSocketException):
                await asyncio.sleep(0.05)


async def open_all(url: str, count: int) -> list[RawSocket]:
    return [await RawSocket.open(url) for _ in range(count)]


async def publish(url: str, text: str) -> None:
    token = Tokens(SECRET).issue(
        "test", publish=["radio"], lifetime=timedelta(hours=1), now=datetime.now(UTC)
    )
    http = Http(url, token)
    answer = await http.publish("radio.news", {"type": "post", "content_text": text})
    http.close()
    assert answer.status == 201


async def test_readers_on_every_worker_get_what_any_of_them_takes(
    workers: Workers,
) -> None:
    """Twelve connections land on both; the port is one."""
    readers = await open_all(workers.url, 12)
    for reader in readers:
        await reader.subscribe("radio")

    await publish(workers.url, "hello")

    for reader in readers:
        [item] = await reader.next_items(1)
        assert item["content_text"] == "hello"
        await reader.close()


async def test_a_reader_of_a_killed_worker_resumes_on_another(workers: Workers) -> None:
    """With its cursor, missing nothing; the killed one is started again."""
    readers = await open_all(workers.url, 12)
    cursors = [(await reader.subscribe("radio"))["cursor"] for reader in readers]
    killed = workers.pids[0]

    os.kill(killed, signal.SIGKILL)
    await workers.wait_started(0, other_than=killed)
    await publish(workers.url, "meanwhile")

    for cursor in cursors:
        reader, answer = await resume(workers.url, cursor)
        if not answer["items"]:
            answer["items"] = await reader.next_items(1)
        assert answer["resumed"]
        assert [item["content_text"] for item in answer["items"]] == ["meanwhile"]
        await reader.close()
    for reader in readers:
        await reader.close()
