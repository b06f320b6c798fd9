"""The public listener when the process has nearly no files left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections import Counter
from collections.abc import Iterator

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from feedsvc.net.server import RESERVED_FILES, UNREAD_S, PublicServer
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
    cut: Counter[str] = Counter()
    server = PublicServer(Application(), cut=cut)
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
    assert lines[0].startswith("connections cut count=1 cause=ulimit -n is ")
    assert cut == {"files": 2}
    for writer in (first.writer, *writers):
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await until(lambda: not server._connections)
    assert (await client.get("/")).status == 404
    server.stop()
    await server.close_all_connections()


class Large(RequestHandler):
    """Answers with more than the kernel takes."""

    def get(self) -> None:
        self.write(b"x" * 16_000_000)


async def test_who_does_not_read_an_answer_is_cut() -> None:
    """After a minute, so its rest does not stay in memory; who reads gets all."""
    now = [0.0]
    cut: Counter[str] = Counter()
    site = Application([("/large", Large)])
    server = PublicServer(site, cut=cut, clock=lambda: now[0])
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    client = Client(sockets[0].getsockname()[1])
    deaf = await client.stream("GET", "/large")
    await until(lambda: any(stream.writing() for stream in server._streams))

    for now[0] in (0.0, UNREAD_S / 2, UNREAD_S - 1):
        server.sweep()
    assert not cut
    assert len((await client.get("/large")).body) == 16_000_000
    now[0] = UNREAD_S
    server.sweep()

    assert cut == {"unread": 1}
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await deaf.reader.readexactly(16_000_000)
    deaf.writer.close()
    server.stop()
    await server.close_all_connections()
