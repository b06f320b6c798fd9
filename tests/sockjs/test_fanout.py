"""Every way to send one frame to many sockets keeps the same promises."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from feedsvc.sockjs import Batch, Group, SockJSRouter, fanout
from tests.sockjs.support import Client, Recorder, Socket, recorders, serving, until
from tests.sockjs.test_websocket import reset

# A machine without a compiler has no extension, and some containers no io_uring.
AVAILABLE = [way for way in fanout.WAYS if fanout.choose(way)[0] == way]
Pair = tuple[socket.socket, socket.socket]

every_way = pytest.mark.usefixtures("way")


@pytest.fixture(params=AVAILABLE)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send in each way that there is, from real groups too."""
    name, send_all = fanout.choose(request.param)
    monkeypatch.setattr(fanout, "IMPLEMENTATION", name)
    monkeypatch.setattr(fanout, "send_all", send_all)
    return name


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What the test opens, closed at its end."""
    with ExitStack() as stack:
        yield stack


def pairs(stack: ExitStack, count: int, unsent: int = 0) -> list[Pair]:
    """Return connected sockets; ``unsent`` bounds what the first of each holds."""
    made = [socket.socketpair() for _ in range(count)]
    for ours, theirs in made:
        stack.enter_context(ours)
        stack.enter_context(theirs)
        ours.setblocking(False)
        theirs.setblocking(False)
        if unsent:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, unsent)
    return made


def tcp_pair(stack: ExitStack) -> Pair:
    """Return both ends of a connection over loopback, the server's first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = stack.enter_context(socket.create_connection(listener.getsockname()))
        ours = stack.enter_context(listener.accept()[0])
    ours.setblocking(False)
    return ours, theirs


def lane_of(made: list[Pair]) -> dict[socket.socket, fanout.Handle]:
    """Return a lane of the pairs' first sockets, each its own member."""
    lane = {}
    for ours, _ in made:
        handle = fanout.handle(ours)
        assert handle is not None
        lane[ours] = handle
    return lane


def received(sock: socket.socket) -> bytes:
    """Return all that has arrived."""
    data = bytearray()
    try:
        while chunk := sock.recv(1 << 20):
            data += chunk
    except BlockingIOError:
        pass
    return bytes(data)


# --- the promises of send_all ---------------------------------------------------------


@every_way
@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 700])
def test_every_member_gets_the_frame_byte_by_byte(stack: ExitStack, count: int) -> None:
    """Any number of members, more than one batch of the ring among them."""
    made = pairs(stack, count)
    lane = lane_of(made)
    frames = [os.urandom(size) for size in (1, 250, 70_000, 3)]

    failures = [fanout.send_all(frame, lane) for frame in frames]

    assert failures == [[], [], [], []]
    assert all(received(theirs) == b"".join(frames) for _, theirs in made)


@every_way
def test_short_writes_are_reported_with_the_exact_count(stack: ExitStack) -> None:
    """A part, then nothing; sockets with room are not among the failures."""
    tight, roomy = pairs(stack, 300, unsent=4096), pairs(stack, 300)
    both = [pair for two in zip(tight, roomy, strict=True) for pair in two]
    lane = lane_of(both)
    frame = os.urandom(60_000)

    first = dict(fanout.send_all(frame, lane))
    second = dict(fanout.send_all(frame, lane))

    assert set(first) == {ours for ours, _ in tight}
    assert all(0 < taken < len(frame) for taken in first.values())
    assert all(second[ours] == 0 for ours, _ in tight)
    assert all(received(theirs) == frame[: first[ours]] for ours, theirs in tight)
    for ours, theirs in roomy:
        taken = second.get(ours, len(frame))
        assert received(theirs) == frame + frame[:taken]


@every_way
def test_peers_that_are_gone_are_reported_and_disturb_nobody(stack: ExitStack) -> None:
    """Closed by the peer, reset by the peer, closed by us."""
    made = pairs(stack, 9)
    reset_by_peer = tcp_pair(stack)
    made.append(reset_by_peer)
    lane = lane_of(made)
    made[2][1].close()
    made[5][0].close()
    reset(reset_by_peer[1])
    reset_by_peer[1].close()
    gone = {made[2][0], made[5][0], reset_by_peer[0]}

    failures = fanout.send_all(b"frame", lane)

    assert sorted(taken for _, taken in failures) == [-1, -1, -1]
    assert {member for member, _ in failures} == gone
    left = [theirs for ours, theirs in made if ours not in gone]
    assert [received(theirs) for theirs in left] == [b"frame"] * 7


