"""Compressed WebSocket messages, judged by other implementations."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs import Batch, Group, SockJSRouter
from feedsvc.sockjs.codec import DEFLATED, TEXT, FrameParser, Violation
from feedsvc.sockjs.deflate import deflate, inflate, negotiate
from feedsvc.sockjs.wire import DEFLATE_RECEIVERS
from tests.sockjs.support import Client, masked, recorders, serving, until
from tests.sockjs.test_group import Member

LIMIT = 1000
PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
LONG = json.dumps({"text": "Grüße, the concert begins at eight. " * 60})


# --- what is agreed on -------------------------------------------------------------


@pytest.mark.parametrize(
    "offers",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        'permessage-deflate; client_max_window_bits="10"',
        "permessage-deflate;server_no_context_takeover ; client_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; server_max_window_bits=9, permessage-deflate",
    ],
)
def test_offer_that_can_be_met_is_accepted(offers: str) -> None:
    """Neither side keeps a context, whatever was offered."""
    assert negotiate(offers) == PLAIN


def test_full_window_is_confirmed() -> None:
    """RFC 7692, 7.1.2.1: a server that accepts the parameter says so."""
    answer = negotiate("permessage-deflate; server_max_window_bits=15")
    assert answer == f"{PLAIN}; server_max_window_bits=15"


@pytest.mark.parametrize(
    "offers",
    [
        "",
        "permessage-bzip2",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
    ],
)
def test_offer_that_cannot_be_met_is_declined(offers: str) -> None:
    """The connection then goes on without compression."""
    assert negotiate(offers) is None


@given(st.text())
def test_no_offer_breaks_the_handshake(offers: str) -> None:
    """Whatever stands in the header."""
    assert negotiate(offers) in (None, PLAIN, f"{PLAIN}; server_max_window_bits=15")


# --- what comes in -----------------------------------------------------------------


def feed(*frames: bytes, deflates: bool = True) -> list[Any]:
    parser = FrameParser(LIMIT, deflates=deflates)
    return [event for frame in frames for event in parser.feed(frame)]


@given(st.text(max_size=200))
def test_compressed_text_arrives(text: str) -> None:
    """As one frame, and cut into fragments."""
    packed = deflate(text.encode())
    half = len(packed) // 2
    fragments = [
        masked(TEXT | DEFLATED, packed[:half], final=False),
        masked(0, packed[half:]),
    ]

    assert feed(masked(TEXT | DEFLATED, packed)) == [text]
    assert feed(*fragments) == [text]


def test_plain_text_arrives_where_compression_was_agreed_on() -> None:
    """The peer chooses for each message."""
    assert feed(masked(TEXT, b"a"), masked(TEXT | DEFLATED, deflate(b"b"))) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([masked(TEXT | DEFLATED, deflate(b"x" * (LIMIT + 1)))], 1009),
        ([masked(TEXT | DEFLATED, deflate(b"\0" * 900_000))], 1009),
        ([masked(TEXT | DEFLATED, b"\xff\xff\xff")], 1007),
        ([masked(TEXT | DEFLATED, deflate(b"\xc3"))], 1007),
        ([masked(TEXT, b"a", final=False), masked(DEFLATED, b"b")], 1002),
        ([masked(0x9 | DEFLATED, b"ping")], 1002),
        ([masked(TEXT | 0x20, b"a")], 1002),
    ],
    ids=["long", "bomb", "broken", "no UTF-8", "fragment", "control", "other bit"],
)
def test_bad_compression_is_a_violation(frames: list[bytes], code: int) -> None:
    """And a bomb ends at the limit, not at its size."""
    *_, last = feed(*frames)
    assert isinstance(last, Violation)
    assert last.code == code


def test_compressed_message_without_an_agreement_is_a_violation() -> None:
    """RFC 6455, 5.2."""
    [event] = feed(masked(TEXT | DEFLATED, deflate(b"a")), deflates=False)
    assert isinstance(event, Violation)
    assert event.code == 1002


@given(st.binary(max_size=300))
def test_no_bytes_break_inflating(packed: bytes) -> None:
    """They are a message within the limit, or refused."""
    with contextlib.suppress(ValueError):
        assert len(inflate(packed, LIMIT)) <= LIMIT


# --- what goes out -----------------------------------------------------------------


@contextlib.asynccontextmanager
async def crowd(
    path: str, count: int, **settings: Any
) -> AsyncIterator[tuple[Group, SockJSRouter, list[Any], Client]]:
    """Open connections of another implementation, which offers compression."""
    group = Group()
    _, factory = recorders(type("Joining", (Member,), {"group": group}))
    router = SockJSRouter(factory, "/live", settings)
    async with serving(router) as client, contextlib.AsyncExitStack() as stack:
        url = f"ws://127.0.0.1:{client.port}/live{path}"
        peers = [
            await stack.enter_async_context(
                websockets.connect(url.format(number), ping_interval=None)
            )
            for number in range(count)
        ]
        await until(lambda: len(group) == count)
        if "websocket" not in path.split("/")[1]:
            assert [await peer.recv() for peer in peers] == ["o"] * count
        yield group, router, peers, client


async def test_what_many_get_is_compressed_once() -> None:
    """Those who cannot inflate get it as it is, in the same order."""
    async with crowd("/s/{}/websocket", DEFLATE_RECEIVERS) as (group, router, *rest):
        peers, client = rest
        old = await client.websocket("/live/s/old/websocket")
        assert await old.receive() == "o"
        await until(lambda: len(group) == DEFLATE_RECEIVERS + 1)
        before = router.stats()["bytes_sent"]

        group.send(Batch((LONG,)))
        group.send(Batch(("short",)))

        expected = [f"a[{json.dumps(LONG, ensure_ascii=False)}]", 'a["short"]']
        for peer in peers:
            assert [await peer.recv(), await peer.recv()] == expected
        assert [await old.receive(), await old.receive()] == expected
        sent = router.stats()["bytes_sent"] - before
        assert sent < len(LONG) * (1 + DEFLATE_RECEIVERS / 4)


async def test_raw_websockets_get_each_message_compressed() -> None:
    """The short one beside it stays as it is."""
    async with crowd("/websocket", DEFLATE_RECEIVERS) as (group, router, peers, _):
        group.send(Batch((LONG, "short")))

        for peer in peers:
            assert [await peer.recv(), await peer.recv()] == [LONG, "short"]
        assert router.stats()["bytes_sent"] < len(LONG) * DEFLATE_RECEIVERS / 4


async def test_what_few_get_is_not_compressed() -> None:
    """It would take longer than it saves."""
    few = DEFLATE_RECEIVERS - 1
    async with crowd("/s/{}/websocket", few) as (group, router, peers, _):
        before = router.stats()["bytes_sent"]
        group.send(Batch((LONG,)))

        for peer in peers:
            assert json.loads((await peer.recv())[1:]) == [LONG]
        assert router.stats()["bytes_sent"] - before > len(LONG) * few


async def test_same_answer_to_many_is_compressed_too() -> None:
    """As in a storm of clients that come back and ask for the same."""
    async with crowd("/s/{}/websocket", 2 * DEFLATE_RECEIVERS) as (group, *_):
        members = list(group)
        before = members[0].session.service.counters.bytes_sent

        for member in members:
            member.send(LONG)

        sent = members[0].session.service.counters.bytes_sent - before
        assert sent < len(LONG) * (DEFLATE_RECEIVERS * 1.3)


async def test_compression_can_be_switched_off() -> None:
    """The handshake then agrees on nothing."""
    async with crowd("/websocket", 1, deflate=False) as (*_, peers, _client):
        assert "Sec-WebSocket-Extensions" not in peers[0].response.headers


def test_compressed_form_is_the_one_of_the_rfc() -> None:
    """The example of RFC 7692, 7.2.3.1, inflates; ours is inflated by zlib."""
    assert inflate(bytes.fromhex("f248cdc9c90700"), 5) == b"Hello"
    unpacker = zlib.decompressobj(-15)
    assert unpacker.decompress(deflate(b"Hello") + b"\0\0\xff\xff") == b"Hello"


@given(st.lists(st.text(max_size=400).map(str.encode), min_size=2, max_size=8))
def test_messages_know_nothing_of_each_other(payloads: list[bytes]) -> None:
    """A client that missed all before it reads each; so do those of other frames."""
    packed = [deflate(payload) for payload in payloads]

    assert [inflate(one, LIMIT * 10) for one in reversed(packed)] == payloads[::-1]
    assert packed == [deflate(payload) for payload in payloads]


def test_threads_do_not_mix_their_messages() -> None:
    """Event loops in several threads compress at the same time."""
    payloads = [json.dumps({"n": number, "text": LONG}).encode() for number in range(8)]

    def deflate_often(payload: bytes) -> set[bytes]:
        return {deflate(payload) for _ in range(200)}

    with ThreadPoolExecutor(len(payloads)) as pool:
        found = list(pool.map(deflate_often, payloads))

    assert [{inflate(one, 10**5) for one in each} for each in found] == [
        {payload} for payload in payloads
    ]
