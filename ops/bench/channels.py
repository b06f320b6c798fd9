"""Measure the hub alone: what an item costs with ever more channels and cohorts.

    channels.py             time per item, from 100 to 100,000 channels

Each channel has one subscriber of its own, and one more listens to everything above
it; an item goes to one channel.  Nothing is sent: a member only counts.  The cost of
an item has to stay the same however many channels others listen to.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from feedsvc.core.access import Scope
from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.item import Item, ItemType
from feedsvc.core.messages import Delivery, deliver
from feedsvc.core.position import Cursor, Position, Ring

COUNTS = (100, 1_000, 10_000, 100_000)
ROUNDS = 5
ITEMS = 2_000
EPOCH = bytes(4)


class Members:
    """The members of a cohort, who count what they get."""

    def __init__(self) -> None:
        self._members: set[int] = set()
        self.received = 0

    def add(self, member: int) -> None:
        self._members.add(member)

    def discard(self, member: int) -> None:
        self._members.discard(member)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.received += len(deliveries) * len(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[int]:
        return iter(self._members)


def channel(number: int) -> Channel:
    """Return one of many channels of a big site, ten below each parent."""
    return Channel.parse(f"site.s{number // 100}.t{number // 10 % 10}.c{number}")


def deliveries(count: int) -> list[Delivery]:
    """Return items for channels all over the site, as the stream would bring them."""
    now = datetime.now(UTC)
    made = []
    for number in range(ITEMS):
        item = Item(
            id=f"bench:{number}",
            type=ItemType.POST,
            channel=channel(number * 7919 % count),
            date=now,
            rev=1,
            body={"title": f"item {number}", "content_text": "x" * 150},
        )
        made.append(deliver(item, Cursor(EPOCH, Position(2, number))))
    return made


def full_hub(count: int) -> tuple[Hub[int], float]:
    """Return a hub with a subscriber for each channel, and seconds per subscriber."""
    ring: Ring[Delivery] = Ring(
        Position(1, 0), max_count=10_000, max_bytes=64 << 20, max_age_s=600
    )
    hub: Hub[int] = Hub(EPOCH, ring, Members, hot_items=1_000)
    scopes = [frozenset({Scope(channel(number))}) for number in range(count)]
    began = time.perf_counter()
    for number, scope in enumerate(scopes):
        hub.move(number, None, scope)
    took = time.perf_counter() - began
    hub.move(count, None, frozenset({Scope(Channel.parse("site"))}))
    return hub, took / count


def measure(count: int) -> dict[str, float]:
    """Return what one item and one subscriber cost with so many channels."""
    hub, join_s = full_hub(count)
    news = deliveries(count)
    costs = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for delivery in news:
            hub.accept(delivery)
            hub.flush()
        costs.append((time.perf_counter() - began) / len(news))
    received = sum(cohort.members.received for cohort in hub.cohorts)  # type: ignore[attr-defined]  # ours
    expected = 2 * ROUNDS * len(news)
    if received != expected:
        raise RuntimeError(f"{received} deliveries instead of {expected}")
    return {
        "channels": count,
        "item_us": round(median(costs) * 1e6, 2),
        "join_us": round(join_s * 1e6, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    for count in COUNTS:
        found = measure(count)
        if arguments.json:
            print(json.dumps(found), flush=True)
        else:
            print(
                f"{count:>8,} channels  {found['item_us']:6.1f} µs an item"
                f"  {found['join_us']:6.1f} µs a subscriber",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
