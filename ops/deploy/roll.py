"""A rolling restart under clients that keep count: what they miss, when they return."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from tornado.httpclient import HTTPError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from feedsvc.net.tokens import Tokens
from ops.deploy.stage import HERE, PATH, SECRET, Front, StageError, Worker

CHANNEL = "radio.news"
# As web/src/connection.js does it: full jitter from a second on, wider after a drain.
DRAINING, SPREAD_S = 3001, 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
# So many come in at once at first, as not to be a storm of their own.
COMING_AT_ONCE = 50
PATIENCE_S = 90.0
TRY_AGAIN_S = 0.2
# Takes the place of systemctl, and hands what it is told to this process.
_SYSTEMCTL = """#!{python}
import socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    line.sendall(" ".join(sys.argv[1:]).encode() + b"\\n")
    sys.exit(0 if line.recv(16) == b"done" else 1)
"""


@dataclass(slots=True)
class Record:
    """What happened to all clients together."""

    #: When somebody tried to come back.
    tried_at: list[float] = field(default_factory=list)
    #: Connections that were closed, by code.
    closed: Counter[int] = field(default_factory=Counter)
    failed: int = 0
    not_resumed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rolling restart, as its clients saw it."""

    clients: int
    published: int
    missed: int
    doubled: int
    returns: int
    returns_peak_per_s: int
    failed_tries: int
    not_resumed: int
    closed: dict[int, int]
    seconds: float


class Listener:
    """A client as the page's own: comes back by chance, resumes, and keeps count."""

    def __init__(self, front: Front, record: Record, spread_s: float) -> None:
        self.seen: Counter[str] = Counter()
        self.is_here = asyncio.Event()
        self._front = front
        self._record = record
        self._spread_s = spread_s
        self._cursor: str | None = None

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        tries = 0
        while True:
            spread_s = 0.0
            if self._cursor is not None:
                self._record.tried_at.append(time.monotonic())
            try:
                await self._listen()
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else 1006
                self._record.closed[code] += 1
                spread_s = self._spread_s if code == DRAINING else 0.0
                tries = 0
            except (OSError, TimeoutError, WebSocketException):
                self._record.failed += 1
                tries += 1
            self.is_here.clear()
            longest_s = spread_s + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**tries)
            await asyncio.sleep(random.random() * longest_s)  # noqa: S311 - only chance

    async def _listen(self) -> NoReturn:
        async with self._connection() as socket:
            ask = {"msg": "subscribe", "id": 1, "channel": CHANNEL, "backlog": 500}
            if self._cursor is not None:
                ask["since"] = self._cursor
            await socket.send(json.dumps(ask))
            while True:
                self._take(json.loads(await socket.recv()))

    def _connection(self) -> connect:
        return connect(
            f"{self._front.socket_url}/live/websocket",
            proxy=None,
            compression=None,
            ping_interval=None,
            max_size=None,
            # A server that closes waits for nobody.
            close_timeout=1,
            **self._front.connection,
        )

    def _take(self, message: dict[str, Any]) -> None:
        items = [message["item"]] if message["msg"] == "item" else message["items"]
        self.seen.update(item["id"] for item in items)
        if message["msg"] == "subscribed":
            if self._cursor is not None and not message["resumed"]:
                self._record.not_resumed += 1
            self.is_here.set()
        self._cursor = message["cursor"]


class Publisher:
    """Publishes one item after another through the balancer, each until it is taken."""

    def __init__(self, front: Front, every_s: float) -> None:
        self.published: list[str] = []
        self._front = front
        self._every_s = every_s
        lifetime, now = timedelta(hours=1), datetime.now(UTC)
        token = Tokens(SECRET).issue("roll", admin=True, lifetime=lifetime, now=now)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def run(self) -> NoReturn:
        while True:
            await self.publish()
            await asyncio.sleep(self._every_s)

    async def publish(self) -> None:
        """Publish the next one: the same again, until a worker has taken it."""
        item_id = f"roll:{len(self.published)}"
        item = {"id": item_id, "type": "post", "content_text": "On air."}
        path, body = f"/api/channels/{CHANNEL}/items", json.dumps(item).encode()
        while True:
            try:
                answer = await self._front.ask("POST", path, body, self._headers)
                if answer.code in (200, 201):
                    self.published.append(item_id)
                    return
            except (OSError, HTTPError):
                pass
            await asyncio.sleep(TRY_AGAIN_S)


async def roll(
    fronts: Sequence[Front],
    workers: Sequence[Worker],
    *,
    clients: int,
    spread_s: float = SPREAD_S,
    pause_s: float = 15.0,
    every_s: float = 1.0,
) -> Outcome:
    """Restart all workers, one after the other, by ``rolling_restart.py``.

    The clients are spread over the balancers; the publisher uses the first.
    """
    record = Record()
    every_front = islice(cycle(fronts), clients)
    listeners = [Listener(front, record, spread_s) for front in every_front]
    publisher = Publisher(fronts[0], every_s)
    tasks: list[asyncio.Task[Any]] = []
    try:
        for first in range(0, clients, COMING_AT_ONCE):
            some = listeners[first : first + COMING_AT_ONCE]
            tasks += [asyncio.create_task(one.run()) for one in some]
            await _all_here(some)
        publishing = asyncio.create_task(publisher.run())
        began = time.monotonic()
        await _restart_all(workers, pause_s)
        seconds = time.monotonic() - began
        await _all_here(listeners)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await publisher.publish()
        await _heard(listeners, publisher.published[-1])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    wanted = set(publisher.published)
    return Outcome(
        clients=clients,
        published=len(wanted),
        missed=sum(len(wanted - set(one.seen)) for one in listeners),
        doubled=sum(times > 1 for one in listeners for times in one.seen.values()),
        returns=len(record.tried_at),
        returns_peak_per_s=peak(record.tried_at),
        failed_tries=record.failed,
        not_resumed=record.not_resumed,
        closed=dict(record.closed),
        seconds=round(seconds, 1),
    )


def peak(instants: Sequence[float]) -> int:
    """Return the most instants that lie within one second."""
    ordered, first, most = sorted(instants), 0, 0
    for last, instant in enumerate(ordered):
        while ordered[first] <= instant - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


async def _all_here(listeners: Sequence[Listener]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for one in listeners:
            await one.is_here.wait()


async def _heard(listeners: Sequence[Listener], item_id: str) -> None:
    """Wait until everybody has the item, or patience is over."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if all(item_id in one.seen for one in listeners):
            return
        await asyncio.sleep(TRY_AGAIN_S)


async def _restart_all(workers: Sequence[Worker], pause_s: float) -> None:
    ports = [str(worker.port) for worker in workers]
    async with _systemctl(workers) as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "rolling_restart.py"), *ports),
            *("--pause", str(pause_s)),
            env={"PATH": f"{folder}:{PATH}"},
        )
        if await process.wait():
            raise StageError("the rolling restart failed")


@asynccontextmanager
async def _systemctl(workers: Sequence[Worker]) -> AsyncIterator[str]:
    """Have a ``systemctl`` that restarts our workers; return the folder it is in."""
    by_unit = {f"restart feedsvc@{worker.port}": worker for worker in workers}

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readline()).decode().strip()
        await by_unit[asked].restart()
        writer.write(b"done")
        await writer.drain()
        writer.close()

    with TemporaryDirectory(prefix="roll-") as folder:
        path, program = f"{folder}/line", Path(folder) / "systemctl"
        program.write_text(_SYSTEMCTL.format(python=sys.executable, path=path))
        program.chmod(0o755)
        async with await asyncio.start_unix_server(obey, path):
            yield folder
