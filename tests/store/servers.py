"""Servers and connections of their own, for the tests that break them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from feedsvc.store import Database, connect
from feedsvc.store.binary import find_mongod
from feedsvc.store.replica import REPLICA_SET, await_primary


@asynccontextmanager
async def using(uri: str, *, database: str = "feedsvc") -> AsyncIterator[Database]:
    """Connect, and close the connections whatever happens."""
    connected = connect(uri, database=database)
    try:
        yield connected
    finally:
        await connected.client.close()


@asynccontextmanager
async def tiny_mongod(db: Path) -> AsyncIterator[str]:
    """Run a mongod that keeps one megabyte of history and yield its URI."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        await find_mongod(),
        *("--dbpath", str(db), "--port", str(port), "--replSet", REPLICA_SET),
        *("--bind_ip", "127.0.0.1", "--nounixsocket", "--oplogSize", "1"),
        # History is cut only below a checkpoint; by default there is one a minute.
        *("--syncdelay", "1", "--logpath", str(db / "log")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await await_primary(port, db)
        yield f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"
    finally:
        process.kill()
        await process.wait()


async def oldest_event_s(database: Database) -> int:
    """Return the second that the server's history begins with."""
    oplog = database.client.local["oplog.rs"]
    first = await oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
    assert first is not None
    return int(first["ts"].time)


async def push_out(database: Database, second: int) -> None:
    """Write until the server's history begins after that second."""
    filler = database.get_collection("filler")
    while await oldest_event_s(database) <= second:
        await filler.insert_many([{"text": "x" * 100_000} for _ in range(10)])
        await asyncio.sleep(0.05)
