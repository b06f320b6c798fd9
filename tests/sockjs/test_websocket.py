"""Framed and raw WebSockets on a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

import pytest
import websockets

from feedsvc.sockjs import SockJSRouter
from feedsvc.sockjs.codec import CLOSE, PING, PONG, TEXT
from tests.sockjs.support import (
    PATIENCE_S,
    Client,
    Recorder,
    masked,
    recorders,
    serving,
    until,
    upgrade_headers,
)

URLS = {"websocket": "/live/s/one/websocket", "websocket-raw": "/live/websocket"}


@pytest.fixture(params=URLS)
def transport(request: pytest.FixtureRequest) -> str:
    """Framed and raw."""
    return str(request.param)


async def test_framed_echo_with_an_independent_client(client: Client) -> None:
    """The open frame first, then array frames."""
    url = f"ws://127.0.0.1:{client.port}/echo/000/one/websocket?x=1"
    async with websockets.connect(url, compression=None) as ws:
        await ws.send('["a","b"]')
        frames = [await ws.recv() for _ in range(3)]

    assert frames == ["o", 'a["a"]', 'a["b"]']


async def test_raw_echo_with_an_independent_client(client: Client) -> None:
    """Messages as they are, long ones too, and no frames around."""
    url = f"ws://127.0.0.1:{client.port}/echo/websocket"
    async with websockets.connect(url, max_size=None) as ws:
        for message in ("a", '["a"]', "ж" * 30_000, "o"):
            await ws.send(message)
            assert await ws.recv() == message


async def test_handshake_has_what_the_rfc_asks(client: Client) -> None:
    """101 with the three headers and without a length."""
    ws = await client.websocket(
        "/echo/s/one/websocket",
        headers={
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )

    assert ws.status == 101
    assert ws.headers == {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    }


async def test_handshake_ends_where_a_read_of_128_bytes_ends(client: Client) -> None:
    """Clients that read so many at a time find no frame in what they have read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    fields = "".join(
        f"{name}: {value}\r\n" for name, value in upgrade_headers().items()
    )
    writer.write(f"GET /close/s/one/websocket HTTP/1.1\r\n{fields}\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readexactly(128)
        writer.close()

    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/echo/s/one/websocket", "/echo/websocket"])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upgrade": ""}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": "close"}, 400),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": ""}, 426),
    ],
)
async def test_bad_handshake_is_refused(
    client: Client, path: str, change: dict[str, str], status: int
) -> None:
    """With 400, or 426 and the version that is spoken."""
    answer = await client.request("GET", path, headers=upgrade_headers() | change)

    assert answer.status == status
    assert (status == 426) == ("sec-websocket-version" in answer.headers)


async def test_upgrade_needs_http_1_1(client: Client) -> None:
    """A 1.0 client may stand behind a proxy that knows no upgrade."""
    stream = await client.stream(
        "GET", "/echo/websocket", headers=upgrade_headers(), version="1.0"
    )

    assert stream.status == 400


async def test_bytes_sent_with_the_handshake_are_not_lost(transport: str) -> None:
    """Tornado has read them already when the socket is taken."""
    made, factory = recorders()
    text = '["early"]' if transport == "websocket" else "early"
    early = masked(TEXT, text.encode()) * 3
    async with serving(SockJSRouter(factory, "/live")) as client:
        ws = await client.websocket(URLS[transport], early[:-4])
        await until(lambda: made[0].events == ["open", "early", "early"])
        ws.send(early[-4:])
        await until(lambda: made[0].events == ["open", *["early"] * 3])


async def test_session_id_in_use_makes_a_session_of_its_own(client: Client) -> None:
    """At the same time and again later, beside an HTTP session too."""
    await client.post("/echo/s/one/xhr")
    first = await client.websocket("/echo/s/one/websocket")
    second = await client.websocket("/echo/s/one/websocket")
    for ws in (first, second):
        ws.messages("a")
        assert [await ws.receive(), await ws.receive()] == ["o", 'a["a"]']
    await first.close()
    again = await client.websocket("/echo/s/one/websocket")

    assert await again.receive() == "o"


async def test_close_inside_open_writes_both_frames(client: Client) -> None:
    """The SockJS close frame, then 1000."""
    ws = await client.websocket("/close/s/one/websocket")

    assert await ws.receive() == "o"
    assert await ws.receive() == 'c[3000,"Go away!"]'
    assert await ws.close_code() == (1000, "")


async def test_raw_close_has_code_and_reason(client: Client) -> None:
    """Those of the application."""
    ws = await client.websocket("/close/websocket")

    assert await ws.close_code() == (3000, "Go away!")


