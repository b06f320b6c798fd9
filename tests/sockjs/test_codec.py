"""The WebSocket parser: every rule of the RFC by function calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs.codec import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NO_CODE,
    PING,
    PONG,
    TEXT,
    Close,
    Event,
    FrameParser,
    Ping,
    Pong,
    Violation,
    accept_key,
    build_close,
    build_frame,
    unmask,
)
from tests.sockjs.support import masked

LIMIT = 100_000


def parse(data: bytes, limit: int = LIMIT) -> list[Event]:
    return FrameParser(limit).feed(data)


def assert_violates(data: bytes, code: int, words: str, limit: int = LIMIT) -> None:
    *_, last = parse(data, limit)
    assert isinstance(last, Violation)
    assert (last.code, words in last.reason) == (code, True), last


def test_key_of_the_rfc_gets_the_answer_of_the_rfc() -> None:
    """The example of RFC 6455, part 1.3."""
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("key", ["", "x", "AAAA", "dGhlIHNhbXBsZSBub25jZQ", "é" * 24])
def test_malformed_key_gets_no_answer(key: str) -> None:
    """A key is 16 bytes in base64."""
    assert accept_key(key) is None


@given(st.text(), st.integers(1, 40))
def test_text_arrives_however_the_bytes_are_cut(text: str, step: int) -> None:
    """A message sent is the message received, for any segmentation."""
    parser = FrameParser(LIMIT)
    data = masked(TEXT, text.encode())

    events = [
        event
        for start in range(0, len(data), step)
        for event in parser.feed(data[start : start + step])
    ]

    assert events == [text]


@given(st.lists(st.binary(max_size=300)), st.binary(max_size=300), st.integers(1, 99))
def test_fragments_make_one_message(
    fragments: list[bytes], last: bytes, step: int
) -> None:
    """Fragments with pings between them arrive as one message."""
    frames = [masked(CONTINUATION, fragment, final=False) for fragment in fragments]
    frames = [masked(BINARY, b"first", final=False), *frames]
    data = masked(PING, b"?").join(frames) + masked(CONTINUATION, last)
    parser = FrameParser(LIMIT)

    events = [
        event
        for start in range(0, len(data), step)
        for event in parser.feed(data[start : start + step])
    ]

    assert events[-1] == b"first" + b"".join(fragments) + last
    assert events[:-1] == [Ping(b"?")] * len(fragments)


@given(st.binary(max_size=200_000))
def test_mask_applied_twice_is_nothing(payload: bytes) -> None:
    """Masking is its own inverse."""
    assert unmask(unmask(payload, b"\1\2\3\4"), b"\1\2\3\4") == payload


def test_mask_is_applied_byte_by_byte() -> None:
    """Byte i is masked with byte i modulo 4."""
    assert unmask(b"\0" * 6, b"abcd") == b"abcdab"


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_length_is_written_in_its_shortest_form(size: int) -> None:
    """The three forms of a length change over at 126 and 65,536."""
    frame = build_frame(BINARY, bytes(size))

    assert len(frame) - size == (2 if size < 126 else 4 if size < 65536 else 10)
    assert parse(masked(BINARY, bytes(size))) == [bytes(size)]


def test_control_frames_are_told_apart() -> None:
    """Ping, pong and close arrive as what they are."""
    data = masked(PING, b"a") + masked(PONG, b"b") + masked(CLOSE, b"\x03\xe8bye")

    assert parse(data) == [Ping(b"a"), Pong(b"b"), Close(1000, "bye")]


def test_close_without_code_is_allowed() -> None:
    """An empty close frame has no code."""
    assert parse(masked(CLOSE, b"")) == [Close(NO_CODE, "")]


def test_nothing_comes_after_close() -> None:
    """What follows a close frame is ignored, now and later."""
    parser = FrameParser(LIMIT)

    events = parser.feed(masked(CLOSE, b"") + masked(TEXT, b"late"))

    assert events == [Close(NO_CODE, "")]
    assert parser.feed(masked(TEXT, b"later")) == []


def test_messages_before_a_violation_arrive() -> None:
    """A broken frame does not swallow the good ones before it."""
    first, last = parse(masked(TEXT, b"good") + b"\xf1\x80")

    assert first == "good"
    assert isinstance(last, Violation)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x81\x05hello", "not masked"),
        (b"\xc1\x80abcd", "reserved bit"),
        (b"\x83\x80abcd", "opcode"),
        (b"\x8b\x80abcd", "opcode"),
        (masked(PING, b"", final=False), "fragmented"),
        (b"\x89\xfe\x00\x7eabcd", "too long"),
        (masked(CONTINUATION, b"x"), "nothing to continue"),
        (masked(TEXT, b"x", final=False) + masked(TEXT, b"y"), "not finished"),
        (b"\x81\xfe\x00\x05abcd", "shortest form"),
        (b"\x81\xff" + (65535).to_bytes(8, "big") + b"abcd", "shortest form"),
        (b"\x81\xff\x80" + bytes(7) + b"abcd", "top bit"),
        (masked(CLOSE, b"\x03"), "close code"),
        (masked(CLOSE, (999).to_bytes(2, "big")), "close code"),
        (masked(CLOSE, (1005).to_bytes(2, "big")), "close code"),
        (masked(CLOSE, (1006).to_bytes(2, "big")), "close code"),
        (masked(CLOSE, (2999).to_bytes(2, "big")), "close code"),
        (masked(CLOSE, (5000).to_bytes(2, "big")), "close code"),
    ],
)
def test_broken_rule_is_a_protocol_error(data: bytes, words: str) -> None:
    """Each rule for clients' frames has its own reason, and code 1002."""
    assert_violates(data, 1002, words)


