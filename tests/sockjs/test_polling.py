"""The life of sessions over HTTP, and what each receiving transport writes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from urllib.parse import unquote

import pytest

from feedsvc.sockjs import ConnectionInfo, SockJSRouter
from tests.sockjs.support import (
    PATIENCE_S,
    Client,
    Recorder,
    Stream,
    recorders,
    serving,
    until,
)

ALL_ON = {"htmlfile": True, "jsonp": True}
NOCACHE = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
SCRIPT = "application/javascript; charset=UTF-8"

STREAMS = {
    "xhr_streaming": ("POST", "", SCRIPT),
    "eventsource": ("GET", "", "text/event-stream"),
    "htmlfile": ("GET", "?c=_jp.ab1", "text/html; charset=UTF-8"),
}
POLLS = {
    "xhr": ("POST", "", SCRIPT),
    "jsonp": ("GET", "?c=_jp.ab1", SCRIPT),
}
RECEIVERS = STREAMS | POLLS


def wrapped(transport: str, frame: str) -> bytes:
    """Return the frame as the transport writes it, by the words of its rule."""
    text = json.dumps(frame).replace("</", "<\\/")
    return {
        "xhr": f"{frame}\n",
        "xhr_streaming": f"{frame}\n",
        "eventsource": f"data: {frame.replace('%', '%25')}\r\n\r\n",
        "htmlfile": f"<script>\np({text});\n</script>\r\n",
        "jsonp": f"/**/_jp.ab1({text});\r\n",
    }[transport].encode()


async def receive(client: Client, base: str, transport: str) -> Stream:
    """Send a receive request and read the prelude."""
    method, query, _ = RECEIVERS[transport]
    stream = await client.stream(method, f"{base}/{transport}{query}")
    if transport == "xhr_streaming":
        assert await stream.read(2049) == b"h" * 2048 + b"\n"
    elif transport == "eventsource":
        assert await stream.read(2) == b"\r\n"
    elif transport == "htmlfile":
        head = await stream.until(b"\r\n\r\n")
        assert len(head) > 1024
        assert head.startswith(b"<!doctype html>\n<html><head>\n  <meta ")
        assert b"parent._jp.ab1;\n    c.start();\n    function p(d) {c.mess" in head
    return stream


async def frame(stream: Stream, transport: str, text: str) -> None:
    """Read one frame and compare it."""
    expected = wrapped(transport, text)
    if transport in POLLS:
        assert await stream.read(int(stream.headers["content-length"])) == expected
        await stream.close()
    else:
        assert await stream.read(len(expected)) == expected


@pytest.fixture(params=RECEIVERS)
def transport(request: pytest.FixtureRequest) -> str:
    """Each transport by which frames come over HTTP."""
    return str(request.param)


@pytest.fixture(params=STREAMS)
def streaming(request: pytest.FixtureRequest) -> str:
    """Each transport whose responses carry many frames."""
    return str(request.param)


@pytest.fixture(params=POLLS)
def poll(request: pytest.FixtureRequest) -> str:
    """Each transport whose responses carry one frame."""
    return str(request.param)


async def test_headers_are_the_transports(client: Client, transport: str) -> None:
    """Type, no caching, chunked or with a length, never a stray header."""
    stream = await receive(client, "/echo/a/one", transport)
    headers = stream.headers

    assert stream.status == 200
    assert headers["content-type"] == RECEIVERS[transport][2]
    assert headers["cache-control"] == NOCACHE
    assert not {"expires", "last-modified", "set-cookie"} & headers.keys()
    assert ("transfer-encoding" in headers) == (transport in STREAMS)
    assert headers["x-content-type-options"] == "nosniff"
    cross = transport in ("xhr", "xhr_streaming", "eventsource")
    assert ("access-control-allow-origin" in headers) == cross


async def test_echo(client: Client, transport: str) -> None:
    """Open frame, then messages, in the bytes of the transport."""
    stream = await receive(client, "/echo/a/one", transport)
    await frame(stream, transport, "o")
    if transport in POLLS:
        await client.post("/echo/b/one/xhr_send", '["a","b"]')
        stream = await receive(client, "/echo/c/one", transport)
        await frame(stream, transport, 'a["a","b"]')
    else:
        await client.post("/echo/b/one/xhr_send", '["a"]')
        await frame(stream, transport, 'a["a"]')


async def test_awkward_text_arrives_intact(client: Client, transport: str) -> None:
    """Percent signs, the end of a script, every fragile character."""
    text = "%41 %99 %25 %zz </script><!-- \u2028\u2029\ufeff\uffff😀\0\r\n\"'\\ \ud800"
    stream = await receive(client, "/echo/a/one", transport)
    await frame(stream, transport, "o")
    if transport in POLLS:
        await client.post("/echo/a/one/xhr_send", json.dumps([text]))
        stream = await receive(client, "/echo/a/one", transport)
        body = await stream.read(int(stream.headers["content-length"]))
    else:
        await client.post("/echo/a/one/xhr_send", json.dumps([text]))
        ends = {"htmlfile": b"</script>\r\n", "eventsource": b"\r\n\r\n"}
        body = await stream.until(ends.get(transport, b"\n"))

    assert transport != "htmlfile" or b"</script><" not in body
    assert json.loads(unwrap(transport, body.decode())[1:]) == [text]


def unwrap(transport: str, body: str) -> str:
    """Read a frame as the browser's client does."""
    if transport == "eventsource":
        return unquote(body.removeprefix("data: ").removesuffix("\r\n\r\n"))
    if transport in ("htmlfile", "jsonp"):
        literal = body[body.index("(") + 1 : body.rindex(")")]
        return str(json.loads(literal))
    return body


