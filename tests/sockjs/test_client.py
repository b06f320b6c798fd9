"""The real browser client, in Node and in a real browser, each transport forced."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from feedsvc.sockjs.conformance import make_routers
from tests.sockjs.chromium import Page, chromium
from tests.sockjs.support import TEST_SETTINGS, until

HERE = Path(__file__).parent
SCRIPT = HERE / "node_modules" / "sockjs-client" / "dist" / "sockjs.min.js"
IN_NODE = ["websocket", "xhr-streaming", "xhr-polling"]
ANYWHERE = [
    *("websocket", "xhr-streaming", "xhr-polling", "eventsource", "jsonp-polling"),
    *("iframe-eventsource", "iframe-htmlfile", "iframe-xhr-polling"),
]
# The client offers htmlfile to pages of its own origin only.
TRANSPORTS = [("same", name) for name in (*ANYWHERE, "htmlfile")]
TRANSPORTS += [("cross", name) for name in ANYWHERE]

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>SockJS</title>
<script src="/sockjs.js"></script><script src="/echoes.js"></script>"""


class PageHandler(RequestHandler):
    def get(self) -> None:
        self.write(PAGE)


class ScriptHandler(RequestHandler):
    def initialize(self, path: Path) -> None:
        self._path = path

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.write(self._path.read_text(encoding="utf-8"))


class Site:
    """The services, and pages on two origins that use them."""

    def __init__(self) -> None:
        assert SCRIPT.exists(), f"run `npm install` in {HERE}"
        self.routers = make_routers(TEST_SETTINGS)
        rules: list[Any] = [
            ("/page", PageHandler),
            ("/sockjs.js", ScriptHandler, {"path": SCRIPT}),
            ("/echoes.js", ScriptHandler, {"path": HERE / "echoes.js"}),
        ]
        rules += [rule for router in self.routers for rule in router.urls]
        self._server = HTTPServer(Application(rules))
        sockets = bind_sockets(0, "127.0.0.1") + bind_sockets(0, "127.0.0.1")
        self._server.add_sockets(sockets)
        ports = [sock.getsockname()[1] for sock in sockets]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.pages = {
            "same": f"{self.url}/page",
            "cross": f"http://127.0.0.1:{ports[1]}/page",
        }

    @property
    def open_sessions(self) -> int:
        return sum(sum(r.stats()["sessions"].values()) for r in self.routers)

    async def stop(self) -> None:
        self._server.stop()
        for router in self.routers:
            await router.stop()
        await self._server.close_all_connections()


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    """A site of its own for each test."""
    site = Site()
    yield site
    await site.stop()


async def in_node(task: str, url: str, transport: str) -> dict[str, Any]:
    """Run the client in Node and return its report."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "echoes.js"),
        task,
        url,
        transport,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    report: dict[str, Any] = json.loads(output)
    return report


def assert_echoed(report: dict[str, Any], transport: str) -> None:
    assert report.pop("received") == 35, report
    assert report == {
        "transport": transport,
        "wrong": [],
        "code": 4000,
        "reason": "done",
    }


@pytest.mark.parametrize("transport", IN_NODE)
async def test_client_in_node_gets_its_echoes(site: Site, transport: str) -> None:
    """Awkward texts across the end of a stream; the client closes."""
    report = await in_node("echo", f"{site.url}/echo", transport)

    assert_echoed(report, transport)
    await until(lambda: not site.open_sessions)


@pytest.mark.parametrize("transport", IN_NODE)
async def test_client_in_node_is_told_of_the_close(site: Site, transport: str) -> None:
    """The code and the reason of the server."""
    report = await in_node("closed", f"{site.url}/close", transport)

    assert report == {"opened": True, "code": 3000, "reason": "Go away!", "clean": True}


@contextlib.asynccontextmanager
async def opened(site: Site, origin: str) -> AsyncIterator[Page]:
    async with asyncio.timeout(110), chromium() as page:
        await page.load(site.pages[origin])
        yield page


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("origin", ["same", "cross"])
async def test_each_transport_carries_echoes_in_a_browser(
    site: Site, origin: str
) -> None:
    """From a page of the same and of another origin; the client closes."""
    async with opened(site, origin) as page:
        for where, transport in TRANSPORTS:
            if where != origin:
                continue
            call = f"echoes.echo(SockJS, '{site.url}/echo', '{transport}')"
            report = await page.evaluate(call)
            assert_echoed(report, transport)
    # What a browser keeps open behind a closed session ends with the browser.
    await until(lambda: not site.open_sessions)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("origin", ["same", "cross"])
async def test_each_transport_tells_of_the_close_in_a_browser(
    site: Site, origin: str
) -> None:
    """The server closes: code, reason, and cleanly."""
    async with opened(site, origin) as page:
        for where, transport in TRANSPORTS:
            if where != origin:
                continue
            call = f"echoes.closed(SockJS, '{site.url}/close', '{transport}')"
            report = await page.evaluate(call)
            assert report == {
                "opened": True,
                "code": 3000,
                "reason": "Go away!",
                "clean": True,
            }, transport
