"""The small client of the HTTP API, against the real service."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.client import Event, Feed, ServiceError
from tests.net.station import (
    NOON,
    Station,
    ids,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """The service that the client speaks to."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir)) as running,
    ):
        yield await lived_in(running)


@pytest.fixture
def feed(station: Station) -> Feed:
    """A client that may do everything."""
    return Feed(station.url + "/", station.token(admin=True), timeout_s=10.0)


async def test_publishing_tells_what_became_of_an_item(feed: Feed) -> None:
    """One by one or many at once."""
    one = await asyncio.to_thread(feed.publish, "client.news", post("client-1"))
    many = await asyncio.to_thread(
        feed.publish_many, "client.news", [post("client-1"), {"type": "post", "x": 1}]
    )

    assert one == {"id": "client-1", "status": "created", "rev": 1}
    assert many[0]["status"] == "unchanged"
    assert many[1]["error"]["code"] == "bad_message"


async def test_an_item_of_any_id_can_be_removed(station: Station, feed: Feed) -> None:
    """Twice is once."""
    item_id = "https://radio.example/?a=b&c=ü #1"
    await station.publish("client.removed", post(item_id))

    for _ in range(2):
        await asyncio.to_thread(feed.remove, item_id)

    assert (await station.http.item(item_id)).status == 404


async def test_backlogs_are_read_page_by_page(station: Station, feed: Feed) -> None:
    """Of some types, if so asked."""
    published = await station.posts("client.pages", 3)

    def read() -> tuple[list[str], list[str], list[str]]:
        first = feed.backlog("client.pages", 2)
        second = feed.backlog("client.pages", 2, before=first["next"])
        tracks = feed.backlog("client.pages", types=["track", "event"])
        return ids(first["items"]), ids(second["items"]), ids(tracks["items"])

    assert await asyncio.to_thread(read) == (published[:0:-1], published[:1], [])


async def test_the_tree_of_channels_is_read(station: Station, feed: Feed) -> None:
    """With the counts."""
    await station.posts("clientree.news", 2)

    tree = await asyncio.to_thread(feed.channels)

    [found] = [one for one in tree if one["channel"] == "clientree"]
    assert (found["items"], found["total"]) == (0, 2)


async def test_events_come_as_they_happen_and_can_be_resumed(
    station: Station, feed: Feed
) -> None:
    """Each with the cursor to go on from."""
    await station.posts("client.live", 2)
    subscribed = threading.Event()

    def follow() -> list[Event]:
        stream = feed.events("client.live", backlog=1)
        heard = [next(stream)]
        subscribed.set()
        heard += [next(stream)]
        stream.close()
        return heard

    following = asyncio.create_task(asyncio.to_thread(follow))
    await asyncio.to_thread(subscribed.wait, 10.0)
    await station.publisher.publish("client.live", post("client-live", NOON))
    first, second = await following
    await station.publish("client.live", post("client-later"))
    again = await asyncio.to_thread(_first, feed, second.cursor)

    assert (first.kind, len(first.data["items"])) == ("subscribed", 1)
    assert (second.kind, second.data["item"]["id"]) == ("item", "client-live")
    assert second.cursor == second.data["cursor"]
    assert again.data["resumed"] is True
    assert ids(again.data["items"]) == ["client-later"]


def _first(feed: Feed, since: str) -> Event:
    stream: Iterator[Event] = feed.events("client.live", since=since)
    return next(stream)


async def test_a_refusal_is_an_error_with_its_status_and_code(station: Station) -> None:
    """And its sentence."""
    stranger = Feed(station.url)

    with pytest.raises(ServiceError) as refused:
        await asyncio.to_thread(stranger.publish, "client.news", post())

    error = refused.value
    assert (error.status, error.error_code) == (401, "unauthorized")
    assert str(error) == "a bearer token is needed to publish (unauthorized)"


async def test_what_is_no_service_is_an_error_too() -> None:
    """An address that nobody answers, and one that is none."""
    with pytest.raises(
        ServiceError, match=r"no answer from http://127.0.0.1:9"
    ) as none:
        await asyncio.to_thread(Feed("http://127.0.0.1:9").channels)
    with pytest.raises(ServiceError, match="url: must be http or https: file:"):
        Feed("file:///etc/passwd")

    assert (none.value.status, none.value.error_code) == (0, "unreachable")


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    """In the middle of its body, as when a service is killed."""

    async def break_off(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        feed = Feed(f"http://127.0.0.1:{port}")
        with pytest.raises(ServiceError, match="IncompleteRead"):
            await asyncio.to_thread(feed.channels)


async def test_an_answer_of_something_else_is_told_by_its_status() -> None:
    """A balancer's error page, for example."""

    async def refuse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServiceError, match="the answer was status 502"):
            await asyncio.to_thread(Feed(f"http://127.0.0.1:{port}").channels)


async def test_a_call_is_made_again_when_the_service_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the time it asked for, under the same id, and not for ever."""
    busy = _Busy()
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    threading.Thread(target=busy.server.serve_forever, daemon=True).start()
    try:
        feed = Feed(busy.url)
        found = await asyncio.to_thread(feed.publish, "radio", {"type": "post"})
        with pytest.raises(ServiceError) as refused:
            await asyncio.to_thread(Feed(busy.url, retries=1).remove, "busy for ever")
    finally:
        busy.server.shutdown()
        busy.server.server_close()

    assert found == {"id": "made", "status": "created", "rev": 1}
    assert pauses == [7.0, 1.0, 7.0]
    assert len({json.loads(body)["id"] for body in busy.bodies}) == 1
    assert (refused.value.status, refused.value.retry_after_s) == (429, 7.0)


class _Busy:
    """A server that takes the third request, and no removal."""

    def __init__(self) -> None:
        busy = self
        self.bodies: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                busy.bodies.append(self.rfile.read(length))
                if len(busy.bodies) < 3:
                    asked = {"Retry-After": "7"} if len(busy.bodies) == 1 else {}
                    self.reply(503, b"", asked)
                else:
                    self.reply(201, b'{"id":"made","status":"created","rev":1}', {})

            def do_DELETE(self) -> None:
                error = b'{"error":{"code":"rate_limited","text":"too many"}}'
                self.reply(429, error, {"Retry-After": "7"})

            def reply(self, status: int, body: bytes, given: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**given, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
