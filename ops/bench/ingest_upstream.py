"""A publisher for the ingest benchmark: ``ingest_upstream.py ITEMS``.

Prints the port that it listens on.  ``/feed/N`` is a feed with that many items, and the
same until ``/publish/ITEMS`` is asked for; who has its ETag gets 304.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

NEWEST = datetime(2026, 11, 24, tzinfo=UTC)
TEXT = (
    "The winter festival opens its doors at eight, with Paper Ferries and guests. " * 3
)


class Publisher:
    """All feeds of it have the same number of items and the same version."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.version = 0

    def document(self, name: str) -> bytes:
        entries = "".join(self._entry(name, number) for number in range(self.items))
        return f'<rss version="2.0"><channel>{entries}</channel></rss>'.encode()

    def _entry(self, name: str, number: int) -> str:
        at = NEWEST - timedelta(minutes=number)
        guid = f"{name}/{self.version}/{number}"
        return (
            f"<item><guid>http://press.example/{guid}</guid><title>Item {guid}</title>"
            f"<link>http://press.example/{guid}</link><description>{TEXT}</description>"
            f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        )

    def answer(self, path: str, head: str) -> bytes:
        if path.startswith("/publish/"):
            self.items, self.version = int(path.rpartition("/")[2]), self.version + 1
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        etag = f'"{self.version}"'
        if f"If-None-Match: {etag}" in head:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        body = self.document(path)
        lines = f"HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {len(body)}"
        return f"{lines}\r\n\r\n".encode() + body


async def serve(publisher: Publisher) -> None:
    """Answer on every address of this machine until the process is ended."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(publisher.answer(head.split(" ")[1], head))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=500)  # noqa: S104 - each 127.0.0.0/8 address is a host
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Publisher(int(sys.argv[1]))))
