"""Connections are made as the store needs them, and faults are told in one sentence."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from feedsvc.errors import ConfigError
from feedsvc.store import Database, check, connect
from feedsvc.store.binary import find_mongod
from tests.store.servers import using

SECRET = "mongodb://anna:s3cret@"


async def test_the_uris_own_database_wins(mongod_uri: str) -> None:
    """Without one it is feedsvc, or what the caller says."""
    named = mongod_uri.replace("/?", "/station?")

    async with using(mongod_uri) as plain, using(named) as own:
        assert (plain.name, own.name) == ("feedsvc", "station")


async def test_instants_come_back_aware(database: Database) -> None:
    """And writes are acknowledged by a majority unless somebody says otherwise."""
    assert database.codec_options.tz_aware
    assert database.write_concern.document == {"w": "majority"}


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1",
        f"{SECRET}host:port/",
        f"{SECRET}host:99999/",
        f"{SECRET}host/bad%20name?x",
        "mongodb://anna:s3c@ret@host/",
        f"{SECRET}host/?tsl=true",
        "mongodb://anna:s3cret@host/?tls=perhaps",
    ],
)
async def test_what_is_no_uri_is_refused_without_its_password(uri: str) -> None:
    """The sentence names the setting."""
    with pytest.raises(ConfigError, match=r"^mongodb_uri: ") as caught:
        connect(uri)

    assert "s3c" not in str(caught.value)
    assert "\n" not in caught.value.text


async def test_the_private_server_will_do(database: Database) -> None:
    """It is a replica set, and new enough."""
    await check(database.client)


async def test_an_address_where_nobody_answers_is_named() -> None:
    """Without the password of the URI."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        where = f"127.0.0.1:{mute.getsockname()[1]}"
        uri = f"{SECRET}{where}/?serverSelectionTimeoutMS=50"
        async with using(uri) as database:
            with pytest.raises(ConfigError) as caught:
                await check(database.client)

    assert caught.value.text == f"MongoDB at {where} does not answer"


async def test_a_wrong_password_is_told_without_it(mongod_uri: str) -> None:
    """It is the server that refuses it."""
    uri = mongod_uri.replace("mongodb://", SECRET)
    async with using(uri) as database:
        with pytest.raises(
            ConfigError, match="refuses the user name or the passw"
        ) as e:
            await check(database.client)

    assert "s3cret" not in str(e.value)


async def test_a_server_without_a_replica_set_is_refused(tmp_path: Path) -> None:
    """It has no change streams."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        *(await find_mongod(), "--dbpath", tmp_path, "--port", port),
        *("--bind_ip", "127.0.0.1", "--nounixsocket", "--logpath", tmp_path / "log"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with using(f"mongodb://127.0.0.1:{port}/") as database:
            with pytest.raises(
                ConfigError, match="neither a replica set nor"
            ) as caught:
                await check(database.client)
    finally:
        process.kill()
        await process.wait()

    assert "--replSet" in caught.value.text


async def test_a_server_that_is_too_old_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version and the oldest one are told."""
    monkeypatch.setattr("feedsvc.store.database.OLDEST_VERSION", (99, 1))

    with pytest.raises(ConfigError, match=r"is version \d+\.\S+; 99\.1 is the oldest"):
        await check(database.client)
