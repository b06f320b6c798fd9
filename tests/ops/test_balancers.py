"""nginx and HAProxy before three workers, with the very files of ``ops/deploy``."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from tornado.httpclient import AsyncHTTPClient
from websockets.exceptions import InvalidStatus

from feedsvc.net.tokens import Tokens
from ops.deploy.stage import (
    BALANCERS,
    LAYOUTS,
    SECRET,
    Front,
    Worker,
    running_balancer,
    running_workers,
)
from tests.net.clients import RawSocket
from tests.net.station import own_database

PATIENCE_S = 30.0
# Of one address on one worker; the tests' own one is not counted.
SESSIONS_PER_ADDRESS = 3

pytestmark = [pytest.mark.mongo, pytest.mark.asyncio(loop_scope="module")]

_numbers = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Worker]]:
    """Three workers for all balancers and layouts."""
    folder: Path = tmp_path_factory.mktemp("workers")
    async with (
        own_database(mongod_uri) as uri,
        running_workers(
            uri,
            folder,
            FEEDSVC_DRAIN_SECONDS="0",
            FEEDSVC_SESSIONS_PER_ADDRESS=str(SESSIONS_PER_ADDRESS),
        ) as found,
    ):
        yield found


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=product(BALANCERS, LAYOUTS),
    ids="-".join,
)
async def front(
    request: pytest.FixtureRequest,
    workers: list[Worker],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Front]:
    """A balancer with the files of one layout before the workers."""
    balancer, layout = request.param
    folder: Path = tmp_path_factory.mktemp(balancer)
    ports = [worker.port for worker in workers]
    async with running_balancer(balancer, layout, ports, folder) as found:
        yield found


@pytest.fixture
def channel() -> str:
    return f"radio{next(_numbers)}"


def publisher() -> dict[str, str]:
    """Return the header of who may publish anywhere."""
    lifetime, now = timedelta(hours=1), datetime.now(UTC)
    token = Tokens(SECRET).issue("tests", admin=True, lifetime=lifetime, now=now)
    return {"Authorization": f"Bearer {token}"}


async def publish(front: Front, channel: str, text: str) -> None:
    """Publish through the balancer."""
    body = json.dumps({"type": "post", "content_text": text}).encode()
    path = f"/api/channels/{channel}/items"
    answer = await front.ask("POST", path, body, publisher())
    assert answer.code == 201, answer.body


async def open_socket(front: Front, **options: Any) -> RawSocket:
    return await RawSocket.open(front.url, **front.connection, **options)


class Stream:
    """An answer that is read while it goes on."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.received = b""

    @classmethod
    async def open(cls, front: Front, method: str, path: str) -> Stream:
        streams = await asyncio.open_connection(
            "127.0.0.1", front.port, ssl=front.context, server_hostname=front.host
        )
        head = f"{method} {front.path}{path} HTTP/1.1\r\nHost: {front.host}\r\n"
        length = "Content-Length: 0\r\n" if method == "POST" else ""
        streams[1].write(f"{head}{length}\r\n".encode())
        return cls(*streams)

    async def until(self, text: str) -> None:
        """Read until the text has come, with all that came before it."""
        async with asyncio.timeout(PATIENCE_S):
            while text.encode() not in self.received:
                chunk = await self._reader.read(65_536)
                assert chunk, self.received
                self.received += chunk

    def close(self) -> None:
        self._writer.close()


async def tell(front: Front, session: str, **message: Any) -> int:
    """Send a message of a session without WebSocket; return the answer's status."""
    body = json.dumps([json.dumps(message)]).encode()
    return (await front.ask("POST", f"/live/0/{session}/xhr_send", body)).code


async def opened_by(worker: Worker) -> int:
    """Return how many polling sessions the worker has opened, by its metrics."""
    answer = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{worker.admin_port}/metrics"
    )
    pattern = r'^feedsvc_live_opened_total\{transport="xhr[^"]*"\} (\S+)$'
    return sum(int(float(n)) for n in re.findall(pattern, answer.body.decode(), re.M))


async def test_a_websocket_gets_through(front: Front, channel: str) -> None:
    """What is published through the balancer comes out of it live."""
    reader = await open_socket(front)
    await reader.subscribe(channel)

    await publish(front, channel, "through")

    [item] = await reader.next_items(1)
    assert item["content_text"] == "through"
    await reader.close()


