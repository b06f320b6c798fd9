"""The outbox of one WebSocket: nothing lost, nothing twice, nothing overtaken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.sockjs.outbox import Outbox


class Sink:
    """A socket that takes as many bytes a call as it is told, 0 for would-block."""

    def __init__(self, takes: list[int]) -> None:
        self.data = b""
        self._takes = takes

    def send(self, frame: bytes | memoryview) -> int:
        size = self._takes.pop() if self._takes else len(frame)
        if not size:
            raise BlockingIOError
        taken = bytes(frame[:size])
        self.data += taken
        return len(taken)


@given(
    st.lists(st.binary(min_size=1, max_size=30), min_size=1),
    st.lists(st.integers(0, 20)),
)
def test_bytes_leave_once_and_in_order(frames: list[bytes], takes: list[int]) -> None:
    """However the socket takes them."""
    outbox, sink = Outbox(), Sink(takes)
    for frame in frames:
        outbox.append(frame, 1)

    while not outbox.flush(sink.send):
        assert outbox.bytes == sum(map(len, frames)) - len(sink.data)

    assert sink.data == b"".join(frames)
    assert (outbox.bytes, outbox.messages) == (0, 0)


def test_frame_that_has_begun_is_kept() -> None:
    """The peer could read nothing after half a frame."""
    outbox, sink = Outbox(), Sink([2])
    outbox.append(b"first", 1)
    outbox.append(b"second", 3)
    outbox.flush(sink.send)

    outbox.keep_first()

    assert (outbox.bytes, outbox.messages) == (3, 1)
    outbox.append(b"!", 0)
    assert outbox.flush(sink.send)
    assert sink.data == b"first!"


def test_age_is_that_of_the_first_frame() -> None:
    """A part that leaves makes it no younger."""
    outbox = Outbox()
    outbox.append(b"first", 1)
    since = outbox.oldest
    outbox.append(b"second", 1)
    outbox.flush(Sink([2]).send)

    assert outbox.oldest == since


def test_broken_socket_is_told() -> None:
    """Anything but would-block is an end."""

    def send(frame: bytes | memoryview) -> int:
        raise ConnectionResetError

    outbox = Outbox()
    outbox.append(b"x", 1)

    with pytest.raises(ConnectionResetError):
        outbox.flush(send)
