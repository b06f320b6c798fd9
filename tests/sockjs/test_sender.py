"""xhr_send and jsonp_send."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import pytest

from feedsvc.sockjs import SockJSRouter
from tests.sockjs.support import Client, Recorder, recorders, serving, until

FORM = "application/x-www-form-urlencoded"


async def open_session(client: Client, path: str = "/echo/s/one") -> None:
    answer = await client.post(f"{path}/xhr")
    assert answer.body == b"o\n"


async def test_messages_come_back_in_one_frame(client: Client) -> None:
    """204 without a body, then the echo."""
    await open_session(client)

    sent = await client.post("/echo/s/one/xhr_send", '["a","b"]')
    received = await client.post("/echo/s/one/xhr")

    assert (sent.status, sent.body) == (204, b"")
    assert sent.headers["content-type"] == "text/plain; charset=UTF-8"
    assert received.body == b'a["a","b"]\n'


async def test_unknown_session_is_not_found(client: Client) -> None:
    """A sender never makes a session."""
    xhr = await client.post("/echo/s/none/xhr_send", '["a"]')
    jsonp = await client.post("/echo/s/none/jsonp_send", '["a"]')
    after = await client.post("/echo/s/none/xhr")

    assert (xhr.status, jsonp.status) == (404, 404)
    assert after.body == b"o\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", b"Payload expected."),
        ("{}", b"Payload expected."),
        ('"a"', b"Payload expected."),
        ("null", b"Payload expected."),
        ("[1]", b"Payload expected."),
        ("[", b"Broken JSON encoding."),
        ('["x', b"Broken JSON encoding."),
        ("[" * 50_000, b"Broken JSON encoding."),
    ],
)
async def test_bad_body_is_refused_and_the_session_goes_on(
    client: Client, body: str, words: bytes
) -> None:
    """500 with the protocol's words."""
    await open_session(client)

    refused = await client.post("/echo/s/one/xhr_send", body)
    form = await client.post(
        "/echo/s/one/jsonp_send", f"d={quote(body)}", Content_Type=FORM
    )
    good = await client.post("/echo/s/one/xhr_send", '["a"]')

    assert (refused.status, form.status) == (500, 500)
    assert words in refused.body
    assert words in form.body
    assert good.status == 204


@pytest.mark.parametrize("body", ["p=p", "d=", "", "d", "&&&"])
async def test_form_needs_its_field(client: Client, body: str) -> None:
    """No `d` is no payload."""
    await open_session(client)

    answer = await client.post("/echo/s/one/jsonp_send", body, Content_Type=FORM)

    assert (answer.status, answer.body) == (500, b"Payload expected.\n")


async def test_form_of_very_many_fields_is_refused(client: Client) -> None:
    """Parsing stops early."""
    await open_session(client)

    answer = await client.post("/echo/s/one/jsonp_send", "a=b&" * 99, Content_Type=FORM)

    assert answer.status == 500


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, "d=%5B%22a%2B%25%C3%BC%22%5D"),
        (FORM + "; charset=UTF-8", 'x=1&d=["a%2B%25ü"]'),
        ("text/plain", '["a+%ü"]'),
        ("text/plain;charset=UTF-8", '["a+%ü"]'),
    ],
)
async def test_jsonp_send_takes_a_form_or_plain_text(
    client: Client, content_type: str, body: str
) -> None:
    """Only the form is decoded; the answer is `ok`."""
    await open_session(client)

    sent = await client.post(
        "/echo/s/one/jsonp_send?i=1", body, Content_Type=content_type
    )
    received = await client.post("/echo/s/one/xhr")

    assert (sent.status, sent.body) == (200, b"ok")
    assert sent.headers["content-type"] == "text/plain; charset=UTF-8"
    assert json.loads(received.body[1:]) == ["a+%ü"]


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "T", "application/json", "application/xml", "text/xml"),
        *("text/plain;charset=UTF-8", "application/json;charset=utf-8", ""),
    ],
)
async def test_xhr_send_ignores_the_media_type(
    client: Client, content_type: str
) -> None:
    """Clients send anything."""
    await open_session(client)

    answer = await client.post(
        "/echo/s/one/xhr_send", '["a"]', Content_Type=content_type
    )

    assert answer.status == 204


