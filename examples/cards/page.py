"""The players' page.

``python -m examples.cards.page`` serves it for the links that game servers print.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

SERVICE = os.environ.get("FEEDSVC_URL", "http://127.0.0.1:8080")


class PageHandler(RequestHandler):
    """Shows the page; whose it is stands behind the ``#``, which no server sees."""

    def get(self) -> None:
        self.render("page.html", service=SERVICE)


async def serve(port: int) -> None:
    """Serve until interrupted."""
    app = Application([("/", PageHandler)], template_path=str(Path(__file__).parent))
    server = HTTPServer(app)
    sockets = bind_sockets(port, "127.0.0.1")
    server.add_sockets(sockets)
    print(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/")
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m examples.cards.page")
    parser.add_argument("--port", type=int, default=5000)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
