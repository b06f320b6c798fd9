"""A private mongod whose port is taken while it is down: the service goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio import Server
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
from tornado.httpclient import HTTPError

from feedsvc.net.tokens import Tokens
from feedsvc.store.home import Home
from tests.net.clients import Http
from tests.net.station import SECRET, ids, post

PATIENCE_S = 90.0
TOKEN = Tokens(SECRET).issue(
    "test", publish=["*"], lifetime=timedelta(hours=1), now=datetime.now(UTC)
)


@asynccontextmanager
async def served(data_dir: Path, workers: int) -> AsyncIterator[str]:
    """Run ``feedsvc serve`` with its private mongod and yield its URL."""
    own = {key: value for key, value in os.environ.items() if "FEEDSVC" not in key}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "feedsvc", "serve", "--workers", str(workers)),
        env={
            **own,
            "FEEDSVC_PORT": "0",
            "FEEDSVC_DATA_DIR": str(data_dir),
            "FEEDSVC_SECRET": SECRET,
            "FEEDSVC_DRAIN_SECONDS": "0",
        },
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    told = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b" is ready" not in (line := await process.stdout.readline()):
                told.append(line)
                assert line, b"".join(told).decode()
        reading = asyncio.create_task(process.stdout.read())
        yield line.decode().split()[-1]
        assert process.returncode is None, "it has ended"
        process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
        await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if (pid := Home(data_dir).running_pid()) is not None:
            os.kill(pid, signal.SIGKILL)


async def take_port(home: Home) -> Server:
    """Kill the server and take its port before it comes back, however often it does."""
    while True:
        pid, port = home.running_pid(), home.port
        if pid is not None and port is not None:
            os.kill(pid, signal.SIGKILL)
            while home.running_pid() in (None, pid):
                with suppress(OSError):
                    thief = create_server(("127.0.0.1", port))
                    return await asyncio.start_server(hang_up, sock=thief)
        await asyncio.sleep(0.2)


def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def is_published(http: Http, item_id: str) -> bool:
    """Try once; what had no answer may be tried again."""
    try:
        answer = await http.publish("radio", post(item_id), token=TOKEN)
    except (OSError, HTTPError):
        return False
    return answer.status in (200, 201)


async def move(data_dir: Path, workers: int) -> None:
    """Publish before and after the move, and find both."""
    home = Home(data_dir)
    async with served(data_dir, workers) as url:
        http = Http(url)
        assert await is_published(http, "before")
        was_at = home.port
        async with asyncio.timeout(PATIENCE_S), await take_port(home):
            while not await is_published(http, "after"):  # noqa: ASYNC110 no event tells
                await asyncio.sleep(0.2)
            items = (await http.items("radio")).json["items"]
        http.close()

    assert sorted(ids(items)) == ["after", "before"]
    assert home.port != was_at


@pytest.mark.slow
@pytest.mark.mongo
@pytest.mark.timeout(300)
async def test_the_service_finds_its_mongod_again_at_another_port(
    tmp_path: Path,
) -> None:
    """At its own old address, with all that was published: one process, and workers."""
    await asyncio.gather(move(tmp_path / "one", 1), move(tmp_path / "workers", 2))
