"""A replica set of three on loopback, each member behind a proxy of its own."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

from feedsvc.store.binary import find_mongod
from ops.delivery.programs import START_S, free_port
from ops.delivery.proxy import Proxy
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

NAME = "check"
MEMBERS = 3
# Much faster than by default, so that a minute holds several elections.
SETTINGS = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}


class Node:
    """One member: its ``mongod``, and the proxy that all others know it by."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port = free_port(2)
        self._process: Process | None = None
        self.proxy = Proxy(self._port + 1, self._port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"

    async def start(self) -> None:
        self._data_dir.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            await find_mongod(),
            *("--dbpath", self._data_dir, "--port", str(self._port)),
            *("--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", NAME),
            *("--oplogSize", "100", "--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--logpath", self._data_dir / "log", "--logappend", "--quiet"),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def command(self, name: str, value: object = 1, **options: Any) -> Any:
        """Run an administrator's command on this very member."""
        async with AsyncMongoClient[dict[str, Any]](
            "127.0.0.1",
            self._port,
            directConnection=True,
            serverSelectionTimeoutMS=int(START_S * 1_000),
        ) as client:
            return await client.admin.command(name, value, **options)


class ReplicaSet:
    """Three members, of which one is the primary most of the time."""

    def __init__(self, data_dir: Path) -> None:
        self.nodes = [Node(data_dir / f"node{number}") for number in range(MEMBERS)]

    @property
    def uri(self) -> str:
        addresses = ",".join(node.address for node in self.nodes)
        return f"mongodb://{addresses}/?replicaSet={NAME}"

    async def start(self) -> None:
        """Start and initiate it, and wait for its first primary."""
        for node in self.nodes:
            await node.start()
            await node.proxy.start()
        for node in self.nodes:
            await node.command("ping")
        members = [
            {"_id": number, "host": node.address}
            for number, node in enumerate(self.nodes)
        ]
        config = {"_id": NAME, "members": members, "settings": SETTINGS}
        await self.nodes[0].command("replSetInitiate", config)
        await self.primary()

    async def stop(self) -> None:
        for node in self.nodes:
            await node.kill()
            await node.proxy.cut()

    async def primary(self) -> Node:
        """Return the primary, waiting for an election if need be."""
        async with asyncio.timeout(START_S):
            while True:
                for node in self.nodes:
                    with suppress(PyMongoError):
                        if (await node.command("hello"))["isWritablePrimary"]:
                            return node
                await asyncio.sleep(0.2)
