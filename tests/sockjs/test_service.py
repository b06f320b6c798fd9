"""One service as a whole: limits of sessions, drain, stop, counts."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from feedsvc.sockjs import SockJSRouter, bound_to_query
from tests.sockjs.support import Recorder, recorders, serving, until

RECEIVERS = ["/live/s/two/xhr", "/live/s/two/xhr_streaming"]


@pytest.mark.parametrize(
    ("settings", "status", "reason"),
    [
        ({"max_sessions": 1}, 503, "sessions"),
        ({"max_opens_per_s": 1}, 503, "opens"),
        (
            {"max_sessions_per_address": 1, "exempt_networks": ()},
            429,
            "sessions_per_address",
        ),
        (
            {"max_opens_per_address_per_s": 1, "exempt_networks": ()},
            429,
            "opens_per_address",
        ),
    ],
)
async def test_session_over_a_limit_is_refused_on_every_door(
    settings: dict[str, Any], status: int, reason: str
) -> None:
    """At info, where it costs one request, at receivers and at the handshake."""
    router = SockJSRouter(Recorder, "/live", settings)
    async with serving(router) as client:
        first = await client.post("/live/s/one/xhr")
        answers = [await client.get("/live/info")]
        answers += [await client.post(path) for path in RECEIVERS]
        answers += [await client.get("/live/s/two/eventsource")]
        sockets = [
            await client.websocket(path)
            for path in ("/live/s/two/websocket", "/live/websocket")
        ]
        goes_on = await client.post("/live/s/one/xhr_send", '["a"]')

    assert first.body == b"o\n"
    assert [answer.status for answer in answers] == [status] * 4
    assert [socket.status for socket in sockets] == [status] * 2
    assert all("retry-after" in answer.headers for answer in answers)
    assert goes_on.status == 204
    assert router.stats()["refused"] == {reason: 6}


async def test_address_comes_from_a_trusted_proxy() -> None:
    """And limits count that address."""
    made, factory = recorders()
    settings = {
        "proxy_header": "X-Real-Ip",
        "trusted_proxies": ("127.0.0.1",),
        "max_sessions_per_address": 1,
    }
    async with serving(SockJSRouter(factory, "/live", settings)) as client:
        answers = [
            await client.post(f"/live/s/{number}/xhr", X_Real_Ip=ip)
            for number, ip in enumerate(("192.0.2.1", "192.0.2.1", "192.0.2.2"))
        ]

    assert [answer.status for answer in answers] == [200, 429, 200]
    assert made[0].info is not None
    assert made[0].info.ip == "192.0.2.1"


async def test_addresses_are_forgotten() -> None:
    """The table of addresses does not grow for ever."""
    router = SockJSRouter(
        Recorder, "/live", {"exempt_networks": (), "disconnect_delay": 0.1}
    )
    async with serving(router) as client:
        await client.post("/live/s/one/xhr")
        admission = router._service._admission
        assert len(admission) == 1
        await until(lambda: len(admission) == 0)


async def test_token_in_the_query_binds_a_session() -> None:
    """The ready-made opener."""
    router = SockJSRouter(Recorder, "/live", {"opener": bound_to_query("t")})
    async with serving(router) as client:
        await client.post("/live/s/one/xhr?t=1")
        other = await client.post("/live/s/one/xhr?t=2")
        mine = await client.post("/live/s/one/xhr_send?t=1", '["a"]')

    assert (other.status, mine.status) == (404, 204)


async def test_drain_refuses_the_new_and_closes_the_old() -> None:
    """3001, spread over the time; existing polls still get their answers."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        sockets = [await client.websocket(f"/live/s/{n}/websocket") for n in range(8)]
        await client.post("/live/s/poll/xhr")
        await until(lambda: len(made) == 9)
        draining = asyncio.ensure_future(router.drain(0.4))
        await asyncio.sleep(0.2)
        midway = sum(conn.is_closed for conn in made)
        info = await client.get("/live/info")
        new = await client.post("/live/s/new/xhr")
        await draining
        poll = await client.post("/live/s/poll/xhr")

        assert 0 < midway < 9
        assert (info.status, new.status) == (503, 503)
        assert poll.body == b'c[3001,"draining"]\n'
        for ws in sockets:
            assert await ws.receive() == "o"
            assert await ws.receive() == 'c[3001,"draining"]'
            assert await ws.close_code() == (1000, "")
        assert all(conn.events == ["open", "close"] for conn in made)