async def test_connection_ends_when_the_peer_has_said_close(transport: str) -> None:
    """The closing handshake from our side."""
    router = SockJSRouter(Recorder, "/live")
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        await router.drain(0)
        while (await ws.frame())[0] != CLOSE:
            pass
        ws.send(masked(CLOSE, (1000).to_bytes(2, "big")))

        assert await ws.is_ended()


async def test_peer_that_never_says_close_is_cut() -> None:
    """After the closing time, and no earlier than the frame is out."""
    router = SockJSRouter(Recorder, "/live", {"close_timeout_s": 0.2})
    async with serving(router) as client:
        ws = await client.websocket(URLS["websocket"])
        await router.drain(0)

        assert await ws.is_ended()


async def test_client_close_is_answered_and_told(transport: str) -> None:
    """With the same code; then the server ends the connection."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            await ws.receive()
        ws.send(masked(CLOSE, (4001).to_bytes(2, "big") + b"bye"))

        assert await ws.close_code() == (4001, "")
        assert await ws.is_ended()
        await until(lambda: made[0].events == ["open", "close"])
        assert router.stats()["closed"] == {4001: 1}


@pytest.mark.parametrize("text", ['["x', "{", "x", "1", "[1]", "{}", '[["a"]]', "null"])
async def test_text_that_is_no_payload_cuts_a_framed_connection(text: str) -> None:
    """The protocol asks for no more than that."""
    made, factory = recorders()
    async with serving(SockJSRouter(factory, "/live")) as client:
        ws = await client.websocket(URLS["websocket"])
        ws.text(text)

        assert await ws.is_ended()
        await until(lambda: made[0].events == ["open", "close"])


async def test_empty_texts_are_ignored(client: Client) -> None:
    """An empty text, an empty array; a single string is a message."""
    ws = await client.websocket("/echo/s/one/websocket")
    for text in ("", "[]", '"a"'):
        ws.text(text)
    raw = await client.websocket("/echo/websocket")
    raw.text("")
    raw.text("a")

    assert [await ws.receive(), await ws.receive()] == ["o", 'a["a"]']
    assert await raw.receive() == "a"


async def test_binary_is_refused(transport: str) -> None:
    """SockJS carries text only: 1003."""
    async with serving(SockJSRouter(Recorder, "/live")) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            await ws.receive()
        ws.send(masked(2, b"x"))

        assert await ws.close_code() == (1003, "text only")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01a", 1002),
        (masked(TEXT, b"\xff"), 1007),
        (b"\x81\xff" + b"\0\1" * 4, 1009),
    ],
)
async def test_violation_is_named_and_cut(
    transport: str, data: bytes, code: int
) -> None:
    """The close code of the RFC; it is logged and counted."""
    router = SockJSRouter(Recorder, "/live")
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            await ws.receive()
        ws.send(data)

        assert (await ws.close_code())[0] == code
        assert await ws.is_ended()
        assert router.stats()["refused"] == {"websocket_violation": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"max_message_bytes": 4}, "ääx"), ({"max_messages_per_s": 2}, None)],
)
async def test_limit_of_messages_closes(
    transport: str, settings: dict[str, int], message: str | None
) -> None:
    """3003: the client is told why."""
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        for text in [message] if message else ["a", "b", "c"]:
            ws.text(json.dumps([text]) if transport == "websocket" else text)
        if transport == "websocket":
            while (frame := await ws.receive())[0] != "c":
                pass
            assert frame == 'c[3003,"over a limit"]'
        else:
            while (frame_ := await ws.frame())[0] != CLOSE:
                pass
            assert frame_[1][:2] == (3003).to_bytes(2, "big")


async def test_ping_is_answered_in_order(transport: str) -> None:
    """With the same data, between messages."""
    async with serving(SockJSRouter(Recorder, "/live")) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            await ws.receive()
        ws.send(masked(PING, b"one") + masked(PING, b""))

        assert [await ws.frame(), await ws.frame()] == [(PONG, b"one"), (PONG, b"")]


async def test_heartbeat_is_a_ping_and_silence_is_death(transport: str) -> None:
    """No answer within the time: 3000, and the application is told."""
    made, factory = recorders()
    settings = {"heartbeat_delay": 0.4, "pong_timeout_s": 0.2, "close_timeout_s": 0.2}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            await ws.receive()
        for _ in range(2):
            assert await ws.frame() == (PING, b"")
            ws.send(masked(PONG, b""))
        assert await ws.frame() == (PING, b"")
        if transport == "websocket":
            assert await ws.receive() == 'c[3000,"No response to ping"]'
        else:
            assert await ws.close_code() == (3000, "No response to ping")

        assert await ws.is_ended()
        assert made[0].events == ["open", "close"]
        assert router.stats()["dead"] == 1


async def test_any_reading_shows_life() -> None:
    """A message is as good as a pong."""
    settings = {"heartbeat_delay": 0.3, "pong_timeout_s": 0.2}
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS["websocket"])
        await ws.receive()
        for _ in range(3):
            assert await ws.frame() == (PING, b"")
            ws.messages("a")
            assert await ws.receive() == 'a["a"]'

        assert router.stats()["dead"] == 0


class Asynchronous(Recorder):
    """Takes its time with each message."""

    async def on_message(self, message: str) -> None:
        await asyncio.sleep(0.001)
        self.events.append(message)
        self.send(message)

    async def on_close(self) -> None:
        await asyncio.sleep(0.001)
        self.events.append("close")


async def test_asynchronous_callbacks_run_in_order(transport: str) -> None:
    """However fast messages come, and the end after the last of them."""
    made, factory = recorders(Asynchronous)
    numbers = [str(number) for number in range(300)]
    async with serving(SockJSRouter(factory, "/live")) as client:
        ws = await client.websocket(URLS[transport])
        for number in numbers:
            ws.text(json.dumps([number]) if transport == "websocket" else number)
        ws.send(masked(CLOSE, b""))
        await until(lambda: made[0].events[-1] == "close")

    assert made[0].events == ["open", *numbers, "close"]


async def test_client_is_not_read_while_the_application_is_behind() -> None:
    """TCP holds it back; our memory stays bounded."""
    go = asyncio.Event()

    class Stuck(Recorder):
        async def on_message(self, message: str) -> None:
            await go.wait()
            self.events.append(message)

    made, factory = recorders(Stuck)
    async with serving(SockJSRouter(factory, "/live")) as client:
        ws = await client.websocket(URLS["websocket-raw"])
        for _ in range(400):
            ws.text("x" * 10_000)
        await until(lambda: made and made[0].session.is_busy)
        for _ in range(20):
            await asyncio.sleep(0.005)
        waiting = made[0].session.waiting
        go.set()
        await until(lambda: len(made[0].events) == 401)

    assert waiting < 10


async def test_refusal_in_open_closes_with_3003(transport: str) -> None:
    """The application says False; it hears no close then."""

    class Refuses(Recorder):
        def on_open(self, info: Any) -> bool:
            self.events.append("open")
            return False

    made, factory = recorders(Refuses)
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        if transport == "websocket":
            assert await ws.receive() == "o"
            assert await ws.receive() == 'c[3003,"refused"]'
        else:
            assert await ws.close_code() == (3003, "refused")

    assert made[0].events == ["open"]
    assert router.stats()["refused"] == {"application": 1}


async def test_refusal_may_take_its_time(transport: str) -> None:
    """Messages wait for the decision, and are dropped by a refusal."""
    decision = asyncio.Event()

    class Decides(Recorder):
        async def on_open(self, info: Any) -> bool:
            await decision.wait()
            return False

    made, factory = recorders(Decides)
    router = SockJSRouter(factory, "/live", {"close_timeout_s": 0.1})
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        ws.text('["a"]')
        await until(lambda: made and made[0].session.is_busy)
        decision.set()

        assert await ws.is_ended()
    assert made[0].events == []


async def test_error_in_the_application_ends_only_its_session(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    """1011; it is logged with its traceback and counted."""

    class Fails(Recorder):
        def on_message(self, message: str) -> None:
            raise KeyError(message)

    router = SockJSRouter(Fails, "/live")
    async with serving(router) as client:
        other = await client.websocket(URLS[transport])
        ws = await client.websocket(URLS[transport])
        ws.text('["a"]')
        if transport == "websocket":
            assert await ws.receive() == "o"
            assert await ws.receive() == 'c[1011,"Internal error"]'
        else:
            assert await ws.close_code() == (1011, "Internal error")
        other.send(masked(PING, b"alive"))
        if transport == "websocket":
            await other.receive()
        assert await other.frame() == (PONG, b"alive")

    assert router.stats()["errors"] == 1
    assert "KeyError" in caplog.text


async def test_reset_is_told_to_the_application(transport: str) -> None:
    """A connection that breaks without a word."""
    made, factory = recorders()
    async with serving(SockJSRouter(factory, "/live")) as client:
        ws = await client.websocket(URLS[transport])
        await until(lambda: made)
        reset(ws.writer.get_extra_info("socket"))
        await ws.close()
        await until(lambda: made[0].events == ["open", "close"])

        made[0].send("nobody")
        made[0].close()
        assert made[0].is_closed


def reset(sock: Any) -> None:
    """Make the coming close a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Sender(Recorder):
    """Sends as many numbered long messages as it is told."""

    def on_message(self, message: str) -> None:
        for number in range(int(message)):
            self.send(f"{number} " + "x" * 10_000)


