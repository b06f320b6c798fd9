"""``make run`` from end to end: the runner, what it starts, and what is left of it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from feedsvc.client import Feed
from tests.processes import command_of, ended, processes_of

pytestmark = pytest.mark.slow

RUNNER = Path(__file__).parent.parent / "ops" / "run.py"
# Generous, for a busy machine; what is promised is the end.
START_S = 60.0
STOP_S = 10.0

ROLES = {
    "-m feedsvc serve": "service",
    "-m examples.station": "station",
    "-m ingest run": "ingest",
    "ingest.worker": "reader",
    "mongod --dbpath": "mongod",
}


@asynccontextmanager
async def launched(data_dir: Path, **environ: str) -> AsyncIterator[Process]:
    """Start the runner, and end it and all that it started whatever happens."""
    clean = {name: os.environ[name] for name in os.environ if "FEEDSVC_" not in name}
    clean |= {"FEEDSVC_DATA_DIR": str(data_dir), "FEEDSVC_PORT": "0", **environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, RUNNER, env=clean, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        left = [process.pid, *descendants(process.pid)]
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        await ended(left, STOP_S)


@asynccontextmanager
async def running(data_dir: Path, **environ: str) -> AsyncIterator[tuple[Process, str]]:
    """Start the runner; yield it and the page's address once it has told that."""
    async with launched(data_dir, **environ) as process:
        async with asyncio.timeout(START_S):
            url = await welcome(process)
        yield process, url


async def welcome(process: Process) -> str:
    """Read the output up to the last line of the welcome; return the address in it."""
    assert process.stdout is not None
    url = ""
    async for line in process.stdout:
        match line.decode().split():
            case ["Page", page]:
                url = page.rstrip("/")
            case ["Stop", _]:
                return url
    raise AssertionError((await process.communicate())[1].decode())


async def refusal(data_dir: Path, **environ: str) -> tuple[int | None, list[str]]:
    """Run the runner to its end; return its exit code and its complaints."""
    async with launched(data_dir, **environ) as process, asyncio.timeout(START_S):
        _, errors = await process.communicate()
        return process.returncode, errors.decode().splitlines()


def descendants(ancestor: int) -> dict[int, str]:
    """Return the roles of the processes that it started, and of what those did."""
    return {pid: role_of(pid) for pid in processes_of(ancestor)}


def role_of(pid: int) -> str:
    """Return what a process is of ours, empty if it has ended."""
    line = command_of(pid)
    return next((role for words, role in ROLES.items() if words in line), line)


def pid_of(role: str, ancestor: int) -> int:
    (found,) = [pid for pid, its in descendants(ancestor).items() if its == role]
    return found


def arrivals(url: str, wanted: set[str]) -> set[str]:
    """Follow the station until each of the channels has brought an item."""
    seen: set[str] = set()
    for event in Feed(url).events("radiomeridian", backlog=500):
        items = event.data.get("items") or [event.data.get("item", {})]
        seen |= {item["channel"] for item in items if "channel" in item}
        if wanted <= seen:
            break
    return seen


async def test_demo_shows_its_page_and_brings_items(tmp_path: Path) -> None:
    """What ingest fetches, and what the station publishes itself."""
    wanted = {f"radiomeridian.{name}" for name in ("news", "events", "onair")}

    async with running(tmp_path) as (_, url):
        page = await AsyncHTTPClient().fetch(f"{url}/", raise_error=False)
        seen = await asyncio.to_thread(arrivals, url, wanted)

    assert page.code == 200
    assert wanted <= seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_everything_within_ten_seconds(
    tmp_path: Path, number: signal.Signals
) -> None:
    """The runner, its three programs, and what those started."""
    async with running(tmp_path) as (runner, _):
        programs = descendants(runner.pid)

        runner.send_signal(number)
        async with asyncio.timeout(STOP_S):
            _, errors = await runner.communicate()

        assert {"service", "station", "ingest", "mongod"} <= set(programs.values())
        assert (runner.returncode, errors) == (0, b"")
        assert not any(map(role_of, programs))


