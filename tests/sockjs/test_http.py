"""Requests of every length, and answers that nobody takes."""

from __future__ import annotations

import asyncio

import pytest

from feedsvc.sockjs import SockJSRouter
from tests.sockjs.support import Client, Recorder, recorders, serving, until


@pytest.mark.parametrize("path", ["/echo/a/b", "/echo/a/b/nothing", "/echo/a.b/c/xhr"])
@pytest.mark.parametrize(
    "headers", [{}, {"Transfer-Encoding": "chunked"}], ids=["length", "chunked"]
)
async def test_body_for_an_unknown_path_is_not_found_either(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    """404, not an error of the body that nobody wants."""
    answer = await client.request("POST", path, b"5\r\n[1,2]\r\n0\r\n\r\n", headers)

    assert answer.status == 404


async def test_length_of_thousands_of_digits_is_refused(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Python would not read such a number: it must not become a fault of ours."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    head = "POST /echo/a/b/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: "
    writer.write(f"{head}{'9' * 5000}\r\n\r\n".encode())

    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


class Huge(Recorder):
    """Sends more than any socket takes."""

    def on_message(self, message: str) -> None:
        self.send("x" * 20_000_000)
        if message == "close":
            self.close()


# Sessions live on while 20 MB are encoded.
IMPATIENT = {"max_queued_age_s": 0.5, "close_timeout_s": 0.2, "disconnect_delay": 60.0}


@pytest.mark.parametrize("receiver", ["xhr", "xhr_streaming"])
async def test_client_that_does_not_take_its_answer_is_cut(receiver: str) -> None:
    """The session has done its part; the bytes must not fill memory for ever."""
    router = SockJSRouter(Huge, "/live", IMPATIENT | {"response_limit": 4096})
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["send"]')
        stream = await client.stream("POST", f"/live/a/one/{receiver}")
        stream.writer.transport.pause_reading()
        table = router._service.table
        await until(lambda: table._leaving or router.stats()["slow"])
        await until(lambda: router.stats()["slow"] == 1)

        assert not table._leaving
        stream.writer.transport.abort()


async def test_client_that_takes_its_answer_late_is_not_cut() -> None:
    """And is watched no longer."""
    router = SockJSRouter(Huge, "/live", IMPATIENT | {"max_queued_age_s": 3600.0})
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["send"]')
        stream = await client.stream("POST", "/live/a/one/xhr")
        stream.writer.transport.pause_reading()
        table = router._service.table
        await until(lambda: table._leaving)
        stream.writer.transport.resume_reading()
        async with asyncio.timeout(60):
            await stream.reader.readexactly(int(stream.headers["content-length"]))

        await until(lambda: not table._leaving)
        assert router.stats()["slow"] == 0


async def test_closed_session_does_not_wait_for_a_client_that_does_not_read() -> None:
    """It has ended, so that no limit of its queue would see to that client."""
    made, factory = recorders(Huge)
    router = SockJSRouter(factory, "/live", IMPATIENT | {"response_limit": 10**9})
    async with serving(router) as client:
        await client.post("/live/a/one/xhr")
        await client.post("/live/a/one/xhr_send", '["close"]')
        stream = await client.stream("POST", "/live/a/one/xhr_streaming")
        stream.writer.transport.pause_reading()
        session = made[0].session
        await until(lambda: session._receiver is not None)
        await until(lambda: session._receiver is None)

        assert made[0].is_closed
        stream.writer.transport.abort()