async def test_empty_array_delivers_nothing(client: Client) -> None:
    """It is good, and the application does not hear of it."""
    await open_session(client)

    empty = await client.post("/echo/s/one/xhr_send", "[]")
    await client.post("/echo/s/one/xhr_send", '["a"]')
    received = await client.post("/echo/s/one/xhr")

    assert empty.status == 204
    assert received.body == b'a["a"]\n'


async def test_body_over_the_limit_is_refused_at_its_head() -> None:
    """413 before anything is buffered, also for a body of unknown length."""
    router = SockJSRouter(Recorder, "/live", {"max_request_bytes": 50})
    async with serving(router) as client:
        await open_session(client, "/live/s/one")
        known = await client.post("/live/s/one/xhr_send", '["' + "x" * 60 + '"]')
        chunk = b'20\r\n["' + b"x" * 30 + b"\r\n"
        unknown = await client.request(
            "POST",
            "/live/s/one/xhr_send",
            chunk + chunk,
            {"Transfer-Encoding": "chunked"},
        )

    assert (known.status, unknown.status) == (413, 413)
    assert router.stats()["refused"] == {"body_bytes": 2}


@pytest.mark.parametrize(
    ("settings", "messages", "status", "reason"),
    [
        ({"max_message_bytes": 4}, ["ääx"], 413, "message_bytes"),
        ({"max_messages_per_request": 2}, ["a"] * 3, 413, "messages_per_request"),
        ({"max_messages_per_s": 2}, ["a"] * 3, 429, "message_rate"),
    ],
)
async def test_limits_of_messages_are_answered_and_counted(
    settings: dict[str, int], messages: list[str], status: int, reason: str
) -> None:
    """Nothing of the request reaches the application; the session goes on."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        await open_session(client, "/live/s/one")
        answer = await client.post("/live/s/one/xhr_send", json.dumps(messages))

        assert answer.status == status
        assert router.stats()["refused"] == {reason: 1}
        assert made[0].events == ["open"]
        assert not made[0].is_closed


async def test_answer_comes_after_the_application_is_done() -> None:
    """Asynchronous callbacks run in order, and the sender waits for them."""
    go = asyncio.Event()

    class Slow(Recorder):
        async def on_message(self, message: str) -> None:
            self.events.append(f"begin {message}")
            await go.wait()
            self.events.append(f"end {message}")

    made, factory = recorders(Slow)
    async with serving(SockJSRouter(factory, "/live")) as client:
        await open_session(client, "/live/s/one")
        sending = asyncio.create_task(client.post("/live/s/one/xhr_send", '["a","b"]'))
        await until(lambda: "begin a" in made[0].events)
        before = sending.done()
        go.set()
        answer = await sending

    assert (before, answer.status) == (False, 204)
    assert made[0].events[1:5] == ["begin a", "end a", "begin b", "end b"]


async def test_client_that_leaves_before_the_answer_harms_nothing() -> None:
    """The callback ends, and the answer goes nowhere."""
    go = asyncio.Event()

    class Slow(Recorder):
        async def on_message(self, message: str) -> None:
            await go.wait()
            self.events.append(message)

    made, factory = recorders(Slow)
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        await open_session(client, "/live/s/one")
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(
            b"POST /live/s/one/xhr_send HTTP/1.1\r\nHost: x\r\n"
            b'Content-Length: 5\r\n\r\n["a"]'
        )
        await until(lambda: made[0].session.is_busy)
        writer.transport.abort()
        await asyncio.sleep(0.02)
        go.set()
        await until(lambda: "a" in made[0].events)

        assert (await client.get("/live")).status == 200
