"""A chat room for everybody who opens the page.

``python -m examples.chat`` and then http://127.0.0.1:8080
"""

from __future__ import annotations

import argparse
import asyncio
from functools import partial
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, StaticFileHandler

from feedsvc.net.pages import web_directory
from feedsvc.sockjs import Batch, ConnectionInfo, Group, SockJSConnection, SockJSRouter
from feedsvc.sockjs.session import SockJSSession

PAGE = Path(__file__).with_name("index.html")


class Guest(SockJSConnection):
    """Says to all what it hears from one."""

    def __init__(self, session: SockJSSession, room: Group) -> None:
        super().__init__(session)
        self.room = room

    def on_open(self, info: ConnectionInfo) -> None:
        self.room.add(self)
        self.room.send(Batch((f"Somebody came in: {len(self.room)} here.",)))

    def on_message(self, message: str) -> None:
        self.room.send(Batch((message[:1000],)))

    def on_close(self) -> None:
        # A closed connection has left its groups by itself.
        self.room.send(Batch((f"Somebody left: {len(self.room)} here.",)))


class PageHandler(RequestHandler):
    """Shows the page."""

    def get(self) -> None:
        self.write(PAGE.read_text(encoding="utf-8"))


def make_app() -> tuple[Application, SockJSRouter]:
    """Return the application, and the router that has to be stopped."""
    files = web_directory()
    if files is None:
        raise SystemExit("The page needs the SockJS client: make web")
    router = SockJSRouter(partial(Guest, room=Group()), "/chat")
    rules = [
        ("/", PageHandler),
        # The client comes from here too: a page tells no third party of its readers.
        (r"/(sockjs\.min\.js)", StaticFileHandler, {"path": str(files)}),
        *router.urls,
    ]
    return Application(rules), router


async def serve(port: int) -> None:
    """Serve until interrupted."""
    app, router = make_app()
    server = HTTPServer(app)
    server.listen(port, "127.0.0.1")
    print(f"http://127.0.0.1:{port}")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await router.stop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m examples.chat")
    parser.add_argument("--port", type=int, default=8080)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
