"""Making a replica set of one node out of a ``mongod`` that just started."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, OperationFailure

from feedsvc.store.home import LOOPBACK

REPLICA_SET = "feedsvc"

_POLL_S = 0.02
_NO_MEMBER, _NOT_INITIATED = 93, 94

Admin = AsyncDatabase[dict[str, Any]]


async def await_primary(port: int, db: Path) -> bool:
    """Wait until the server at the port takes writes; initiate it if it is new.

    Return False if the server there has another database directory.
    """
    await _await_listening(port)
    async with AsyncMongoClient[dict[str, Any]](
        LOOPBACK, port, directConnection=True
    ) as client:
        while True:
            with suppress(ConnectionFailure):
                options = await client.admin.command("getCmdLineOpts")
                if options["parsed"]["storage"]["dbPath"] != str(db):
                    return False
                if await _is_primary(client.admin, f"{LOOPBACK}:{port}"):
                    return True
            await asyncio.sleep(_POLL_S)


async def _await_listening(port: int) -> None:
    """Wait for the port: the client looks for a server only twice a second."""
    while True:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(_POLL_S)
        else:
            writer.close()
            return


async def _is_primary(admin: Admin, host: str) -> bool:
    hello = await admin.command("hello")
    if hello.get("isWritablePrimary") and hello.get("me") == host:
        return True
    try:
        await admin.command("replSetGetStatus")
    except OperationFailure as error:
        # Both fail while the server is still reading its configuration: next time.
        with suppress(OperationFailure):
            if error.code == _NOT_INITIATED:
                await _initiate(admin, host)
            elif error.code == _NO_MEMBER:
                await _move(admin, host)
    return False


async def _initiate(admin: Admin, host: str) -> None:
    members = [{"_id": 0, "host": host}]
    await admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})


async def _move(admin: Admin, host: str) -> None:
    """Tell the server that its port is another one than last time."""
    config = (await admin.command("replSetGetConfig"))["config"]
    config["members"][0]["host"] = host
    config["version"] += 1
    await admin.command("replSetReconfig", config, force=True)