async def test_waiting_poll_is_answered_by_the_first_message(
    client: Client, poll: str
) -> None:
    """It waits in silence until then."""
    await receive(client, "/echo/a/one", poll)
    method, query, _ = POLLS[poll]
    waiting = asyncio.create_task(client.request(method, f"/echo/a/one/{poll}{query}"))
    await asyncio.sleep(0.05)
    silent = not waiting.done()
    await client.post("/echo/a/one/xhr_send", '["a"]')
    answer = await waiting

    assert silent
    assert answer.body == wrapped(poll, 'a["a"]')


async def test_stream_ends_at_its_limit_and_the_next_goes_on(
    client: Client, streaming: str
) -> None:
    """The frame that reaches 4,096 bytes is the last; nothing is lost between."""
    message = "x" * 128
    sent = wrapped(streaming, f'a["{message}"]')
    stream = await receive(client, "/echo/a/one", streaming)
    await frame(stream, streaming, "o")
    open_size = len(wrapped(streaming, "o"))
    count = -(-(4096 - open_size) // len(sent))
    for _ in range(count):
        await client.post("/echo/a/one/xhr_send", f'["{message}"]')
    await client.post("/echo/a/one/xhr_send", '["next"]')

    assert await stream.rest() == sent * count
    again = await receive(client, "/echo/a/one", streaming)
    await frame(again, streaming, 'a["next"]')


async def test_xhr_stream_ends_after_31_messages_of_134_bytes(client: Client) -> None:
    """The count of the community's tests."""
    stream = await receive(client, "/echo/a/one", "xhr_streaming")
    await frame(stream, "xhr_streaming", "o")
    for _ in range(31):
        await client.post("/echo/a/one/xhr_send", '["' + "x" * 128 + '"]')
        assert len(await stream.read(134)) == 134

    assert await stream.rest() == b""


async def test_second_receiver_is_turned_away(client: Client, transport: str) -> None:
    """2010; the session and its waiting receiver go on."""
    first = await receive(client, "/echo/a/one", "xhr_streaming")
    await frame(first, "xhr_streaming", "o")

    second = await receive(client, "/echo/b/one", transport)
    await frame(second, transport, 'c[2010,"Another connection still open"]')
    if transport in STREAMS:
        assert await second.rest() == b""
    await client.post("/echo/a/one/xhr_send", '["a"]')

    await frame(first, "xhr_streaming", 'a["a"]')


async def test_close_inside_open_reaches_the_client(
    client: Client, transport: str
) -> None:
    """A poll learns it at its next request, a stream at once; twice each."""
    stream = await receive(client, "/close/a/one", transport)
    await frame(stream, transport, "o")
    if transport in STREAMS:
        await frame(stream, transport, 'c[3000,"Go away!"]')
        assert await stream.rest() == b""
    for _ in range(2):
        again = await receive(client, "/close/a/one", transport)
        await frame(again, transport, 'c[3000,"Go away!"]')
        if transport in STREAMS:
            assert await again.rest() == b""
    answer = await client.post("/close/a/one/xhr_send", '["a"]')

    assert answer.status == 404


class SendsAndCloses(Recorder):
    """Answers and closes in one callback."""

    def on_message(self, message: str) -> None:
        self.send(message)
        self.send('"end"')
        self.close(4000, 'it\'s "over"')


async def test_what_is_sent_before_close_arrives_before_it(transport: str) -> None:
    """In one callback; with quotes in the reason."""
    router = SockJSRouter(SendsAndCloses, "/live", ALL_ON)
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", transport)
        await frame(stream, transport, "o")
        await client.post("/live/a/one/xhr_send", '["a"]')
        close = 'c[4000,"it\'s \\"over\\""]'
        if transport in POLLS:
            stream = await receive(client, "/live/a/one", transport)
            await frame(stream, transport, 'a["a","\\"end\\""]')
            stream = await receive(client, "/live/a/one", transport)
            await frame(stream, transport, close)
        else:
            await frame(stream, transport, 'a["a"]')
            await frame(stream, transport, 'a["\\"end\\""]')
            await frame(stream, transport, close)


async def test_lost_receiver_ends_the_session(transport: str) -> None:
    """The application is told; the next request gets 1002."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live", ALL_ON)
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", transport)
        await frame(stream, transport, "o")
        if transport in POLLS:
            method, query, _ = POLLS[transport]
            head = (
                f"{method} /live/a/one/{transport}{query} HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            _, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(head.encode())
            await until(lambda: made[0].session.slot >= 0)
            writer.transport.abort()
        else:
            stream.writer.transport.abort()
        await until(lambda: made[0].events == ["open", "close"])
        again = await receive(client, "/live/a/one", transport)
        await frame(again, transport, 'c[1002,"Connection interrupted"]')

        assert made[0].is_closed
        assert router.stats()["closed"] == {1002: 1}


async def test_session_without_receiver_expires(transport: str) -> None:
    """After the disconnect delay, without any request; then the id is free."""
    made, factory = recorders()
    settings = ALL_ON | {"disconnect_delay": 0.1, "response_limit": 1}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", transport)
        await frame(stream, transport, "o")
        await until(lambda: made[0].events == ["open", "close"])
        again = await receive(client, "/live/a/one", transport)
        await frame(again, transport, "o")

    assert len(made) == 2


async def test_clock_on_the_wall_ends_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leap of a day must not expire sessions."""
    await client.post("/echo/a/one/xhr")
    leap = time.time() + 86_400
    monkeypatch.setattr("time.time", lambda: leap)
    await client.post("/echo/a/one/xhr_send", '["a"]')
    await asyncio.sleep(1.2)

    answer = await client.post("/echo/a/one/xhr")

    assert answer.body == b'a["a"]\n'


async def test_waiting_receiver_gets_heartbeats(transport: str) -> None:
    """Not before one delay; a poll ends with it."""
    settings = ALL_ON | {"heartbeat_delay": 0.4, "pong_timeout_s": 0.2}
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", transport)
        await frame(stream, transport, "o")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if transport in POLLS:
            stream = await receive(client, "/live/a/one", transport)
        await frame(stream, transport, "h")

        assert loop.time() - begun >= 0.39
        assert router.stats()["heartbeats"] == 1


async def test_ids_may_hold_anything_but_dots_and_slashes(client: Client) -> None:
    """And the server's part is ignored."""
    for path in ("/_/_", "/1/2", "/abcdefgh_i-j%20/abcdefg_i-j%20", "/ä/ö"):
        answer = await client.post(f"/echo{path}/xhr")
        assert answer.body == b"o\n"
    await client.post("/echo/zzz/2/xhr_send", '["a"]')

    assert (await client.post("/echo/yyy/2/xhr")).body == b'a["a"]\n'


async def test_services_do_not_share_ids(client: Client) -> None:
    """The table belongs to one base URL."""
    await client.post("/echo/a/one/xhr")

    assert (await client.post("/amplify/a/one/xhr")).body == b"o\n"


@pytest.mark.parametrize("transport", ["htmlfile", "jsonp"])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", b'"callback" parameter required'),
        ("?c=", b'"callback" parameter required'),
        ("?c=%20", b'invalid "callback" parameter'),
        ("?c=a%20", b'invalid "callback" parameter'),
        ("?c=*", b'invalid "callback" parameter'),
        ("?c=abc(", b'invalid "callback" parameter'),
        ("?c=abc%28", b'invalid "callback" parameter'),
        ("?c=%FF", b'invalid "callback" parameter'),
        ("?c=a%0A", b'invalid "callback" parameter'),
        ("?c=" + "x" * 33, b'invalid "callback" parameter'),
    ],
)
async def test_bad_callback_is_refused_and_opens_nothing(
    transport: str, query: str, words: bytes
) -> None:
    """It would be script in our origin."""
    router = SockJSRouter(Recorder, "/live", ALL_ON)
    async with serving(router) as client:
        answer = await client.get(f"/live/a/one/{transport}{query}")

    assert answer.status == 500
    assert words in answer.body
    assert not router.stats()["opened"]


