"""What a subscriber shows, and what its connection was sent: both are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feedsvc.core.position import Cursor, Position
from ops.delivery.channels import may_see
from ops.delivery.findings import DISORDERED, DUPLICATED, LEAKED, Findings

Message = dict[str, Any]

# Above the order of every item: of a backlog that was asked for no items.
_TOP = ("~", "~")


@dataclass(frozen=True, slots=True)
class Interest:
    """One subscription of a subscriber."""

    channel: str
    backlog: int = 500
    types: tuple[str, ...] = ()
    has_token: bool = False

    def wants(self, item: Message) -> bool:
        """True if what the item is allows it to be sent for this subscription."""
        if not may_see(self.channel, item["channel"], has_token=self.has_token):
            return False
        # A tombstone does not tell its type.
        return not self.types or item.get("type", self.types[0]) in self.types


class Model:
    """The items of one interest by id, each at its highest revision.

    Everything from ``floor`` on is known, and all that happened after ``based_at``;
    what is older and lies below the floor was never asked for.
    """

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self.cursor: str | None = None
        self.floor: tuple[str, str] | None = None
        self.based_at = 0.0
        self.known: dict[str, Message] = {}

    def replace(self, items: Sequence[Message], *, more: bool, now: float) -> None:
        """Take a fresh backlog in place of everything."""
        self.known = {item["id"]: item for item in items}
        self.floor = (order_of(items[-1]) if items else _TOP) if more else None
        self.based_at = now

    def merge(self, item: Message) -> None:
        """Take in a change, unless a newer one is known."""
        known = self.known.get(item["id"])
        if known is None or known["rev"] < item["rev"]:
            self.known[item["id"]] = item

    @property
    def shown(self) -> dict[str, Message]:
        """What a page would show by now."""
        return {
            item_id: item
            for item_id, item in self.known.items()
            if not item.get("removed")
        }


class Wire:
    """One connection: checks each answer and each live message as it comes in."""

    def __init__(self, who: str, interests: Sequence[Interest], findings: Findings):
        self._who = who
        self._interests = interests
        self._findings = findings
        self._head: Position | None = None
        self._live: set[tuple[str, int]] = set()
        self._revs: dict[str, int] = {}

    def answer(self, interest: Interest, message: Message) -> None:
        """Check what answers a subscription."""
        for item in message["items"]:
            if not interest.wants(item):
                self._leak(item)
        ids = [item["id"] for item in message["items"]]
        if len(ids) != len(set(ids)):
            self._findings.broke(DUPLICATED, self._who, "an id twice in one answer")
        if not message["resumed"]:
            orders = [order_of(item) for item in message["items"]]
            if orders != sorted(orders, reverse=True):
                self._findings.broke(DISORDERED, self._who, "backlog not by date")
        head = position_of(message["cursor"])
        if self._head is not None and head < self._head:
            text = f"answer as of {head} after news of {self._head}"
            self._findings.broke(DISORDERED, self._who, text)
        self._head = head

    def live(self, message: Message) -> None:
        """Check what was sent unasked."""
        item, position = message["item"], position_of(message["cursor"])
        self._findings.count("live messages")
        if not any(interest.wants(item) for interest in self._interests):
            self._leak(item)
        revision = (item["id"], item["rev"])
        if revision in self._live:
            self._findings.broke(DUPLICATED, self._who, f"{revision} again, live")
        if item["rev"] < self._revs.get(item["id"], 0):
            self._findings.broke(DISORDERED, self._who, f"{revision} after a newer one")
        if self._head is not None and position <= self._head:
            text = f"{revision} of {position} after news of {self._head}"
            self._findings.broke(DISORDERED, self._who, text)
        self._live.add(revision)
        self._revs[item["id"]] = item["rev"]
        self._head = position

    def reset(self) -> None:
        """Note that the service has told of a gap: a new answer will come."""
        self._findings.count("resets")
        self._head = None

    def _leak(self, item: Message) -> None:
        self._findings.broke(LEAKED, self._who, f"{item['id']} of {item['channel']}")


def order_of(item: Message) -> tuple[str, str]:
    """Return what backlogs are sorted by; all dates have one form."""
    return item["date"], item["id"]


def position_of(cursor: str) -> Position:
    """Return where in the order of commits the cursor points to."""
    return Cursor.parse(cursor).position
