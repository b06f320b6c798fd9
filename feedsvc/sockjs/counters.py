"""What a service has done so far, in plain integers that are cheap to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """Counts of one service; all grow, except ``sessions``."""

    sessions: Counter[str] = field(default_factory=Counter)  # open now, by transport
    opened: Counter[str] = field(default_factory=Counter)  # by transport
    closed: Counter[int] = field(default_factory=Counter)  # by close code
    refused: Counter[str] = field(default_factory=Counter)  # by reason
    frames_sent: int = 0
    bytes_sent: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    heartbeats: int = 0
    slow: int = 0  # sessions cut because their queue passed a limit
    dead: int = 0  # peers that did not answer a ping
    delayed: int = 0  # receive requests put off because they came in a storm
    errors: int = 0  # application callbacks that raised

    def snapshot(self) -> dict[str, Any]:
        """Return a copy that nobody changes."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name in self.__slots__
            for value in (getattr(self, name),)
        }
