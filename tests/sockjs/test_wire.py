"""Frames and escapes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs.wire import (
    Batch,
    PayloadError,
    array_frame,
    close_frame,
    decode_payload,
    encode_message,
)

FRAGILE = [
    *range(0x20),
    *range(0x200C, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x2060, 0x2070),
    *range(0xFFF0, 0x10000),
    *range(0xD800, 0xE000),
]

any_text = st.text(st.characters(exclude_categories=()))


@given(any_text)
def test_message_comes_back_from_its_json(text: str) -> None:
    """Encoding loses nothing, not even lone surrogates."""
    assert json.loads(encode_message(text)) == text


@given(any_text)
def test_encoded_message_holds_nothing_fragile(text: str) -> None:
    """What browsers and intermediaries alter is escaped, and all is UTF-8."""
    encoded = encode_message(text)

    assert not set(map(ord, encoded)) & set(FRAGILE)
    encoded.encode()


def test_escapes_are_lower_case_with_four_digits() -> None:
    """Conformance tests compare them literally."""
    assert encode_message("\u200c\uffff\ud800\x1f") == '"\\u200c\\uffff\\ud800\\u001f"'


def test_other_characters_stay_as_they_are() -> None:
    """Escaping everything would triple the size of most scripts."""
    assert encode_message("Grüße 😀 Ж") == '"Grüße 😀 Ж"'


@given(st.lists(any_text))
def test_array_frame_round_trips(messages: list[str]) -> None:
    """Clients get the messages in order."""
    frame = array_frame(map(encode_message, messages))

    assert frame[0] == "a"
    assert json.loads(frame[1:]) == messages


def test_close_reason_is_encoded_not_pasted() -> None:
    """A quote in the reason must not end the string."""
    assert close_frame(3000, 'say "x"') == 'c[3000,"say \\"x\\""]'


@given(st.lists(any_text))
def test_payload_round_trips(messages: list[str]) -> None:
    """What the browser client sends is what the application gets."""
    assert decode_payload(json.dumps(messages)) == messages


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("", "Payload expected."),
        ("{}", "Payload expected."),
        ('"x"', "Payload expected."),
        ("[1]", "Payload expected."),
        ('["a",null]', "Payload expected."),
        ("[", "Broken JSON encoding."),
        ("[" * 100_000, "Broken JSON encoding."),
        ("1" * 10_000, "Broken JSON encoding."),
        (b"\xff\xff", "Broken JSON encoding."),
    ],
)
def test_other_payloads_are_refused(payload: str | bytes, words: str) -> None:
    """The two texts are the protocol's."""
    with pytest.raises(PayloadError, match=words):
        decode_payload(payload)


def test_batch_encodes_each_form_once() -> None:
    """Groups and sessions share the very bytes."""
    batch = Batch(("a", "b"))

    assert batch.websocket == b'\x81\x0aa["a","b"]'
    assert batch.raw == b"\x81\x01a\x81\x01b"
    assert batch.websocket is batch.websocket
    assert batch.raw is batch.raw
    assert batch.form(str.encode) is batch.form(str.encode)


def test_batch_takes_messages_that_are_encoded_already() -> None:
    """A caller that caches the JSON strings saves the work."""
    assert Batch(("a",), ('"\\u0061"',)).frame == 'a["\\u0061"]'


def test_lone_surrogate_does_not_break_a_raw_websocket() -> None:
    """It has no UTF-8 form, and browsers close on text that is not UTF-8."""
    assert Batch(("\ud800",)).raw == b"\x81\x01?"
