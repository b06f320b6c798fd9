"""The conformance services, and the command that serves them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import pytest

from tests.sockjs.support import Client, Stream, read_head


@pytest.mark.parametrize(
    ("message", "size"), [("0", 1), ("10", 1024), ("19", 524_288), ("20", 2), ("x", 2)]
)
async def test_amplify_answers_a_power_of_two(
    client: Client, message: str, size: int
) -> None:
    """Up to half a megabyte in one frame."""
    await client.post("/amplify/a/one/xhr")
    await client.post("/amplify/a/one/xhr_send", json.dumps([message]))

    answer = await client.post("/amplify/a/one/xhr")

    assert answer.body == b'a["' + b"x" * size + b'"]\n'


async def test_broadcast_reaches_everybody(client: Client) -> None:
    """Whatever the transport."""
    await client.post("/broadcast/a/one/xhr")
    ws = await client.websocket("/broadcast/websocket")
    ws.text("a")

    assert await ws.receive() == "a"
    assert (await client.post("/broadcast/a/one/xhr")).body == b'a["a"]\n'


async def test_command_serves_until_it_is_told_to_stop() -> None:
    """On the port that it is given, with the client's script it is given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "feedsvc.sockjs.conformance", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        *command, "--sockjs-url", "/x.js", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        line = await process.stderr.readline()
        client = Client(port)
        page = await client.get("/echo/iframe.html")
        stream = await open_stream(port)
        process.send_signal(signal.SIGTERM)
        last = await stream.rest()
        await process.communicate()
        await stream.close()

    assert b"serving port=" in line
    assert b'src="/x.js"' in page.body
    assert last.endswith(b'c[3000,"Go away!"]\n')
    assert process.returncode == 0


async def open_stream(port: int) -> Stream:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /echo/a/a/xhr_streaming HTTP/1.1\r\nHost: x\r\n\r\n")
    return await read_head(reader, writer)
