"""Starting and stopping the service, as a supervisor does."""

from __future__ import annotations

import asyncio
import signal
import socket
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from tests.net.clients import FramedSocket, RawSocket
from tests.net.station import own_database
from tests.test_cli import process

PATIENCE_S = 30.0
FREE = {"FEEDSVC_PORT": "0", "FEEDSVC_ADMIN_PORT": "0"}


async def announced(service: Process) -> str:
    """Return the address that the service announces when it is ready."""
    assert service.stdout is not None
    line = (await service.stdout.readline()).decode()
    assert line.startswith("feedsvc is ready at http://"), line
    return line.split()[-1]


async def refused(**environ: str) -> str:
    """Start a service that can't be started, and return what it says."""
    async with process(["serve"], **environ) as service, asyncio.timeout(PATIENCE_S):
        out, err = await service.communicate()
    assert (service.returncode, out) == (1, b"")
    told = err.decode()
    assert told.count("\n") == 1, told
    return told.strip()


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """With the variable that sets another one; nothing has been started for it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        environ = {"FEEDSVC_DATA_DIR": str(tmp_path / "data")}

        public = await refused(**environ, FEEDSVC_PORT=port)
        admin = await refused(**environ, FEEDSVC_PORT="0", FEEDSVC_ADMIN_PORT=port)

    assert public == (
        f"feedsvc: port: {port} of 127.0.0.1 is in use; set FEEDSVC_PORT to a free one"
    )
    assert admin == (
        f"feedsvc: admin_port: {port} of 127.0.0.1 is in use;"
        " set FEEDSVC_ADMIN_PORT to a free one"
    )
    assert not (tmp_path / "data").exists()


async def test_a_host_that_is_not_ours_is_told(tmp_path: Path) -> None:
    """An address of another machine, and a name that nobody has."""
    environ = {**FREE, "FEEDSVC_DATA_DIR": str(tmp_path)}

    address = await refused(**environ, FEEDSVC_HOST="192.0.2.1")
    name = await refused(**environ, FEEDSVC_HOST="nobody.invalid")

    assert address == (
        "feedsvc: host: cannot listen on 192.0.2.1 port 0:"
        " Cannot assign requested address"
    )
    assert name.startswith("feedsvc: host: cannot listen on nobody.invalid port 0: ")
    assert "Unknown error" not in name


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "data"

    told = await refused(**FREE, FEEDSVC_DATA_DIR=str(path))

    assert told == f"feedsvc: data_dir: {path} cannot be made: Not a directory"


async def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """With its address, and not with the password in it."""
    environ = {**FREE, "FEEDSVC_DATA_DIR": str(tmp_path)}
    address = "127.0.0.1:9/?directConnection=true&serverSelectionTimeoutMS=300"

    told = await refused(**environ, FEEDSVC_MONGODB_URI=f"mongodb://a:b0ss@{address}")
    no_uri = await refused(**environ, FEEDSVC_MONGODB_URI="mysql://a:b0ss@db")

    assert told == "feedsvc: MongoDB at 127.0.0.1:9 does not answer"
    assert no_uri.startswith("feedsvc: mongodb_uri: ")
    assert "b0ss" not in no_uri


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_service_stops_when_it_is_told_to(
    mongod_uri: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Sessions are told to come back later, and the exit code is 0."""
    async with (
        own_database(mongod_uri) as uri,
        process(
            ["serve"],
            **FREE,
            FEEDSVC_DATA_DIR=str(tmp_path),
            FEEDSVC_MONGODB_URI=uri,
            FEEDSVC_DRAIN_SECONDS="0",
        ) as service,
        asyncio.timeout(PATIENCE_S),
    ):
        url = await announced(service)
        raw, framed = await RawSocket.open(url), await FramedSocket.open(url)
        await raw.ask("ping")
        await framed.ask("ping")

        service.send_signal(number)
        code, reason = await raw.closed()
        frame = await framed.socket.recv()
        await framed.close()
        _, err = await service.communicate()

    assert (code, reason) == (3001, "draining")
    assert frame == 'c[3001,"draining"]'
    assert (service.returncode, err) == (0, b"")


async def test_the_admin_port_is_free_while_the_service_still_drains(
    mongod_uri: str, tmp_path: Path
) -> None:
    """For the next one, which a supervisor may start before this one has ended."""
    async with (
        own_database(mongod_uri) as uri,
        process(
            ["serve"],
            **FREE,
            FEEDSVC_DATA_DIR=str(tmp_path),
            FEEDSVC_MONGODB_URI=uri,
            FEEDSVC_DRAIN_SECONDS="120",
        ) as service,
        asyncio.timeout(PATIENCE_S),
    ):
        url = await announced(service)
        first, second = await RawSocket.open(url), await RawSocket.open(url)
        assert service.stdout is not None
        metrics = (await service.stdout.readline()).decode()
        port = int(metrics.rpartition(":")[2].partition("/")[0])

        service.terminate()
        while is_taken(port):  # noqa: ASYNC110 - the state of another process
            await asyncio.sleep(0.05)

        assert service.returncode is None
        service.kill()
        await first.close()
        await second.close()


def is_taken(port: int) -> bool:
    """Say whether somebody listens on the port of loopback."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


async def test_a_service_without_a_deployment_runs_its_own(tmp_path: Path) -> None:
    """In its data directory, and it ends with it."""
    environ = {**FREE, "FEEDSVC_DATA_DIR": str(tmp_path), "FEEDSVC_DRAIN_SECONDS": "0"}
    client = AsyncHTTPClient(force_instance=True)

    async with process(["serve"], **environ) as service, asyncio.timeout(PATIENCE_S):
        url = await announced(service)
        ready = await client.fetch(f"{url}/readyz")
        service.terminate()
        out, err = await service.communicate()
    client.close()

    assert ready.code == 200
    assert b"MongoDB    mongodb://127.0.0.1:" in out
    assert b"metrics    http://127.0.0.1:" in out
    assert (service.returncode, err) == (0, b"")
    assert (tmp_path / "secret").is_file()


async def test_a_stop_in_the_middle_of_the_start_is_heard(tmp_path: Path) -> None:
    """A supervisor that changed its mind need not wait, nor kill."""
    environ = {**FREE, "FEEDSVC_DATA_DIR": str(tmp_path)}

    async with process(["serve"], **environ) as service, asyncio.timeout(PATIENCE_S):
        port_file = tmp_path / "mongod" / "port"
        while not port_file.exists():  # noqa: ASYNC110 another process makes it
            await asyncio.sleep(0.01)
        service.terminate()
        out, err = await service.communicate()

    assert (service.returncode, out, err) == (0, b"", b"")
