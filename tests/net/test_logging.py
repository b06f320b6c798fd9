"""What the running service writes to its log, and what it never writes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from feedsvc.app import Running
from tests.net.clients import Answer
from tests.net.station import SECRET, Station, own_database, post

Line = dict[str, Any]
# A start of the program, on a machine with much else to do.
LONG_S = 60
TEXT, TITLE, ITEM = "whisper-of-the-wind", "title-of-the-tide", "item-of-the-evening"

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Program:
    """The service as a program of its own; its log is read at the end."""

    def __init__(
        self, station: Station, process: asyncio.subprocess.Process, log: Path
    ) -> None:
        self.station = station
        self._process = process
        self._log = log

    async def log(self) -> tuple[str, list[Line]]:
        """Stop the service and return its whole log, as text and line by line."""
        self._process.terminate()
        async with asyncio.timeout(LONG_S):
            await self._process.wait()
        text = self._log.read_text("utf-8")
        return text, [json.loads(line) for line in text.splitlines()]


@asynccontextmanager
async def program(uri: str, data_dir: Path) -> AsyncIterator[Program]:
    """Start the service with all that it can tell."""
    settings = {
        "HOST": "127.0.0.1",
        "PORT": "0",
        "ADMIN_PORT": "0",
        "DATA_DIR": str(data_dir),
        "MONGODB_URI": uri,
        "SECRET": SECRET,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",
        "DRAIN_SECONDS": "0",
    }
    log = data_dir / "log"
    environ = {f"FEEDSVC_{key}": value for key, value in settings.items()}
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "feedsvc", "serve"),
            env={**os.environ, **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
        )
    try:
        async with AsyncExitStack() as stack:
            yield Program(Station(await _where(process, uri), stack), process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _where(process: asyncio.subprocess.Process, uri: str) -> Running:
    assert process.stdout is not None
    async with asyncio.timeout(LONG_S):
        ready = (await process.stdout.readline()).decode()
        metrics = (await process.stdout.readline()).decode()
    port = int(ready.rpartition(":")[2])
    admin_port = int(metrics.rpartition(":")[2].partition("/")[0])
    return Running("127.0.0.1", port, admin_port, uri)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was in the log after everybody had done everything."""

    text: str
    lines: list[Line]
    tokens: list[str]
    named: Answer
    unnamed: Answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def heard(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Heard]:
    """One run for all tests: a start takes its time."""
    data_dir: Path = tmp_path_factory.mktemp("logging")
    async with own_database(mongod_uri) as uri, program(uri, data_dir) as service:
        station = service.station
        named = await station.http.ask(
            "GET", "/healthz", headers={"X-Request-ID": "from-the-proxy-1"}
        )
        unnamed = await station.http.ask("GET", "/no/such/page")
        for _ in range(2):
            live = await station.live()
            await live.ask("subscribe", channel="Not a channel")
            await live.close()
        tokens = await _live_in(station)
        text, lines = await service.log()
        yield Heard(text, lines, tokens, named, unnamed)


async def test_the_log_tells_neither_what_was_said_nor_by_whose_token(
    heard: Heard,
) -> None:
    """Everybody does everything, faults included, at the most talkative level."""
    assert {one["event"] for one in heard.lines} >= {
        "serving",
        "request answered",
        "session opened",
        "session closed",
        "message refused",
        "stopping",
    }
    for said in (TEXT, TITLE, ITEM, SECRET, *heard.tokens):
        assert said not in heard.text


async def test_a_line_names_the_request_that_it_belongs_to(heard: Heard) -> None:
    """By the id that came with it, else by one that the answer has too."""
    answered = {
        one["request"]: one for one in heard.lines if one["event"] == "request answered"
    }

    assert heard.named.headers["X-Request-ID"] == "from-the-proxy-1"
    assert answered["from-the-proxy-1"]["route"] == "/healthz"
    assert answered[heard.unnamed.headers["X-Request-ID"]]["status"] == 404


@pytest.mark.parametrize("number", [1, 2])
async def test_a_line_names_the_session_that_it_belongs_to(
    heard: Heard, number: int
) -> None:
    """The same number in all its lines, and in no others."""
    events = [one["event"] for one in heard.lines if one.get("session") == number]

    assert events == ["session opened", "message refused", "session closed"]


async def _live_in(station: Station) -> list[str]:
    """Use every door, well and badly; return the tokens that were shown."""
    good = station.token(admin=True)
    wrong = f"{good[:-8]}AAAAAAAA"
    note = {**post(ITEM), "title": TITLE, "content_text": TEXT}
    bad = {"id": ITEM, "title": TITLE, "colour": TEXT}
    tokens = [good, wrong, "nonsense-for-a-token"]
    for token in tokens:
        http = station.client(token)
        await http.publish("radio.news", note)
        await http.publish("radio.news", [note, bad])
        await http.put("other", ITEM, note)
        await http.items("radio", types=TEXT, before=TEXT)
        await http.item(ITEM)
        await http.ask("GET", "/feeds/radio.atom", token_=token, title=TITLE)
        await http.ask("POST", f"/{TEXT}", json_body=note, token_=token)
        live = await station.live()
        await live.ask("auth", token=token)
        await live.ask("subscribe", channel="radio")
        for item in (note, bad):
            await live.ask("publish", channel="radio.news", item=item)
        await live.ask("subscribe", channel="radio", oops=TITLE)
        await live.send(f'{{"msg": "{TEXT}"')
        await http.delete(ITEM)
        await live.ask("ping")
        await live.close()
    stream = await station.events(token=good)
    await stream.subscribe("radio")
    await stream.close()
    await _speak_badly(station, good)
    return tokens


async def _speak_badly(station: Station, token: str) -> None:
    """Send what is no HTTP, with the token in it."""
    for head in (
        f"GET /{TEXT} HTTP/1.1\r\nAuthorization {token}\r\n\r\n",
        f"GET /{TEXT} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\x01\r\n\r\n",
        f"POST /{TEXT} HTTP/1.1\r\nHost: x\r\nContent-Length: {token}\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", station.where.port)
        writer.write(head.encode())
        writer.write_eof()
        async with asyncio.timeout(LONG_S):
            await reader.read()
        writer.close()