@every_way
def test_reused_number_of_a_closed_socket_gets_nothing(stack: ExitStack) -> None:
    """Even while the lane still has the closed one as a member."""
    made = pairs(stack, 1)
    lane = lane_of(made)
    number = made[0][0].fileno()
    made[0][0].close()
    strangers = pairs(stack, 2)
    assert number in [ours.fileno() for ours, _ in strangers]

    failures = fanout.send_all(b"secret", lane)

    assert failures == [(made[0][0], -1)]
    assert [received(theirs) for _, theirs in strangers] == [b"", b""]


@every_way
def test_handle_that_fails_raises_and_leaves_nothing_behind(stack: ExitStack) -> None:
    """The members before it have the frame; the next frame comes once, in order."""
    made = pairs(stack, 3)
    lane = lane_of(made)

    def broken(*_: object) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fanout.send_all(b"one", lane | {made[2][0]: broken})
    first = [received(theirs) for _, theirs in made]
    fanout.send_all(b"two", lane)

    assert first == [b"one", b"one", b""]
    assert [received(theirs) for _, theirs in made] == [b"two"] * 3


@every_way
def test_thousands_of_sockets_get_every_byte_once_and_in_order(
    stack: ExitStack,
) -> None:
    """What a socket does not take is sent later; every tenth reads only at the end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    made = pairs(stack, min(5_000, (hard - 500) // 2), unsent=8192)
    lane = lane_of(made)
    waiting: dict[socket.socket, bytes] = {}
    got = {theirs: bytearray() for _, theirs in made}
    frames = [struct.pack("!I", number) * 500 for number in range(12)]

    for number, frame in enumerate(frames):
        for member in waiting:
            waiting[member] += frame
        for member, taken in fanout.send_all(frame, lane):
            waiting[member] = frame[taken:]
            del lane[member]
        for index, (_, theirs) in enumerate(made):
            if index % 10 or number == len(frames) - 1:
                got[theirs] += received(theirs)
    for ours, theirs in made:
        while rest := waiting.get(ours):
            waiting[ours] = rest[ours.send(rest) :]
            got[theirs] += received(theirs)

    assert waiting
    assert set(map(bytes, got.values())) == {b"".join(frames)}


# --- real groups ----------------------------------------------------------------------


class Member(Recorder):
    """Joins a group when it opens."""

    group: Group

    def on_open(self, info: Any) -> None:
        super().on_open(info)
        self.group.add(self)


async def read_numbers(ws: Socket, count: int) -> list[int]:
    """Return the numbers that so many messages begin with."""
    numbers: list[int] = []
    while len(numbers) < count:
        messages = json.loads((await ws.receive())[1:])
        numbers += [int(message.split()[0]) for message in messages]
    return numbers


async def connect(client: Client) -> Socket:
    ws = await client.websocket("/live/s/one/websocket")
    assert await ws.receive() == "o"
    return ws


@every_way
async def test_group_loses_nothing_beside_stalled_and_resetting_clients() -> None:
    """Those that read get all in order at once, the stalled ones as they catch up."""
    group = Group()
    made, factory = recorders(type("Joining", (Member,), {"group": group}))
    settings = {"max_queued_bytes": 0, "max_queued_messages": 0}
    async with serving(SockJSRouter(factory, "/live", settings)) as client:
        sockets = [await connect(client) for _ in range(30)]
        await until(lambda: len(group) == 30)
        reading, stalled, leaving = sockets[::3], sockets[1::3], sockets[2::3]
        for ws in stalled:
            ws.writer.transport.pause_reading()
        sent = 0
        while sum(bool(member.queued_bytes) for member in made) < 10:
            group.send(Batch((f"{sent} " + "x" * 20_000,)))
            for ws in reading:
                assert await read_numbers(ws, 1) == [sent]
            if sent < len(leaving):
                reset(leaving[sent].writer.get_extra_info("socket"))
                leaving[sent].writer.transport.abort()
            sent += 1
        for ws in stalled:
            ws.writer.transport.resume_reading()

        for ws in stalled:
            assert await read_numbers(ws, sent) == list(range(sent))
        await until(lambda: all(m.is_closed or not m.queued_bytes for m in made))
        group.send(Batch((f"{sent}",)))
        answers = [read_numbers(ws, 1) for ws in (*reading, *stalled)]
        assert await asyncio.gather(*answers) == [[sent]] * 20


# --- which way ------------------------------------------------------------------------


def test_only_python_sends_for_a_tls_socket(stack: ExitStack, way: str) -> None:
    """Its bytes must not go to the bare socket below."""
    ours, _ = pairs(stack, 1)[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    tls = stack.enter_context(context.wrap_socket(ours, do_handshake_on_connect=False))

    assert (fanout.handle(tls) is not None) == (way == "python")


def test_unknown_way_is_an_error_that_names_the_rule() -> None:
    """A misspelt one is not taken for any."""
    with pytest.raises(ValueError, match=r"FEEDSVC_FANOUT .* io_uring, send, python"):
        fanout.choose("iouring")


def test_plain_python_serves_where_the_extension_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was wanted; the log says so."""
    monkeypatch.setitem(sys.modules, "feedsvc.sockjs._fanout", None)
    monkeypatch.delattr("feedsvc.sockjs._fanout", raising=False)
    caplog.set_level("INFO", "feedsvc.sockjs")

    chosen = [fanout.choose(wanted)[0] for wanted in ("", *fanout.WAYS)]

    assert chosen == ["python"] * 4
    assert "fan-out without the extension" in caplog.text


