"""The examples do what their first lines say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from examples.broker import app as broker
from examples.chat import app as chat
from feedsvc.sockjs import SockJSRouter
from tests.sockjs.support import Client, Socket


@contextlib.asynccontextmanager
async def running(app: Application, router: SockJSRouter) -> AsyncIterator[Client]:
    server = HTTPServer(app)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    client = Client(sockets[0].getsockname()[1])
    yield client
    server.stop()
    await router.stop()
    await server.close_all_connections()
    for stream in client.open_streams:
        await stream.close()


async def connect(client: Client, prefix: str) -> Socket:
    ws = await client.websocket(f"{prefix}/s/one/websocket")
    assert await ws.receive() == "o"
    return ws


async def test_everybody_in_the_chat_hears_everybody() -> None:
    """Comings, words and goings."""
    async with running(*chat.make_app()) as client:
        page = await client.get("/")
        first = await connect(client, "/chat")
        assert await first.receive() == 'a["Somebody came in: 1 here."]'
        second = await connect(client, "/chat")
        await first.receive()
        await second.receive()
        first.messages("Hello")

        assert b"<h1>Chat</h1>" in page.body
        assert await first.receive() == 'a["Hello"]'
        assert await second.receive() == 'a["Hello"]'
        await second.close()
        assert await first.receive() == 'a["Somebody left: 1 here."]'


async def test_the_chat_s_page_asks_nobody_else() -> None:
    """It brings the client that it names."""
    async with running(*chat.make_app()) as client:
        page = (await client.get("/")).body.decode()
        [script] = re.findall(r'src="([^"]+)"', page)
        found = await client.get(script)

        assert "://" not in page
        assert found.status == 200
        assert b"SockJS" in found.body


async def test_broker_pushes_what_programs_publish() -> None:
    """To those who subscribed, and to nobody else."""
    async with running(*broker.make_app("secret")) as client:
        reader, other = (
            await connect(client, "/broker"),
            await connect(client, "/broker"),
        )
        reader.messages('{"subscribe": "news"}')
        other.messages('{"subscribe": "sport"}')
        publish = {"Authorization": "Bearer secret"}
        sent = 0
        while not sent:
            answer = await client.post("/publish/news", "Grüße", **publish)
            sent = json.loads(answer.body)["sent"]
        text = json.loads((await reader.receive())[1:])[0]

        assert json.loads(text) == {"channel": "news", "text": "Grüße"}
        reader.messages('{"unsubscribe": "news"}')
        while sent:
            answer = await client.post("/publish/news", "x", **publish)
            sent = json.loads(answer.body)["sent"]
        await client.post("/publish/sport", "goal", **publish)
        assert "goal" in await other.receive()


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer", "Bearer Ü"])
async def test_broker_wants_its_token(header: str) -> None:
    """Publishing is not for everybody."""
    async with running(*broker.make_app("secret")) as client:
        answer = await client.post("/publish/news", "x", Authorization=header)

    assert answer.status == 401


@pytest.mark.parametrize(
    "message",
    [
        *("x", "[]", "{}", '{"subscribe": 1}', '{"subscribe": "A!"}', "[" * 50_000),
        *('{"subscribe": ""}', '{"unsubscribe": "news"}', '{"publish": "news"}'),
    ],
)
async def test_broker_answers_a_bad_request(message: str) -> None:
    """And the connection goes on."""
    async with running(*broker.make_app("secret")) as client:
        ws = await connect(client, "/broker")
        ws.messages(message)

        assert "error" in await ws.receive()


async def test_broker_forgets_channels_and_bounds_subscriptions() -> None:
    """A client cannot fill the memory with names."""
    table = broker.Broker()
    router = SockJSRouter(lambda s: broker.Subscriber(s, table), "/broker")
    async with running(Application(list(router.urls)), router) as client:
        ws = await connect(client, "/broker")
        for number in range(broker.MAX_SUBSCRIPTIONS + 1):
            ws.messages(json.dumps({"subscribe": f"c{number}"}))
        assert "error" in await ws.receive()
        full = len(table)
        await ws.close()
        async with asyncio.timeout(10):
            while len(table):  # noqa: ASYNC110 - the server hears it when it does
                await asyncio.sleep(0.01)

    assert full == broker.MAX_SUBSCRIPTIONS


@pytest.mark.parametrize(
    "command", [["examples.chat"], ["examples.broker", "--token", "x"]]
)
async def test_example_starts_with_one_command(command: list[str]) -> None:
    """It says where it is, and stops when interrupted."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-m",
        *command,
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()

    assert line.startswith(b"http://127.0.0.1:")
    assert (rest, process.returncode) == (b"stopped\n", 0)