async def test_stop_ends_everything() -> None:
    """Every transport gets 3000, every connection its `on_close`, no timer is left."""
    made, factory = recorders()
    router = SockJSRouter(factory, "/live")
    async with serving(router) as client:
        framed = await client.websocket("/live/s/one/websocket")
        raw = await client.websocket("/live/websocket")
        stream = await client.stream("POST", "/live/s/two/xhr_streaming")
        await client.post("/live/s/three/xhr")
        waiting = asyncio.create_task(client.post("/live/s/three/xhr"))
        await until(lambda: len(made) == 4)
        await asyncio.sleep(0.05)

        await router.stop()

        assert all(conn.events == ["open", "close"] for conn in made)
        assert [await framed.receive() for _ in range(2)] == ["o", 'c[3000,"Go away!"]']
        assert await raw.close_code() == (3000, "Go away!")
        assert (await stream.rest()).endswith(b'o\nc[3000,"Go away!"]\n')
        assert (await waiting).body == b'c[3000,"Go away!"]\n'
        assert (await client.get("/live/info")).status == 503
        assert router._service._timer is not None
        assert router._service._timer.cancelled()
        await router.stop()


async def test_callback_that_does_not_end_is_cancelled_by_stop() -> None:
    """A server must be able to stop."""
    cancelled = []

    class Stuck(Recorder):
        async def on_message(self, message: str) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(message)
                raise

    router = SockJSRouter(Stuck, "/live", {"close_timeout_s": 0.1})
    async with serving(router) as client:
        ws = await client.websocket("/live/websocket")
        ws.text("a")
        await until(lambda: router.stats()["messages_received"])

        await router.stop()

    assert cancelled == ["a"]


async def test_counts_add_up() -> None:
    """What operators see."""
    router = SockJSRouter(Recorder, "/live")
    async with serving(router) as client:
        await client.post("/live/s/one/xhr")
        await client.post("/live/s/one/xhr_send", '["a","b"]')
        ws = await client.websocket("/live/websocket")
        ws.text("c")
        await ws.receive()
        stats = router.stats()

        assert stats["sessions"] == {"xhr-polling": 1, "websocket-raw": 1}
        assert stats["messages_received"] == 3
        stats["sessions"]["xhr-polling"] = 99
        assert router.stats()["sessions"]["xhr-polling"] == 1
    after = router.stats()

    assert set(after["sessions"].values()) == {0}
    assert after["opened"] == {"xhr-polling": 1, "websocket-raw": 1}
    assert sum(after["closed"].values()) == 2


async def test_factory_that_fails_leaves_no_socket_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client sees the end; others go on."""

    def fail(session: Any) -> Recorder:
        raise RuntimeError("no")

    async with serving(SockJSRouter(fail, "/live")) as client:
        for head in (
            b"GET /live/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            b"POST /live/s/one/xhr HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(head)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

        assert (await client.get("/live/info")).status == 200
    assert caplog.text.count("RuntimeError: no") >= 2


async def test_log_holds_no_session_ids(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log must not be able to take over a session."""
    caplog.set_level("DEBUG")
    router = SockJSRouter(Recorder, "/live", {"max_sessions": 1})
    async with serving(router) as client:
        await client.post("/live/s/secretid/xhr")
        await client.post("/live/s/secretid/xhr_send", "{")
        await client.post("/live/s/secretid2/xhr")
        ws = await client.websocket("/live/s/secretid3/websocket")
        await ws.close()

    assert "refused reason=payload" in caplog.text
    assert "refused reason=sessions ip=127.0.0.1" in caplog.text
    assert "secretid" not in caplog.text


async def test_sessions_are_freed() -> None:
    """Short-lived clients leave nothing behind."""

    class ShortLived(Recorder):
        """A class of its own, so that they can be counted."""

    router = SockJSRouter(ShortLived, "/live", {"disconnect_delay": 0.1})
    async with serving(router) as client:
        for n in range(30):
            ws = await client.websocket("/live/websocket")
            ws.text("a")
            await ws.receive()
            await ws.close()
            await client.post(f"/live/s/{n}/xhr")
        table = router._service.table
        await until(lambda: not table._ids and not list(table.wheel))
        await until(lambda: not sum(router.stats()["sessions"].values()))
        await until(lambda: not count(ShortLived))

        assert not router._service._tasks
        assert not router._service._keys
        assert not table._detached


def count(kind: type) -> int:
    """Return how many objects of exactly this class are alive."""
    gc.collect()
    return sum(type(thing) is kind for thing in gc.get_objects())
