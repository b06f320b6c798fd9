"""Asynchronous callbacks: whatever they do, the session goes on or ends in order."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from feedsvc.sockjs import SockJSRouter
from feedsvc.sockjs.codec import CLOSE, NORMAL
from tests.sockjs.support import Recorder, masked, recorders, serving, until

WEBSOCKET = "/live/s/one/websocket"


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_cancelled_inside_a_callback_is_an_error_like_others(
    caplog: pytest.LogCaptureFixture, asynchronous: bool
) -> None:
    """Somebody else has cancelled what it wants: 1011, and `on_close` is told."""
    work = asyncio.ensure_future(asyncio.Event().wait())
    work.cancel()
    await asyncio.wait([work])

    class Wants(Recorder):
        def on_message(self, message: str) -> Any:
            return self._awaited() if asynchronous else work.result()

        async def _awaited(self) -> None:
            await work

    made, factory = recorders(Wants)
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        ws = await client.websocket(WEBSOCKET)
        assert await ws.receive() == "o"
        ws.messages("a")

        assert await ws.receive() == 'c[1011,"Internal error"]'
        await until(lambda: made[0].events == ["open", "close"])
        assert router.stats()["errors"] == 1
    assert "CancelledError" in caplog.text


async def test_sender_gets_its_answer_though_the_application_closes() -> None:
    """The messages behind are dropped, not the answers."""
    decision = asyncio.Event()

    class Closes(Recorder):
        async def on_message(self, message: str) -> None:
            self.events.append(message)
            await decision.wait()
            self.close()

    made, factory = recorders(Closes)
    async with serving(SockJSRouter(factory, "/live")) as client:
        await client.post("/live/a/one/xhr")
        sending = [
            asyncio.ensure_future(client.post("/live/a/one/xhr_send", f'["{n}"]'))
            for n in range(3)
        ]
        await until(lambda: made[0].session.waiting == 5)
        decision.set()
        answers = [await answer for answer in sending]

    assert [answer.status for answer in answers] == [204] * 3
    assert len(made[0].events) == 3
    assert made[0].events[::2] == ["open", "close"]


async def test_peer_of_a_slow_application_is_not_taken_for_dead() -> None:
    """It has answered; it is we who have not read."""
    decision = asyncio.Event()

    class Slow(Recorder):
        async def on_message(self, message: str) -> None:
            await decision.wait()
            self.send(message)

    settings = {"heartbeat_delay": 0.3, "pong_timeout_s": 0.1}
    made, factory = recorders(Slow)
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client:
        ws = await client.websocket(WEBSOCKET)
        assert await ws.receive() == "o"
        ws.messages("a")
        await until(lambda: made[0].session.is_busy)
        ws.messages("b")
        await until(lambda: made[0].session._paused)
        await until(lambda: router.stats()["heartbeats"] >= 4)
        decision.set()

        assert [await ws.receive() for _ in range(2)] == ['a["a"]', 'a["b"]']
        assert router.stats()["dead"] == 0


async def test_answer_to_close_is_read_though_the_client_was_held_back() -> None:
    """Else each such connection would linger for the closing time."""
    decision = asyncio.Event()

    class Closes(Recorder):
        async def on_message(self, message: str) -> None:
            await decision.wait()
            self.close()

    made, factory = recorders(Closes)
    router = SockJSRouter(factory, "/live", {"close_timeout_s": 60.0})
    async with serving(router) as client:
        ws = await client.websocket(WEBSOCKET)
        assert await ws.receive() == "o"
        ws.messages("a")
        await until(lambda: made[0].session.is_busy)
        ws.messages("b")
        await until(lambda: made[0].session._paused)
        decision.set()
        assert await ws.receive() == 'c[3000,"Go away!"]'
        assert await ws.close_code() == (NORMAL, "")
        ws.send(masked(CLOSE, NORMAL.to_bytes(2, "big")))

        assert await ws.is_ended()


@pytest.mark.parametrize("refuses", [True, False])
async def test_close_is_told_unless_the_client_was_refused(refuses: bool) -> None:
    """Even if it had gone before the decision."""
    decision = asyncio.Event()

    class Decides(Recorder):
        async def on_open(self, info: Any) -> bool:
            await decision.wait()
            self.events.append("open")
            return not refuses

    made, factory = recorders(Decides)
    async with serving(SockJSRouter(factory, "/live")) as client:
        stream = await client.stream("POST", "/live/a/one/xhr_streaming")
        await stream.until(b"o\n")
        await stream.close()
        await until(lambda: made[0].is_closed and made[0].session.waiting)
        decision.set()
        await until(lambda: not made[0].session.is_busy)

    assert made[0].events == (["open"] if refuses else ["open", "close"])


async def test_callback_that_cannot_be_cancelled_does_not_keep_a_server_up() -> None:
    """It is left alone after the closing time."""
    decision = asyncio.Event()

    class Stubborn(Recorder):
        async def on_message(self, message: str) -> None:
            while not decision.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await decision.wait()

    made, factory = recorders(Stubborn)
    router = SockJSRouter(factory, "/live", {"close_timeout_s": 0.1})
    async with serving(router) as client:
        ws = await client.websocket("/live/websocket")
        ws.text("a")
        await until(lambda: made and made[0].session.is_busy)

        await router.stop()

        assert made[0].session.is_busy
        decision.set()
        await until(lambda: made[0].events == ["open", "close"])
