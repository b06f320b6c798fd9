"""Positions: the order in which MongoDB committed, and the cursor clients hold.

A position is the cluster time of a change event (seconds, increment) and an ordinal
that tells the events of one transaction apart.
It is the same in every process that reads the same change stream.
"""

from __future__ import annotations

import base64
import binascii
import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from feedsvc.errors import BadCursor

_VERSION = 1
_LAYOUT = struct.Struct(">B4sIIH")  # 15 bytes: 20 characters, no padding
_LENGTH = 20


class Position(NamedTuple):
    """A place in the change stream; compares in commit order."""

    seconds: int
    increment: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position and the epoch of the collection that it belongs to.

    ``epoch`` is four bytes made of the collection's UUID: a cursor of a collection
    that was dropped and made anew is not mistaken for one of today's.
    """

    epoch: bytes
    position: Position

    def __str__(self) -> str:
        """Return the opaque form that clients hold: 20 URL-safe characters."""
        packed = _LAYOUT.pack(_VERSION, self.epoch, *self.position)
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def parse(cls, text: object, field: str = "since") -> Cursor:
        """Return what ``str`` made; raise ``BadCursor`` if it did not make it."""
        if not isinstance(text, str) or len(text) != _LENGTH or not text.isascii():
            raise BadCursor(field, f"must be a cursor: {_LENGTH} characters as sent")
        try:
            packed = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadCursor(field, "must be a cursor as it was sent") from error
        if len(packed) != _LAYOUT.size:
            raise BadCursor(field, "must be a cursor as it was sent")
        version, epoch, *position = _LAYOUT.unpack(packed)
        if version != _VERSION:
            raise BadCursor(field, "must be a cursor of this version")
        return cls(epoch, Position(*position))


T = TypeVar("T")


class Ring(Generic[T]):
    """The recent changes in commit order, bounded by count, bytes and age.

    ``floor`` is the newest position that is *not* covered: everything after it is
    here.  Appending and trimming are O(1), and what is trimmed is let go at once;
    ``after`` looks at a few positions and at its answer.
    """

    def __init__(
        self, floor: Position, *, max_count: int, max_bytes: int, max_age_s: int
    ) -> None:
        self.floor = floor
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._bytes = 0
        self._positions: deque[Position] = deque()
        self._entries: deque[tuple[T, int]] = deque()

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def append(self, position: Position, entry: T, size: int) -> None:
        """Add the newest change; ``size`` is what it weighs in bytes."""
        self._positions.append(position)
        self._entries.append((entry, size))
        self._bytes += size
        self._trim(position.seconds - self._max_age_s)

    def after(self, position: Position) -> Sequence[T] | None:
        """Return the changes after ``position``, or None if some may be missing."""
        if position < self.floor:
            return None
        count = len(self._positions) - bisect_right(self._positions, position)
        newest_first = islice(reversed(self._entries), count)
        return [entry for entry, _ in newest_first][::-1]

    def _trim(self, oldest_s: int) -> None:
        positions, entries = self._positions, self._entries
        while len(positions) > 1 and (
            len(positions) > self._max_count
            or self._bytes > self._max_bytes
            or positions[0].seconds < oldest_s
        ):
            self.floor = positions.popleft()
            self._bytes -= entries.popleft()[1]
