"""A server on loopback that answers as it is told, also wrongly; raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ingest.exchange import FetchError, Request, Response
from ingest.fetch import Fetcher, Validators
from ingest.hosts import Hosts

Writer = asyncio.StreamWriter

# What a client begins with that wants encryption: there is none here.
TLS = b"\x16"


@dataclass
class Upstream:
    """``answers`` maps a path to the bytes of an answer, or to what writes them."""

    url: str = ""
    host: str = "127.0.0.1"
    answers: dict[str, bytes | Callable[[Writer], Awaitable[None]]] = field(
        default_factory=dict
    )
    requests: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes | str, *headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = answer(200, data, *headers)

    def header(self, name: str, request: int = -1) -> str | None:
        """Return a header of the last request, or of another one."""
        for line in self.requests[request].split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *headers]
    if not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def upstream(host: str = "127.0.0.1") -> AsyncIterator[Upstream]:
    """Serve until left; what is still being answered then is cut off."""
    told = Upstream(host=host)
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        tasks.add(asyncio.current_task())
        try:
            first = await reader.readexactly(1)
            if first == TLS:
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
            told.requests.append(head)
            path = head.split(" ")[1].partition("?")[0]
            given = told.answers.get(path, answer(404))
            if isinstance(given, bytes):
                writer.write(given)
                await writer.drain()
            else:
                await given(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(serve, host, 0)
    told.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield told
    finally:
        server.close()
        pending = [task for task in tasks if task is not None]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def get(
    url: str,
    validators: Validators | None = None,
    *,
    fetcher: Fetcher | None = None,
    timeout_s: float = 5.0,
    **headers: str,
) -> Response:
    """Fetch once, private addresses allowed, and always conditionally."""
    own = fetcher or Fetcher(Hosts(), chance=lambda: 1.0)
    try:
        return await own.get(
            Request(url, headers), validators, allow_private=True, timeout_s=timeout_s
        )
    finally:
        if fetcher is None:
            own.close()


async def failure(url: str, timeout_s: float = 5.0) -> FetchError:
    """Fetch what cannot be fetched, and return the error."""
    try:
        found = await get(url, timeout_s=timeout_s)
    except FetchError as error:
        return error
    raise AssertionError(f"no error but {found.status}")
