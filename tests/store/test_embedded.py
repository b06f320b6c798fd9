"""The private mongod is found, started, kept alive and stopped; real processes all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from feedsvc.errors import ConfigError
from feedsvc.store import check
from feedsvc.store.embedded import EmbeddedMongod, embedded_mongod
from feedsvc.store.home import Home
from tests.store.servers import using

OWNER = """
import asyncio, pathlib, sys
from feedsvc.store.embedded import embedded_mongod

async def main():
    async with embedded_mongod(pathlib.Path(sys.argv[1])) as mongod:
        print(mongod.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def killed_owner(data_dir: Path) -> AsyncIterator[int]:
    """Yield the pid of a mongod whose owner was just killed; end it if need be."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    owner.kill()
    await owner.wait()
    try:
        yield pid
        # The server must not hold the pipe that its owner's reader waits at.
        async with asyncio.timeout(5):
            assert await owner.stdout.read() == b""
    finally:
        if Home(data_dir).running_pid() == pid:
            os.kill(pid, signal.SIGKILL)


async def note(mongod: EmbeddedMongod, key: int) -> None:
    async with using(mongod.uri) as database:
        await database.get_collection("notes").insert_one({"_id": key})


async def notes(mongod: EmbeddedMongod) -> list[int]:
    async with using(mongod.uri) as database:
        found = database.get_collection("notes").find().sort("_id")
        return [document["_id"] async for document in found]


async def restarted(mongod: EmbeddedMongod) -> None:
    """Wait until a server with another process id runs."""
    before = mongod.pid
    async with asyncio.timeout(30):
        while mongod.pid == before:  # noqa: ASYNC110 there is no event for it
            await asyncio.sleep(0.02)


async def test_it_takes_writes_and_is_gone_afterwards(tmp_path: Path) -> None:
    """It is a deployment that feedsvc works with, and it stops within seconds."""
    async with embedded_mongod(tmp_path) as mongod:
        await note(mongod, 1)
        async with using(mongod.uri) as database:
            await check(database.client)
        assert Home(tmp_path).running_pid() == mongod.pid
        began = time.monotonic()

    assert time.monotonic() - began < 8
    assert Home(tmp_path).running_pid() is None


async def test_its_data_and_port_outlive_it(tmp_path: Path) -> None:
    """A guest that still has the URI finds it again."""
    async with embedded_mongod(tmp_path) as first:
        await note(first, 1)

    async with embedded_mongod(tmp_path) as second:
        assert await notes(second) == [1]
        assert second.uri == first.uri


def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_it_moves_if_its_port_was_taken_meanwhile(tmp_path: Path) -> None:
    """And tells its replica set so."""
    async with embedded_mongod(tmp_path) as first:
        await note(first, 1)

    async with (
        await asyncio.start_server(hang_up, "127.0.0.1", first.port),
        embedded_mongod(tmp_path) as second,
    ):
        assert await notes(second) == [1]
        await note(second, 2)

    assert second.port != first.port


async def test_it_is_started_again_when_it_dies(tmp_path: Path) -> None:
    """At the same place, and counted."""
    async with embedded_mongod(tmp_path) as mongod:
        await note(mongod, 1)
        uri = mongod.uri
        os.kill(mongod.pid, signal.SIGKILL)
        await restarted(mongod)

        assert await notes(mongod) == [1]
        assert (mongod.uri, mongod.restarts) == (uri, 1)


async def test_it_is_started_again_though_its_directory_was_in_no_state_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has made room on a full disk need not restart the service too."""
    obstacle = tmp_path / "mongod" / "port.new"
    async with embedded_mongod(tmp_path) as mongod:
        await note(mongod, 1)
        obstacle.mkdir()
        os.kill(mongod.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while "does not start" not in caplog.text:  # noqa: ASYNC110 as above
                await asyncio.sleep(0.02)

        obstacle.rmdir()
        await restarted(mongod)

        assert await notes(mongod) == [1]


async def test_the_next_owner_takes_over_what_a_killed_one_left(tmp_path: Path) -> None:
    """The same process goes on, is watched, and is stopped in the end."""
    async with killed_owner(tmp_path) as pid:
        async with embedded_mongod(tmp_path) as mongod:
            assert mongod.pid == pid
            os.kill(pid, signal.SIGKILL)
            await restarted(mongod)
            await note(mongod, 1)

        assert Home(tmp_path).running_pid() is None


async def test_a_taken_over_server_is_stopped_too(tmp_path: Path) -> None:
    """Though it is no child of the one who stops it."""
    async with killed_owner(tmp_path) as pid:
        async with embedded_mongod(tmp_path) as mongod:
            assert mongod.pid == pid

        assert Home(tmp_path).running_pid() is None


async def test_a_server_that_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ours, it does not answer, and asking it to stop is in vain."""
    monkeypatch.setattr("feedsvc.store.embedded.ANSWER_S", 1)
    monkeypatch.setattr("feedsvc.store.embedded.STOP_S", 2)
    async with killed_owner(tmp_path) as pid:
        os.kill(pid, signal.SIGSTOP)

        async with embedded_mongod(tmp_path) as mongod:
            assert mongod.pid != pid
            await note(mongod, 1)


async def test_nothing_is_found_where_all_were_killed(tmp_path: Path) -> None:
    """The files that they left say nothing true any more."""
    async with killed_owner(tmp_path) as pid:
        os.kill(pid, signal.SIGKILL)
        while Home(tmp_path).running_pid():  # noqa: ASYNC110 not our child
            await asyncio.sleep(0.01)

        async with embedded_mongod(tmp_path) as mongod:
            assert mongod.pid != pid
            await note(mongod, 1)


async def test_a_second_process_is_a_guest(tmp_path: Path) -> None:
    """It has the same URI and leaves the server as it was."""
    async with embedded_mongod(tmp_path) as owner:
        async with embedded_mongod(tmp_path) as guest:
            assert guest.uri == owner.uri
            await note(guest, 1)

        assert await notes(owner) == [1]


async def test_a_guest_waits_for_an_owner_that_is_starting(tmp_path: Path) -> None:
    """Whoever comes first, both get the server."""

    async def use() -> tuple[str, int]:
        async with embedded_mongod(tmp_path) as mongod:
            both.append(mongod.uri)
            while len(both) < 3:  # noqa: ASYNC110 until all have it
                await asyncio.sleep(0.01)
            return mongod.uri, mongod.pid

    both: list[str] = []
    found = await asyncio.gather(use(), use(), use())

    assert len(set(found)) == 1


async def test_a_guest_of_nobody_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory is claimed, and no server comes."""
    monkeypatch.setattr("feedsvc.store.embedded.ANSWER_S", 0.2)
    claim = Home(tmp_path).claim()
    assert claim is not None

    with pytest.raises(ConfigError, match=r"another process owns .* does not answer"):
        async with embedded_mongod(tmp_path):
            pass
    os.close(claim)


async def test_a_server_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left behind."""
    monkeypatch.setattr("feedsvc.store.embedded.STOP_S", 0.3)
    async with embedded_mongod(tmp_path) as mongod:
        os.kill(mongod.pid, signal.SIGSTOP)

    assert Home(tmp_path).running_pid() is None


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.6])
async def test_a_start_that_is_cancelled_leaves_nothing(
    tmp_path: Path, after_s: float
) -> None:
    """Whatever it was just doing."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(after_s), embedded_mongod(tmp_path):
            await asyncio.sleep(60)

    assert Home(tmp_path).running_pid() is None


async def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With what the system says of it."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"data_dir: .*file.* Not a directory"):
        async with embedded_mongod(tmp_path / "file"):
            pass


async def test_a_server_that_fails_to_start_has_the_last_word(tmp_path: Path) -> None:
    """The last error of its log is in the sentence."""
    async with embedded_mongod(tmp_path):
        pass
    (Home(tmp_path).db / "storage.bson").write_bytes(b"\x05\x00\x00\x00\x00")

    with pytest.raises(ConfigError, match=r"start: .*storage.engine") as caught:
        async with embedded_mongod(tmp_path):
            pass

    assert "\n" not in caught.value.text
