"""Content over time: what has been published by now, the same after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")

# How old, in slots, what is still shown may be; of older slots only each third, then
# each ninth, so that a station that starts has a past of hours and not of minutes.
_SHOWN = ((6, 1), (30, 3), (180, 9))


@dataclass(frozen=True, slots=True)
class Published(Generic[T]):
    """A piece of content that came out at a time; ``number`` makes its id."""

    content: T
    number: int
    at: datetime

    def age_s(self, now: datetime) -> float:
        return (now - self.at).total_seconds()


def published(
    contents: Sequence[T], now: datetime, *, every_s: int, offset_s: int = 0
) -> list[Published[T]]:
    """Return what is out by now, newest first, each content at most once.

    Time is cut into slots of ``every_s``, each of which brings the next content.
    """
    newest = int(now.timestamp() - offset_s) // every_s
    found: dict[int, Published[T]] = {}
    for age in range(_SHOWN[-1][0]):
        number = newest - age
        step = next(step for limit, step in _SHOWN if age < limit)
        # A little early or late, as people are.
        at_s = number * every_s + offset_s + number * 7919 % (every_s // 3)
        if number % step or at_s > now.timestamp():
            continue
        at = datetime.fromtimestamp(at_s, UTC)
        index = number % len(contents)
        found.setdefault(index, Published(contents[index], number, at))
    return list(found.values())


def played(
    lengths_s: Sequence[int], now: datetime, count: int
) -> list[tuple[int, datetime]]:
    """Return the last ``count`` tracks, played in turn, with their starts.

    Newest first: the first is on the air.
    """
    into_s = int(now.timestamp()) % sum(lengths_s)
    index = 0
    while into_s >= lengths_s[index]:
        into_s -= lengths_s[index]
        index += 1
    since_s = int(now.timestamp()) - into_s
    found = []
    for _ in range(count):
        found.append((index, datetime.fromtimestamp(since_s, UTC)))
        index = (index - 1) % len(lengths_s)
        since_s -= lengths_s[index]
    return found
