"""Channels: dotted paths, what lies above them and what they cover."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from feedsvc.errors import BadChannel

MAX_SEGMENTS = 10
MAX_BYTES = 255
STAR = "*"

_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """A channel, or with ``*`` segments a pattern of channels.

    Make it with ``parse``; the constructor trusts its argument.
    """

    path: str

    @classmethod
    def parse(cls, text: object, field: str = "channel") -> Channel:
        """Return the channel that ``text`` names, folded to lower case.

        Raise ``BadChannel``, which names ``field`` and the broken rule.
        """
        return _parse(_text(text, field), field, False)

    @classmethod
    def parse_pattern(cls, text: object, field: str = "channel") -> Channel:
        """Like ``parse``, but ``*`` may stand for exactly one segment."""
        return _parse(_text(text, field), field, True)

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.path.split("."))

    @property
    def is_pattern(self) -> bool:
        return STAR in self.path

    @property
    def lineage(self) -> tuple[str, ...]:
        """The paths of all channels above and of this one, root first."""
        return lineage(self.path)

    @property
    def fixed(self) -> str:
        """The path of the segments before the first ``*``; may be empty."""
        return self.path.partition(STAR)[0].rstrip(".")

    def covers(self, other: Channel) -> bool:
        """True if ``other`` is this channel or lies below it.

        Segments are compared, so ``a.b`` does not cover ``a.bc``.
        """
        if STAR not in self.path:
            return other.path == self.path or other.path.startswith(self.path + ".")
        mine, theirs = self.segments, other.segments
        return len(theirs) >= len(mine) and all(
            m in (STAR, t) for m, t in zip(mine, theirs, strict=False)
        )

    def __str__(self) -> str:
        return self.path


@lru_cache(maxsize=4096)
def lineage(path: str) -> tuple[str, ...]:
    """Return the paths of the channel and of all above it, root first."""
    segments = path.split(".")
    return tuple(".".join(segments[: n + 1]) for n in range(len(segments)))


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise BadChannel(field, "must be a string")
    if len(value) > MAX_BYTES:
        raise BadChannel(field, f"must have at most {MAX_BYTES} bytes")
    # Before folding, since lower() turns some other letters into ASCII ones.
    if not value.isascii():
        raise BadChannel(field, "must have only a-z, 0-9, '_', '-' and dots")
    return value


@lru_cache(maxsize=4096)
def _parse(text: str, field: str, stars: bool) -> Channel:
    path = text.lower()
    segments = path.split(".")
    if len(segments) > MAX_SEGMENTS:
        raise BadChannel(field, f"must have at most {MAX_SEGMENTS} segments")
    for segment in segments:
        if segment == STAR and stars:
            continue
        if segment == STAR:
            raise BadChannel(field, "'*' is allowed in subscriptions and queries only")
        if not _SEGMENT.fullmatch(segment):
            raise BadChannel(
                field,
                "each segment must start with a-z or 0-9 and have 1 to 63 of"
                f" a-z, 0-9, '_' and '-'; {segment!r} has not",
            )
    return Channel(path)