async def test_what_does_not_fit_follows_in_order(transport: str) -> None:
    """Short writes: every byte comes once, in order."""
    made, factory = recorders(Sender)
    settings = {"max_queued_bytes": 0, "max_queued_messages": 0}
    async with serving(SockJSRouter(factory, "/live", settings)) as client:
        ws = await client.websocket(URLS[transport])
        ws.writer.transport.pause_reading()
        ws.text('["2000"]' if transport == "websocket" else "2000")
        await until(lambda: made and made[0].queued_bytes)
        ws.writer.transport.resume_reading()
        if transport == "websocket":
            await ws.receive()
        for number in range(2000):
            text = await ws.receive()
            text = json.loads(text[1:])[0] if transport == "websocket" else text
            assert text == f"{number} " + "x" * 10_000
        await until(lambda: made[0].session.handle is not None)

        assert made[0].queued_bytes == 0


async def test_client_that_does_not_read_is_closed_as_slow(transport: str) -> None:
    """Our queue is dropped at once; what is on the wire is completed, then 3002."""
    made, factory = recorders(Sender)
    settings = {"max_queued_bytes": 100_000, "close_timeout_s": 10.0}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        ws.writer.transport.pause_reading()
        ws.text('["2000"]' if transport == "websocket" else "2000")
        await until(lambda: made and made[0].is_closed)
        queued = made[0].queued_bytes
        ws.writer.transport.resume_reading()
        code, reason = 0, ""
        while True:
            opcode, payload = await ws.frame()
            if opcode == CLOSE:
                code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
                break
            last = payload.decode()

    assert queued < 11_000
    assert router.stats()["slow"] == 1
    if transport == "websocket":
        assert (last, code) == ('c[3002,"too slow"]', 1000)
    else:
        assert (code, reason) == (3002, "too slow")