# What follows breaks a whole process, hence its own.
SEND_TO_MANY = """
import logging, os, resource, socket, sys
from feedsvc.sockjs import fanout

def send(frame):
    failures = fanout.send_all(frame, {ours: fanout.handle(ours) for ours, _ in pairs})
    assert not failures, failures

def check(expected):
    assert {theirs.recv(99) for _, theirs in pairs} == {expected}

pairs = [socket.socketpair() for _ in range(400)]
"""


def run(script: str, way: str = "") -> str:
    """Return what the script prints, run by a process that sends to many sockets."""
    done = subprocess.run(
        [sys.executable, "-c", SEND_TO_MANY + script],
        env=os.environ | {"FEEDSVC_FANOUT": way},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_io_uring_that_is_refused_gives_way_for_good() -> None:
    """Here by a process that may open no more files; the log says so once."""
    printed = run(
        """
logging.basicConfig(level="INFO", stream=sys.stdout)
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
first, fanout.send_all = fanout.choose("io_uring")
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
send(b"one")
send(b"two")
check(b"onetwo")
print(first, fanout.choose("")[0])
""",
        way="send",
    )

    log, ways = printed.split("\n", 1)
    second_best = fanout.choose("send")[0]
    assert ways.split()[-2:] == [second_best, second_best]
    assert log.startswith("WARNING:feedsvc.sockjs:fan-out without ")


@pytest.mark.parametrize("takes_its_number", [False, True])
def test_ring_that_somebody_closes_loses_no_frame(takes_its_number: bool) -> None:
    """As a process does that closes all it inherited; another file may come there."""
    run(
        f"""
send(b"one")
for number in range(3, 2000):
    try:
        is_ring = "io_uring" in os.readlink(f"/proc/self/fd/{{number}}")
    except OSError:
        continue
    if is_ring and {takes_its_number}:
        os.dup2(0, number)
    elif is_ring:
        os.close(number)
send(b"two")
send(b"three")
check(b"onetwothree")
"""
    )


def test_forked_child_has_a_ring_of_its_own() -> None:
    """The kernel would take its entries for its parent's."""
    run(
        """
send(b"one")
child = os.fork()
if child == 0:
    send(b"two")
    os._exit(fanout.choose("")[0] != fanout.IMPLEMENTATION)
assert os.waitpid(child, 0)[1] == 0
send(b"three")
check(b"onetwothree")
"""
    )
