"""Nothing that one client sends keeps another from its messages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from feedsvc.sockjs.conformance import make_routers
from tests.sockjs.support import TEST_SETTINGS, Client, Socket, masked, upgrade_headers

BASES = ["/echo", "/disabled_websocket_echo", "/cookie_needed_echo", "/close"]
NAMES = [
    *("xhr", "xhr_streaming", "xhr_send", "eventsource", "htmlfile", "jsonp"),
    *("jsonp_send", "websocket", "info", "iframe.html", "iframe-1.html", "", "nothing"),
]
METHODS = ["GET", "POST", "OPTIONS", "PUT", "HEAD", "DELETE", "PATCH", "BREW"]
token = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
paths = st.one_of(
    st.builds("{}/{}".format, st.sampled_from(BASES), st.sampled_from(NAMES)),
    st.builds(
        "{}/{}/{}/{}{}".format,
        st.sampled_from(BASES),
        token,
        token,
        st.sampled_from(NAMES),
        st.sampled_from(["", "?c=x", "?c=%00", "?callback=a&callback", "?&=&%%%"]),
    ),
    st.builds("/{}".format, token),
)
headers = st.dictionaries(
    st.sampled_from(
        [
            *("Origin", "Cookie", "Content-Type", "If-None-Match", "Connection"),
            *("Access-Control-Request-Headers", "Upgrade", "Expect"),
            *("Sec-WebSocket-Version", "Sec-WebSocket-Key"),
            *("Transfer-Encoding", "Content-Encoding"),
        ]
    ),
    st.one_of(
        st.sampled_from(["null", "upgrade", "websocket", "chunked", "gzip", "13", "*"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
    ),
    max_size=5,
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b'["a"]', b"[]", b"d=%5B%5D", b"5\r\nhallo"]),
)


class World:
    """A server, and a bystander whose echo has to work after every attack."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self.errors: list[dict[str, object]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        # The bystander answers no pings.
        self.routers = make_routers(replace(TEST_SETTINGS, heartbeat_delay=3600.0))
        rules = [rule for router in self.routers for rule in router.urls]
        self.server = HTTPServer(Application(rules))
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.client = Client(sockets[0].getsockname()[1])
        self.bystander: Socket = await self.client.websocket("/echo/b/b/websocket")
        assert await self.bystander.receive() == "o"

    async def attack(self, data: bytes) -> None:
        """Send the bytes, take what comes back at once, and go away."""
        sock = socket.create_connection(("127.0.0.1", self.client.port))
        sock.setblocking(False)
        with sock, contextlib.suppress(ConnectionError, TimeoutError):
            await self.loop.sock_sendall(sock, data)
            async with asyncio.timeout(0.01):
                while await self.loop.sock_recv(sock, 65536):
                    pass

    async def is_well(self) -> bool:
        """Say whether the bystander gets its echo, and nothing was swallowed."""
        self.bystander.messages("alive")
        return await self.bystander.receive() == 'a["alive"]' and not self.errors

    async def stop(self) -> None:
        self.server.stop()
        for router in self.routers:
            assert router.stats()["errors"] == 0
            await router.stop()
        await self.server.close_all_connections()
        await self.bystander.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One server for all attacks."""
    world = World()
    yield world
    world.loop.run_until_complete(world.stop())
    world.loop.close()


def assert_survives(
    world: World, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    world.loop.run_until_complete(world.attack(data))
    assert world.loop.run_until_complete(world.is_well())
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


patient = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@patient
@given(st.sampled_from(METHODS), paths, headers, bodies, st.sampled_from("01"))
def test_no_request_harms_another_client(
    world: World,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    minor: str,
) -> None:
    """Any method, path, header and body."""
    fields = {"Host": "x", "Content-Length": str(len(body))} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    request = f"{method} {path} HTTP/1.{minor}\r\n{head}\r\n".encode("latin-1")

    assert_survives(world, request + body, caplog)


frames = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda opcode, payload, final: masked(opcode, payload, final=final),
        st.integers(0, 15),
        st.one_of(st.binary(max_size=150), st.sampled_from([b'["a"]', b'"a"', b"[1]"])),
        st.booleans(),
    ),
)


@patient
@given(
    st.sampled_from(["/echo/websocket", "/echo/a/a/websocket", "/close/websocket"]),
    st.lists(frames, max_size=8),
)
def test_no_frame_harms_another_client(
    world: World, caplog: pytest.LogCaptureFixture, path: str, frames: list[bytes]
) -> None:
    """Whatever comes after the handshake."""
    head = "".join(f"{name}: {value}\r\n" for name, value in upgrade_headers().items())
    request = f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()

    assert_survives(world, request + b"".join(frames), caplog)
