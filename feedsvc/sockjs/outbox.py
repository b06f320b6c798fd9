"""What one WebSocket has not taken yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from ssl import SSLWantReadError, SSLWantWriteError
from time import monotonic

# What a socket raises when it can take nothing now.
WOULD_BLOCK = (BlockingIOError, InterruptedError, SSLWantReadError, SSLWantWriteError)


class Outbox:
    """Frames in order, the first one perhaps partly sent."""

    __slots__ = ("_frames", "bytes", "messages")

    def __init__(self) -> None:
        self._frames: deque[tuple[bytes | memoryview, int, float]] = deque()
        self.bytes = 0
        self.messages = 0

    def append(self, frame: bytes, messages: int) -> None:
        """Queue a frame, or the rest of one, that carries so many messages."""
        self._frames.append((frame, messages, monotonic()))
        self.bytes += len(frame)
        self.messages += messages

    def flush(self, send: Callable[[bytes | memoryview], int]) -> bool:
        """Send what goes; say whether all went. Raise OSError if the peer is gone."""
        while self._frames:
            frame, messages, queued_at = self._frames[0]
            try:
                taken = send(frame)
            except WOULD_BLOCK:
                return False
            self.bytes -= taken
            if taken < len(frame):
                rest = memoryview(frame)[taken:]
                self._frames[0] = (rest, messages, queued_at)
                return False
            self.messages -= messages
            self._frames.popleft()
        return True

    def keep_first(self) -> None:
        """Drop all but the first frame: its beginning may be on the wire already."""
        first = self._frames[0]
        self._frames.clear()
        self._frames.append(first)
        self.bytes, self.messages = len(first[0]), first[1]

    @property
    def oldest(self) -> float:
        """When the first frame was queued, by the monotonic clock."""
        return self._frames[0][2]
