"""The public listener when the process has nearly no files left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from feedsvc.net.server import RESERVED_FILES, PublicServer
from tests.sockjs.support import Client, until

ROOM = 20


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let the process open few files more, beside those that are reserved."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(map(int, os.listdir("/proc/self/fd"))) + ROOM + RESERVED_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def first_line(reader: asyncio.StreamReader) -> bytes:
    """Return the first line of the answer; empty if there is none."""
    with contextlib.suppress(ConnectionError):
        return await reader.readline()
    return b""


@pytest.mark.usefixtures("few_files")
async def test_connections_beyond_the_files_are_turned_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those that are open go on, one line tells of it, and who leaves makes room."""
    server = PublicServer(Application())
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    client = Client(sockets[0].getsockname()[1])
    first = await client.stream("GET", "/")
    await first.read(int(first.headers["content-length"]))
    writers = []
    turned_away = 0
    while turned_away < 2:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writers.append(writer)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        turned_away += not await first_line(reader)

    first.writer.write(b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await first.reader.readline()).startswith(b"HTTP/1.1 404 ")
    lines = [r.getMessage() for r in caplog.records if r.name == "feedsvc.http"]
    assert len(lines) == 1
    assert lines[0].startswith("connections turned away count=1 cause=ulimit -n is ")
    for writer in (first.writer, *writers):
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await until(lambda: not server._connections)
    assert (await client.get("/")).status == 404
    server.stop()
    await server.close_all_connections()
