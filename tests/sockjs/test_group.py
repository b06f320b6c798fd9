"""Groups: everybody gets the bytes, whatever others do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from feedsvc.sockjs import Batch, Group, SockJSRouter
from tests.sockjs.support import Client, Recorder, Socket, recorders, serving, until
from tests.sockjs.test_websocket import reset


class Member(Recorder):
    """Joins a group when it opens."""

    group: Group

    def on_open(self, info: Any) -> None:
        super().on_open(info)
        self.group.add(self)


def members(settings: dict[str, Any] | None = None) -> tuple[Any, Group, SockJSRouter]:
    """Return the connections made, their group, and the router."""
    group = Group()
    made, factory = recorders(type("Joining", (Member,), {"group": group}))
    return made, group, SockJSRouter(factory, "/live", settings)


async def connect(client: Client, path: str = "/live/s/one/websocket") -> Socket:
    ws = await client.websocket(path)
    if path != "/live/websocket":
        assert await ws.receive() == "o"
    return ws


async def test_each_framing_gets_its_own_form() -> None:
    """One batch: framed, raw, streaming, and a poll that waits."""
    _, group, router = members()
    async with serving(router) as client:
        framed = await connect(client)
        raw = await connect(client, "/live/websocket")
        stream = await client.stream("POST", "/live/s/two/xhr_streaming")
        await stream.until(b"o\n")
        await client.post("/live/s/three/xhr")
        await until(lambda: len(group) == 4)

        handed = group.send(Batch(("a", 'b"')))

        assert handed == 4
        assert await framed.receive() == 'a["a","b\\""]'
        assert [await raw.receive(), await raw.receive()] == ["a", 'b"']
        assert await stream.until(b"\n") == b'a["a","b\\""]\n'
        answer = await client.post("/live/s/three/xhr")
        assert answer.body == b'a["a","b\\""]\n'
        assert router.stats()["messages_sent"] == 8


async def test_members_are_listed_and_leave_when_closed() -> None:
    """`add`, `discard`, `in`, `len`, iteration; closed ones go by themselves."""
    made, group, router = members()
    async with serving(router) as client:
        sockets = [await connect(client) for _ in range(3)]
        sockets.append(await connect(client, "/live/websocket"))
        await until(lambda: len(group) == 4)
        group.add(made[0])

        assert set(group) == set(made)
        assert made[0] in group
        assert "x" not in group
        group.discard(made[0])
        group.discard(made[0])
        made[1].close()
        await sockets[2].close()
        await until(lambda: len(group) == 1)

        assert list(group) == [made[3]]
        group.add(made[1])
        assert made[1] not in group


async def test_empty_batch_is_sent_to_nobody() -> None:
    """No frame `a[]` on the wire."""
    made, group, router = members()
    async with serving(router) as client:
        ws = await connect(client)
        await until(lambda: len(group))

        assert group.send(Batch(())) == 0
        made[0].send("a")
        assert await ws.receive() == 'a["a"]'


async def test_connection_may_be_in_several_groups() -> None:
    """It gets what each of them gets, in order."""
    made, group, router = members()
    other = Group()
    async with serving(router) as client:
        ws = await connect(client)
        await until(lambda: len(group))
        other.add(made[0])
        group.send(Batch(("a",)))
        other.send(Batch(("b",)))
        made[0].send("c")

        assert [await ws.receive() for _ in range(3)] == ['a["a"]', 'a["b"]', 'a["c"]']
        await ws.close()
        await until(lambda: not len(group))
        assert len(other) == 0


async def test_client_that_resets_disturbs_nobody() -> None:
    """Not the loop of sends, and no callback runs inside it."""
    made, group, router = members()
    async with serving(router) as client:
        sockets = [await connect(client) for _ in range(20)]
        await until(lambda: len(group) == 20)
        for ws in sockets[::2]:
            reset(ws.writer.get_extra_info("socket"))
            ws.writer.transport.abort()
        for number in range(50):
            before = [list(member.events) for member in made]
            group.send(Batch((str(number),)))
            assert [member.events for member in made] == before
            await asyncio.sleep(0)

        for ws in sockets[1::2]:
            for number in range(50):
                assert json.loads((await ws.receive())[1:]) == [str(number)]
        await until(lambda: len(group) == 10)
        assert sum(member.events == ["open", "close"] for member in made) == 10


async def test_stalled_client_leaves_the_fast_lane_and_comes_back() -> None:
    """Others are not held up; it gets every message once, in order."""
    made, group, router = members({"max_queued_bytes": 0, "max_queued_messages": 0})
    async with serving(router) as client:
        stalled, quick = await connect(client), await connect(client)
        await until(lambda: len(group) == 2)
        stalled.writer.transport.pause_reading()
        sent = 0
        while not made[0].queued_bytes:
            group.send(Batch((f"{sent} " + "x" * 20_000,)))
            assert (await quick.receive()).startswith(f'a["{sent} ')
            sent += 1
        for _ in range(50):
            group.send(Batch((f"{sent} " + "x" * 20_000,)))
            made[0].send("alone")
            assert (await quick.receive()).startswith(f'a["{sent} ')
            sent += 1
        stalled.writer.transport.resume_reading()
        seen = []
        while len(seen) < sent:
            text = json.loads((await stalled.receive())[1:])[0]
            if text != "alone":
                seen.append(int(text.split()[0]))

        assert seen == list(range(sent))
        await until(lambda: made[0].session.handle is not None)
        assert await stalled.receive() == 'a["alone"]'
        group.send(Batch(("fast again",)))
        assert await stalled.receive() == 'a["fast again"]'


async def test_slow_member_is_cut_and_the_group_goes_on() -> None:
    """Nobody waits for it, and its memory is given back."""
    made, group, router = members({"max_queued_bytes": 200_000})
    async with serving(router) as client:
        slow, quick = await connect(client), await connect(client)
        await until(lambda: len(group) == 2)
        slow.writer.transport.pause_reading()
        while made[0] in group:
            group.send(Batch(("x" * 50_000,)))
            assert len(await quick.receive()) > 50_000

        assert made[0].is_closed
        assert made[0].queued_bytes < 51_000
        assert router.stats()["slow"] == 1
        assert group.send(Batch(("on",))) == 1
        assert await quick.receive() == 'a["on"]'


async def test_broadcast_survives_a_set_that_changes() -> None:
    """A client that breaks during it may not disturb the iteration."""
    made, _, router = members()
    async with serving(router) as client:
        sockets = [await connect(client) for _ in range(10)]
        await until(lambda: len(made) == 10)
        clients = set(made)
        for ws in sockets[:5]:
            reset(ws.writer.get_extra_info("socket"))
            ws.writer.transport.abort()
        for _ in range(10):
            made[9].broadcast(clients, "a")
            await asyncio.sleep(0)

        for ws in sockets[5:]:
            for _ in range(10):
                assert await ws.receive() == 'a["a"]'