async def test_callback_has_an_alias(client: Client) -> None:
    """Older clients write it out."""
    answer = await client.get("/echo/a/one/jsonp?callback=x.y-z_")

    assert answer.body == b'/**/x.y-z_("o");\r\n'


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        (None, "dummy"),
        ("JSESSIONID=abcdef", "abcdef"),
        ("a=b; JSESSIONID=n1.abc-_!", "n1.abc-_!"),
        ("JSESSIONID=", "dummy"),
        ('JSESSIONID="a b;c"', "dummy"),
        ("JSESSIONID=<x>", "dummy"),
    ],
)
async def test_cookie_for_balancers_is_echoed(
    client: Client, transport: str, cookie: str | None, value: str
) -> None:
    """Only where it is switched on, with the path first, and only harmless ones."""
    method, query, _ = RECEIVERS[transport]
    headers = {"Cookie": cookie} if cookie else {}
    base = "/cookie_needed_echo/a"
    stream = await client.stream(method, f"{base}/one/{transport}{query}", "", headers)
    greeting = await client.get("/cookie_needed_echo")
    info = await client.get("/cookie_needed_echo/info")
    preflight = await client.request(
        "OPTIONS", f"{base}/one/xhr", headers={"Cookie": cookie or ""}
    )

    assert stream.headers["set-cookie"] == f"JSESSIONID={value}; path=/"
    assert preflight.headers["set-cookie"] == f"JSESSIONID={value}; path=/"
    assert "set-cookie" not in greeting.headers
    assert "set-cookie" not in info.headers
    assert json.loads(info.body)["cookie_needed"] is True


