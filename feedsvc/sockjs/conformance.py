"""The services that the community's conformance tests expect, on one port.

``python -m feedsvc.sockjs.conformance --port 8081``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from dataclasses import replace

from tornado.httpserver import HTTPServer
from tornado.web import Application

from feedsvc.sockjs.connection import ConnectionInfo, SockJSConnection
from feedsvc.sockjs.group import Group
from feedsvc.sockjs.router import SockJSRouter
from feedsvc.sockjs.session import SockJSSession
from feedsvc.sockjs.settings import Settings
from feedsvc.sockjs.wire import Batch

log = logging.getLogger("feedsvc.sockjs.conformance")

# Tests send whatever they like as fast as they can.
SETTINGS = Settings(
    htmlfile=True,
    jsonp=True,
    iframe=True,
    max_messages_per_s=0,
    max_polls_per_s=0,
)


class Echo(SockJSConnection):
    """Sends back what comes."""

    __slots__ = ()

    def on_message(self, message: str) -> None:
        self.send(message)


class Close(SockJSConnection):
    """Closes at once."""

    __slots__ = ()

    def on_open(self, info: ConnectionInfo) -> None:
        self.close(3000, "Go away!")


class Amplify(SockJSConnection):
    """Answers the number n with 2 to the n bytes, n at most 19."""

    __slots__ = ()

    def on_message(self, message: str) -> None:
        try:
            exponent = int(message)
        except ValueError:
            exponent = 1
        self.send("x" * 2 ** (exponent if 0 <= exponent <= 19 else 1))


class Broadcast(SockJSConnection):
    """Sends what comes to everybody in the group."""

    __slots__ = ("_group",)

    def __init__(self, session: SockJSSession, group: Group) -> None:
        super().__init__(session)
        self._group = group

    def on_open(self, info: ConnectionInfo) -> None:
        self._group.add(self)

    def on_message(self, message: str) -> None:
        self._group.send(Batch((message,)))


def make_routers(settings: Settings = SETTINGS) -> list[SockJSRouter]:
    """Return the services that the tests know."""
    everybody = Group()
    return [
        SockJSRouter(Echo, "/echo", settings, {"response_limit": 4096}),
        SockJSRouter(Echo, "/disabled_websocket_echo", settings, {"websocket": False}),
        SockJSRouter(Echo, "/cookie_needed_echo", settings, {"jsessionid": True}),
        SockJSRouter(Close, "/close", settings),
        SockJSRouter(Amplify, "/amplify", settings),
        SockJSRouter(
            lambda session: Broadcast(session, everybody), "/broadcast", settings
        ),
    ]


async def serve(port: int, settings: Settings) -> None:
    """Serve until the process is told to stop."""
    routers = make_routers(settings)
    rules = [rule for router in routers for rule in router.urls]
    server = HTTPServer(Application(rules))
    server.listen(port, "127.0.0.1")
    log.info("serving port=%d", port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # not on Windows
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.stop()
    for router in routers:
        await router.stop()
    await server.close_all_connections()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m feedsvc.sockjs.conformance")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--sockjs-url", default=SETTINGS.sockjs_url)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    settings = replace(SETTINGS, sockjs_url=options.sockjs_url)
    asyncio.run(serve(options.port, settings))


if __name__ == "__main__":
    main()