async def test_kill_of_the_runner_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel tells its programs, and the service stops its mongod."""
    async with running(tmp_path) as (runner, _):
        programs = descendants(runner.pid)

        runner.kill()

        await ended(programs, STOP_S)


async def test_start_after_a_kill_of_the_service_takes_its_mongod_over(
    tmp_path: Path,
) -> None:
    """The runner ends and says why; its next start has everything again."""
    async with running(tmp_path) as (runner, _):
        mongod = pid_of("mongod", runner.pid)
        os.kill(pid_of("service", runner.pid), signal.SIGKILL)
        _, errors = await runner.communicate()
        was_left = role_of(mongod) == "mongod"
    async with running(tmp_path) as (again, url):
        seen = await asyncio.to_thread(arrivals, url, {"radiomeridian.news"})
        again.terminate()
        await again.wait()

    assert runner.returncode == 1
    assert "feedsvc: the service ended with code -9" in errors.decode()
    assert was_left
    assert "radiomeridian.news" in seen
    assert not role_of(mongod)


async def test_own_configuration_runs_without_the_demo(tmp_path: Path) -> None:
    """Its sources are read by the ingest; there is no station."""
    config = tmp_path / "own.toml"
    config.write_text(
        '[[source]]\nname = "news"\ntype = "feed"\nchannel = "radio.news"\n'
        'url = "http://127.0.0.1:9/"\nschedule = "every 1h"\n'
    )

    async with running(tmp_path, FEEDSVC_CONFIG=str(config)) as (runner, _):
        programs = descendants(runner.pid)

    assert set(programs.values()) - {"reader"} == {"service", "ingest", "mongod"}


async def test_without_the_demo_it_is_the_service_alone(tmp_path: Path) -> None:
    """The runner becomes the service itself."""
    async with launched(tmp_path, FEEDSVC_DEMO="0") as process:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            first_line = await process.stdout.readline()
        programs = descendants(process.pid)
        own_role = role_of(process.pid)

    assert first_line.startswith(b"feedsvc is ready at http://127.0.0.1:")
    assert (own_role, [*programs.values()]) == ("service", ["mongod"])


async def test_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    """Before a database is started for nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, errors = await refusal(tmp_path, FEEDSVC_PORT=str(port))

    assert code == 1
    assert errors == [
        f"feedsvc: port: {port} of 127.0.0.1 is in use; set FEEDSVC_PORT to a free one"
    ]


async def test_unwritable_data_directory_is_told_in_one_sentence(
    tmp_path: Path,
) -> None:
    """A file in its place is one that root can't write to either."""
    file = tmp_path / "file"
    file.touch()

    code, errors = await refusal(file / "data")

    assert code == 1
    assert errors == [
        f"feedsvc: data_dir: {file}/data cannot be written: Not a directory"
    ]


async def test_unreachable_mongodb_is_told_in_one_sentence(tmp_path: Path) -> None:
    """After a few seconds of trying."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"

    code, errors = await refusal(tmp_path, FEEDSVC_MONGODB_URI=f"mongodb://{nobody}/")

    assert code == 1
    assert len(errors) == 1
    assert nobody in errors[0]


async def test_faults_of_the_configuration_are_told_each_in_one_line(
    tmp_path: Path,
) -> None:
    """Those that the service finds, and those that only the ingest can find."""
    service, ingest = tmp_path / "service.toml", tmp_path / "ingest.toml"
    service.write_text("[server]\nport = true\nspeed = 1\n")
    ingest.write_text('[[source]]\nname = "news"\ntype = "pigeon"\n')

    service_code, service_errors = await refusal(tmp_path, FEEDSVC_CONFIG=str(service))
    ingest_code, ingest_errors = await refusal(tmp_path, FEEDSVC_CONFIG=str(ingest))

    assert (service_code, len(service_errors)) == (1, 2)
    assert ingest_code == 1
    assert any(error.startswith(f"{ingest}:3: source news") for error in ingest_errors)