async def test_stream_over_http_1_0_ends_by_closing(
    client: Client, streaming: str
) -> None:
    """Even if the client asks to keep the connection; there are no chunks."""
    method, query, _ = STREAMS[streaming]
    stream = await client.stream(
        method,
        f"/close/a/one/{streaming}{query}",
        headers={"Connection": "keep-alive"},
        version="1.0",
    )
    body = await stream.rest()

    assert "transfer-encoding" not in stream.headers
    assert "content-length" not in stream.headers
    assert stream.headers.get("connection", "").lower() != "keep-alive"
    assert body.endswith(
        wrapped(streaming, "o") + wrapped(streaming, 'c[3000,"Go away!"]')
    )


async def test_connection_is_kept_after_a_stream(client: Client) -> None:
    """HTTP/1.1: the next request may come on the same one."""
    stream = await receive(client, "/close/a/one", "xhr_streaming")
    await stream.rest()
    stream.writer.write(b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")

    head = await stream.reader.readuntil(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK")


class Flood(Recorder):
    """Sends more than any buffer takes."""

    def on_message(self, message: str) -> None:
        for _ in range(int(message)):
            self.send("x" * 50_000)


@pytest.mark.parametrize("limit", ["max_queued_bytes", "max_queued_messages"])
async def test_client_that_does_not_poll_is_closed_as_slow(limit: str) -> None:
    """The queue has a bound; the client learns the code if it comes back."""
    made, factory = recorders(Flood)
    bound = {"max_queued_bytes": 120_000, "max_queued_messages": 2}[limit]
    router = SockJSRouter(factory, "/live", {limit: bound})
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["2"]')
        fits = not made[0].is_closed
        await client.post("/live/a/one/xhr_send", '["1"]')
        answer = await client.post("/live/a/one/xhr")

        assert fits
        assert answer.body == b'c[3002,"too slow"]\n'
        assert made[0].queued_bytes == 0
        assert router.stats()["slow"] == 1


async def test_one_large_batch_is_never_too_slow() -> None:
    """Else a client with a long backlog could never come in."""
    router = SockJSRouter(Flood, "/live", {"max_queued_bytes": 9})
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["1"]')
        answer = await client.post("/live/a/one/xhr")

    assert len(answer.body) > 50_000


async def test_stream_that_is_not_read_is_closed_as_slow(streaming: str) -> None:
    """At most one frame is beyond our queue, so memory stays bounded."""
    made, factory = recorders(Flood)
    settings = ALL_ON | {"max_queued_bytes": 1_000_000, "response_limit": 10**9}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", streaming)
        await frame(stream, streaming, "o")
        stream.writer.transport.pause_reading()
        for _ in range(20):
            if made[0].is_closed:
                break
            await client.post("/live/a/one/xhr_send", '["20"]')

        assert made[0].is_closed
        assert router.stats()["slow"] == 1
        stream.writer.transport.resume_reading()
        assert wrapped(streaming, 'c[3002,"too slow"]') in await stream.rest()


async def test_stream_that_takes_nothing_is_cut(streaming: str) -> None:
    """One frame that does not leave is slow in time; then the connection goes."""

    class Huge(Recorder):
        def on_message(self, message: str) -> None:
            self.send("x" * 20_000_000)

    made, factory = recorders(Huge)
    settings = ALL_ON | {"max_queued_age_s": 0.2, "response_limit": 10**9}
    router = SockJSRouter(factory, "/live", settings | {"close_timeout_s": 0.2})
    async with serving(router) as client:
        stream = await receive(client, "/live/a/one", streaming)
        await frame(stream, streaming, "o")
        stream.writer.transport.pause_reading()
        await client.post("/live/a/one/xhr_send", '["a"]')
        await until(lambda: made[0].is_closed)
        await until(lambda: made[0].session._receiver is None)

        assert router.stats()["slow"] == 1
        stream.writer.transport.abort()


async def test_old_queue_is_slow_too() -> None:
    """A message waits no longer than its limit."""
    made, factory = recorders(Flood)
    settings = {
        "max_queued_age_s": 0.2,
        "disconnect_delay": 2.0,
        "close_timeout_s": 0.2,
    }
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["1"]')
        await until(lambda: made[0].is_closed)

        assert router.stats()["slow"] == 1


async def test_storm_of_polls_is_slowed_down(client: Client) -> None:
    """Requests beyond the rate are answered at the next sweep, none is refused."""
    settings = {"max_polls_per_s": 2, "close_timeout_s": 0.4}
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        for n in range(5):
            answer = await client.post("/live/a/one/xhr")
            assert answer.body == (b"o\n" if n == 0 else b'a["a"]\n')
            await client.post("/live/a/one/xhr_send", '["a"]')

    assert router.stats()["delayed"] >= 1


async def test_client_that_goes_right_after_its_request_leaves_no_session(
    streaming: str,
) -> None:
    """Its end is met by a write of the answer's beginning, not by a read."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live", ALL_ON)
    method, query, _ = STREAMS[streaming]
    head = f"{method} /live/a/one/{streaming}{query} HTTP/1.1\r\n"
    async with serving(router) as client:
        with socket.create_connection(("127.0.0.1", client.port)) as sock:
            sock.sendall(f"{head}Host: x\r\nContent-Length: 0\r\n\r\n".encode())
        await until(lambda: made and made[0].events == ["open", "close"])

        assert sum(router.stats()["sessions"].values()) == 0


async def test_fault_in_one_request_that_was_put_off_harms_no_other() -> None:
    """The application's `opener` fails for it: only its connection is closed."""

    def opener(info: ConnectionInfo) -> str | None:
        return info.arguments["token"][0]

    settings = {"max_polls_per_s": 1, "opener": opener, "close_timeout_s": 0.8}
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        await client.post("/live/a/one/xhr?token=1")
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        poll = "POST /live/a/one/xhr{} HTTP/1.1\r\nHost: x\r\n\r\n"
        other, other_writer = await asyncio.open_connection("127.0.0.1", client.port)
        session = router._service.table.get("one")
        assert session is not None
        session._poll_second, session._polls = time.monotonic() + 3600.0, 99
        writer.write(poll.format("").encode())
        await until(lambda: router.stats()["delayed"] == 1)
        other_writer.write(poll.format("?token=1").encode())
        await until(lambda: router.stats()["delayed"] == 2)
        await client.post("/live/a/one/xhr_send?token=1", '["a"]')

        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
            assert (await other.readuntil(b'a["a"]')).startswith(b"HTTP/1.1 200 ")
        writer.close()
        other_writer.close()


async def test_poll_that_is_lost_while_put_off_is_forgotten() -> None:
    """Nobody attaches a dead connection."""
    made, factory = recorders()
    settings = {"max_polls_per_s": 1, "close_timeout_s": 0.4}
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["a"]')
        await client.post("/live/a/one/xhr")
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"POST /live/a/one/xhr HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: router.stats()["delayed"])
        writer.transport.abort()
        await asyncio.sleep(0.25)
        made[0].send("b")

        assert (await client.post("/live/a/one/xhr")).body == b'a["b"]\n'


async def test_session_belongs_to_its_opener() -> None:
    """Another one's receivers and senders do not find it."""
    router = SockJSRouter(
        Recorder, "/live", {"opener": lambda info: info.get_argument("token")}
    )
    async with serving(router) as client:
        await client.post("/live/a/one/xhr?token=mine")
        answers = [
            await client.post(path, '["a"]')
            for path in (
                "/live/a/one/xhr?token=yours",
                "/live/a/one/xhr_send?token=yours",
                "/live/a/one/xhr_send",
                "/live/a/one/xhr_streaming",
            )
        ]
        mine = await client.post("/live/a/one/xhr_send?token=mine", '["a"]')

        assert [answer.status for answer in answers] == [404] * 4
        assert mine.status == 204
        assert router.stats()["refused"] == {"opener": 4}


async def test_client_that_leaves_with_its_request_is_noticed(transport: str) -> None:
    """Its end may be there before its request is read: no session may hang on it."""
    router = SockJSRouter(Recorder, "/live", ALL_ON | {"disconnect_delay": 0.1})
    method, query, _ = RECEIVERS[transport]
    async with serving(router) as client:
        for number in range(20):
            head = f"{method} /live/a/{number}/{transport}{query} HTTP/1.1\r\n"
            _, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(f"{head}Host: x\r\n\r\n".encode())
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)

        await until(lambda: not sum(router.stats()["sessions"].values()))