@pytest.mark.parametrize(
    ("method", "transport"), [("POST", "xhr_streaming"), ("GET", "eventsource")]
)
async def test_a_stream_is_not_held_back(
    front: Front, channel: str, method: str, transport: str
) -> None:
    """Each frame comes while the answer goes on; sending finds the session."""
    session = f"stream{next(_numbers)}"
    stream = await Stream.open(front, method, f"/live/0/{session}/{transport}")
    await stream.until("o\r\n" if transport == "eventsource" else "o\n")

    subscribed = await tell(front, session, msg="subscribe", id=1, channel=channel)
    await stream.until("subscribed")
    await publish(front, channel, "streamed")
    await stream.until("streamed")

    assert subscribed == 204
    stream.close()


async def test_server_sent_events_are_not_held_back(front: Front, channel: str) -> None:
    """The first event comes without an item, and the item by itself."""
    stream = await Stream.open(front, "GET", f"/api/channels/{channel}/events")
    await stream.until("event: subscribed")

    await publish(front, channel, "an event")

    await stream.until("an event")
    stream.close()


async def test_a_polling_session_stays_on_its_worker(
    front: Front, workers: list[Worker], channel: str
) -> None:
    """Sixteen of them, each with four requests, find theirs; they are on several."""
    sessions = [f"poll{next(_numbers)}" for _ in range(16)]
    before = [await opened_by(worker) for worker in workers]
    frames = []

    for session in sessions:
        poll = f"/live/0/{session}/xhr"
        opened = await front.ask("POST", poll, b"")
        sent = await tell(front, session, msg="subscribe", id=1, channel=channel)
        polled = await front.ask("POST", poll, b"")
        frames.append((opened.body, sent, polled.body[:1]))

    assert frames == [(b"o\n", 204, b"a")] * len(sessions)
    after = [await opened_by(worker) for worker in workers]
    assert sum(now > was for now, was in zip(after, before, strict=True)) > 1
    assert sum(after) - sum(before) == len(sessions)


async def test_a_client_cannot_pretend_to_be_another(front: Front) -> None:
    """What it says of itself counts for nothing, what proxies say of it does."""
    most = SESSIONS_PER_ADDRESS * 3
    refusals, readers = [], []
    for number in range(most + 1):
        claim = f"198.51.100.{number}, 203.0.113.9"
        headers = {"X-Forwarded-For": claim}
        try:
            readers.append(await open_socket(front, additional_headers=headers))
        except InvalidStatus as error:
            refusals.append(error.response.status_code)

    assert refusals
    assert set(refusals) == {429}
    for reader in readers:
        await reader.close()


async def test_addresses_are_those_that_clients_know(
    front: Front, channel: str
) -> None:
    """With https, whatever a client claims, and the host and port that it asked."""
    await publish(front, channel, "for feeds")

    claim = {"X-Forwarded-Proto": "gopher"}
    answer = await front.ask("GET", f"/feeds/{channel}.json", headers=claim)

    assert answer.code == 200
    assert json.loads(answer.body)["feed_url"].startswith(front.origin)


async def test_an_id_with_a_slash_gets_through(front: Front, channel: str) -> None:
    """The address is handed on as it was sent."""
    name = f"https://radio.example/{channel}?a=b c"
    path = quote(name, safe="")
    body = json.dumps({"type": "post", "content_text": "odd"}).encode()

    put = await front.ask(
        "PUT", f"/api/channels/{channel}/items/{path}", body, publisher()
    )
    got = await front.ask("GET", f"/api/items/{path}")

    assert (put.code, got.code) == (201, 200)
    assert json.loads(got.body)["id"] == name


async def test_a_long_list_gets_through(front: Front, channel: str) -> None:
    """Two megabytes at once, more than a balancer takes unasked."""
    one = {"type": "post", "content_text": "x" * 100_000}
    body = json.dumps([one] * 20).encode()

    answer = await front.ask(
        "POST", f"/api/channels/{channel}/items", body, publisher()
    )

    assert answer.code == 200
    assert len(json.loads(answer.body)["results"]) == 20


async def test_a_worker_that_ends_is_not_missed(
    workers: list[Worker], tmp_path: Path
) -> None:
    """While one of three is down, nobody who comes anew is refused."""
    ports = [worker.port for worker in workers]
    async with AsyncExitStack() as stack:
        fronts = [
            await stack.enter_async_context(
                running_balancer(balancer, "subdomain", ports, tmp_path)
            )
            for balancer in BALANCERS
        ]
        await workers[0].stop()
        stack.push_async_callback(workers[0].ready)
        stack.push_async_callback(workers[0].start)

        for front in fronts:
            for _ in range(12):
                reader = await open_socket(front)
                assert (await reader.ask("ping"))["msg"] == "pong"
                await reader.close()
                assert (await front.ask("GET", "/live/info")).code == 200
