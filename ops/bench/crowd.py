"""What soak and latency share: the service itself, its crowd, and its publishers."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from feedsvc.net.tokens import Tokens
from feedsvc.store.home import Home

from peers import CHANNEL, HERE, OURS, SECRET, SOCKJS, WORK, subscription
from process import heed_sigterm, started

SERVICE = next(one for one in OURS if one.publishes_to_port)
HOST = "127.0.0.1"
CLIENT_CORE = 1
ITEM_BYTES = 250
STOP_S = 15.0
READY_S = 60.0
_CROWD = WORK / "crowd"
_COMPILE = ("gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-I", "load", "-o")
_SOURCES = (
    "crowd.c",
    *(f"load/{name}.c" for name in ("client", "options", "tally", "wire")),
)


@dataclass(frozen=True, slots=True)
class Served:
    """The service under test: its process, its ports and its private MongoDB."""

    pid: int
    port: int
    admin_port: int
    home: Home

    @property
    def mongod_port(self) -> int:
        return self.home.port or 0

    @property
    def mongodb_uri(self) -> str:
        return f"mongodb://{HOST}:{self.mongod_port}/?directConnection=true"


def set_up() -> None:
    """Build the crowd; move this process to its core and let it open what it may."""
    heed_sigterm()
    WORK.mkdir(parents=True, exist_ok=True)
    compile_all = (*_COMPILE, str(_CROWD), *_SOURCES, "-lz")
    subprocess.run(compile_all, cwd=HERE, check=True)
    os.sched_setaffinity(0, {CLIENT_CORE})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def service(**environment: str) -> Iterator[Served]:
    """Run ``feedsvc serve`` on the servers' core, with a data directory of its own."""
    with TemporaryDirectory(prefix="data-", dir=WORK) as folder:
        home = Home(Path(folder))
        server = replace(
            SERVICE,
            publishes_to_port=False,
            environment={
                **SERVICE.environment,
                "FEEDSVC_ADMIN_PORT": "{control}",
                "FEEDSVC_DATA_DIR": folder,
                **environment,
            },
        )
        try:
            with started(server) as (process, port, admin_port):
                yield Served(process.pid, port, admin_port, home)
        finally:
            _end_mongod(home)


def _end_mongod(home: Home) -> None:
    """End the private MongoDB if the service had no time to."""
    deadline = time.monotonic() + STOP_S
    while (pid := home.running_pid()) is not None:
        late = time.monotonic() > deadline
        os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.2)


class Crowd:
    """Many subscribers in a process of their own, which drains what they get."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def come_in(self) -> None:
        """Wait until all have subscribed."""
        output = self._process.stdout
        if output is None or await asyncio.wait_for(output.readline(), READY_S) == b"":
            raise RuntimeError("the crowd does not come in")

    async def leave(self) -> dict[str, Any]:
        """Let all go at once, without a word; return what they got."""
        output, _ = await asyncio.wait_for(self._process.communicate(b""), STOP_S)
        if self._process.returncode:
            raise RuntimeError("the crowd ended before its time")
        found: dict[str, Any] = json.loads(output)
        return found


@asynccontextmanager
async def crowd(port: int, clients: int, items: int = 0) -> AsyncIterator[Crowd]:
    """Subscribe the clients; with ``items`` they say when the last one had each.

    They are nicer than this process: it shares their core, and they may never sleep.
    """
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", "5", "taskset", "-c", str(CLIENT_CORE), str(_CROWD)),
        *("--port", str(port), "--clients", str(clients)),
        *(*SOCKJS, *subscription(CHANNEL)),
        *((f"--window={items}",) if items else ()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=2**24,
    )
    crowd = Crowd(process)
    try:
        await crowd.come_in()
        yield crowd
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Publisher:
    """One kept connection of a publisher; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        token = Tokens(SECRET).issue(
            "bench",
            publish=[CHANNEL],
            lifetime=timedelta(days=1),
            now=datetime.now(UTC),
        )
        self._head = (
            f"POST /api/channels/{CHANNEL}/items HTTP/1.1\r\nHost: {HOST}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {ITEM_BYTES}\r\n\r\n"
        ).encode()

    async def open(self) -> None:
        """Connect, so that the first item need not wait for it."""
        self._streams = await asyncio.open_connection(HOST, self._port)

    async def publish(self, title: str) -> float:
        """Publish an item of the usual size; return when it was accepted."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        item = {"type": "post", "title": title, "content_text": ""}
        padding = ITEM_BYTES - len(json.dumps(item, separators=(",", ":")))
        item["content_text"] = "x" * padding
        body = json.dumps(item, separators=(",", ":")).encode()
        writer.write(self._head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        accepted_at = time.monotonic()
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"not published: {answer[:200]!r}")
        await reader.readexactly(content_length(answer))
        return accepted_at

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


def content_length(head: bytes) -> int:
    """Return the size of the body that follows the head of an answer."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def quantile(values: list[float], share: float) -> float:
    """Return the value that this share of the others does not exceed."""
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * share)] if ordered else float("nan")