@pytest.mark.parametrize(
    "data",
    [
        masked(TEXT, b"\xff"),
        masked(TEXT, b"\xed\xa0\x80"),
        masked(TEXT, b"\xce\xba" * 100 + b"\xc0"),
        masked(CLOSE, b"\x03\xe8\xff"),
        masked(TEXT, b"\xce", final=False) + masked(CONTINUATION, b"", final=True),
    ],
)
def test_text_that_is_not_utf8_is_refused(data: bytes) -> None:
    """Bad UTF-8 is code 1007, in messages and in close reasons."""
    assert_violates(data, 1007, "UTF-8")


def test_character_may_be_cut_between_fragments() -> None:
    """UTF-8 is checked across fragments, not in each."""
    data = masked(TEXT, b"\xce", final=False) + masked(CONTINUATION, b"\xba")

    assert parse(data) == ["κ"]


def test_bad_text_is_refused_at_the_fragment_that_breaks_it() -> None:
    """A client cannot make us hold a message that is broken already."""
    assert_violates(masked(TEXT, b"\xff", final=False), 1007, "UTF-8")


def test_too_long_a_frame_is_refused_before_its_payload() -> None:
    """The head alone is enough."""
    assert_violates(b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009, "over 10", 10)


def test_too_long_a_message_is_refused_in_fragments() -> None:
    """The limit counts all fragments."""
    data = masked(TEXT, b"x" * 6, final=False) + masked(CONTINUATION, b"x" * 5)

    assert_violates(data, 1009, "over 10", 10)


def test_small_frame_over_the_limit_is_refused() -> None:
    """The short way has the limit too."""
    assert_violates(masked(TEXT, b"x" * 11), 1009, "over 10", 10)


@given(st.binary(max_size=500), st.integers(1, 50))
def test_no_bytes_break_the_parser(data: bytes, step: int) -> None:
    """Whatever comes, the parser answers with events, and with one end at most."""
    parser = FrameParser(1000)
    events: list[Event] = []

    for start in range(0, len(data), step):
        events += parser.feed(data[start : start + step])

    ends = [event for event in events if isinstance(event, Close | Violation)]
    assert ends == [] or ends == events[-1:]


@given(st.text())
def test_close_reason_is_cut_between_characters(reason: str) -> None:
    """A close frame never exceeds 125 bytes and stays UTF-8."""
    payload = build_close(3000, reason)[2:]

    assert len(payload) <= 125
    assert reason.encode("utf-8", "replace").startswith(payload[2:])
