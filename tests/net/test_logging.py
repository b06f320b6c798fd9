"""What the running service writes to its log, and what it never writes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from feedsvc.app import Running
from tests.net.clients import PATIENCE_S
from tests.net.station import SECRET, Station, own_database, post

Line = dict[str, Any]
TEXT, TITLE, ITEM = "whisper-of-the-wind", "title-of-the-tide", "item-of-the-evening"


class Program:
    """The service as a program of its own; its log is read at the end."""

    def __init__(self, station: Station, process: asyncio.subprocess.Process) -> None:
        self.station = station
        self._process = process

    async def log(self) -> tuple[str, list[Line]]:
        """Stop the service and return its whole log, as text and line by line."""
        self._process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            _, log = await self._process.communicate()
        text = log.decode()
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
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "feedsvc", "serve"),
        env={**os.environ, **{f"FEEDSVC_{key}": one for key, one in settings.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with AsyncExitStack() as stack:
            yield Program(Station(await _where(process, uri), stack), process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _where(process: asyncio.subprocess.Process, uri: str) -> Running:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        ready = (await process.stdout.readline()).decode()
        metrics = (await process.stdout.readline()).decode()
    port = int(ready.rpartition(":")[2])
    admin_port = int(metrics.rpartition(":")[2].partition("/")[0])
    return Running("127.0.0.1", port, admin_port, uri)


async def test_the_log_tells_neither_what_was_said_nor_by_whose_token(
    mongod_uri: str, tmp_path: Path
) -> None:
    """Everybody does everything, faults included, at the most talkative level."""
    async with own_database(mongod_uri) as uri, program(uri, tmp_path) as service:
        station = service.station
        tokens = await _live_in(station)

        text, lines = await service.log()

    assert {one["event"] for one in lines} >= {
        "serving",
        "request answered",
        "session opened",
        "session closed",
        "message refused",
        "stopping",
    }
    for said in (TEXT, TITLE, ITEM, SECRET, *tokens):
        assert said not in text


async def test_lines_name_the_request_and_the_session_that_they_belong_to(
    mongod_uri: str, tmp_path: Path
) -> None:
    """The id is in the answer too; a session has the same number in all its lines."""
    async with own_database(mongod_uri) as uri, program(uri, tmp_path) as service:
        station = service.station
        named = await station.http.ask(
            "GET", "/healthz", headers={"X-Request-ID": "from-the-proxy-1"}
        )
        unnamed = await station.http.ask("GET", "/no/such/page")
        for _ in range(2):
            live = await station.live()
            await live.ask("subscribe", channel="Not a channel")
            await live.close()

        _, lines = await service.log()

    assert named.headers["X-Request-ID"] == "from-the-proxy-1"
    answered = {
        one["request"]: one for one in lines if one["event"] == "request answered"
    }
    assert answered["from-the-proxy-1"]["route"] == "/healthz"
    assert answered[unnamed.headers["X-Request-ID"]]["status"] == 404
    for number in (1, 2):
        events = [one["event"] for one in lines if one.get("session") == number]
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
        async with asyncio.timeout(PATIENCE_S):
            await reader.read()
        writer.close()