async def test_client_that_only_pings_cannot_fill_memory() -> None:
    """Pongs are bounded as messages are."""
    made, factory = recorders()
    settings = {"max_queued_bytes": 50_000, "max_queued_age_s": 0}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS["websocket-raw"])
        ws.writer.transport.pause_reading()
        pings = masked(PING, b"x" * 125) * 1000
        async with asyncio.timeout(PATIENCE_S):
            while not (made and made[0].is_closed):
                ws.send(pings)
                await asyncio.sleep(0.001)

    assert router.stats()["slow"] == 1


async def test_old_queue_is_slow(transport: str) -> None:
    """A message waits no longer than its limit."""
    made, factory = recorders(Sender)
    settings = {"max_queued_age_s": 0.2, "max_queued_bytes": 0, "close_timeout_s": 0.2}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(URLS[transport])
        ws.writer.transport.pause_reading()
        ws.text('["1000"]' if transport == "websocket" else "1000")
        await until(lambda: made and made[0].is_closed)

        assert router.stats()["slow"] == 1


async def test_close_code_of_the_application_is_checked() -> None:
    """Codes that mean something else on the wire are errors."""
    made, factory = recorders()
    async with serving(SockJSRouter(factory, "/live")) as client:
        await client.websocket(URLS["websocket"])
        await until(lambda: made)
        for code in (0, 999, 1001, 1006, 2999, 5000):
            with pytest.raises(ValueError, match="code must be"):
                made[0].close(code)

        assert not made[0].is_closed


async def test_connection_knows_who_opened_it() -> None:
    """What the application may decide by."""
    made, factory = recorders()
    async with serving(SockJSRouter(factory, "/live")) as client:
        await client.websocket(
            URLS["websocket"] + "?a=1&a=2&b=",
            headers={"Origin": "http://page", "Cookie": "x=y", "X-Thing": "z"},
        )
        await until(lambda: made)
        info = made[0].info
        assert info is not None

    assert (info.ip, info.origin, info.transport) == (
        "127.0.0.1",
        "http://page",
        "websocket",
    )
    assert info.path == URLS["websocket"]
    assert dict(info.arguments) == {"a": ["1", "2"], "b": [""]}
    assert (info.get_argument("a"), info.get_argument("c")) == ("2", None)
    assert info.cookies == {"x": "y"}
    assert (info.get_cookie("x"), info.get_cookie("y")) == ("y", None)
    assert info.headers["x-thing"] == "z"
    assert (info.get_header("X-Thing"), info.get_header("X")) == ("z", None)
    with pytest.raises(TypeError):
        info.headers["x-thing"] = "changed"  # type: ignore[index]
