"""Interests: scopes that somebody subscribes to, or whose backlog is hot.

They hang in a tree of channel segments.  An item walks down its channel's segments,
at each one along the name and along ``*``, and so meets every interest that covers
it, however many others there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from feedsvc.core.access import Scope
from feedsvc.core.backlog import HotBacklog
from feedsvc.core.channel import STAR
from feedsvc.core.item import ItemType
from feedsvc.core.messages import Delivery
from feedsvc.core.position import Position

M = TypeVar("M")


class Members(Protocol[M]):
    """The set that a cohort's members live in, and the way to reach them all."""

    def add(self, member: M, /) -> None: ...

    def discard(self, member: M, /) -> None: ...

    def deliver(self, deliveries: Sequence[Delivery], /) -> None:
        """Send every member the live messages, as one frame where that is possible."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[M]: ...


class Interest(Generic[M]):
    """One scope, the cohorts that want it and, if it is hot, its backlog."""

    __slots__ = ("backlog", "cohorts", "load", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.cohorts: dict[Cohort[M], None] = {}
        self.backlog: HotBacklog | None = None
        self.load: Load | None = None

    @property
    def is_idle(self) -> bool:
        return not self.cohorts and self.backlog is None and self.load is None


class Cohort(Generic[M]):
    """The members with the same scopes; unit of encoding and flushing."""

    __slots__ = ("members", "pending", "scopes")

    def __init__(self, scopes: frozenset[Scope], members: Members[M]) -> None:
        self.scopes = scopes
        self.members = members
        self.pending: list[Delivery] = []


class Load:
    """A read of a scope's backlog under way, exact as of ``at``."""

    __slots__ = ("at", "limit", "scope")

    def __init__(self, scope: Scope, limit: int, at: Position) -> None:
        self.scope = scope
        self.limit = limit
        self.at = at


class _Node(Generic[M]):
    __slots__ = ("children", "interests")

    def __init__(self) -> None:
        self.children: dict[str, _Node[M]] = {}
        self.interests: dict[Scope, Interest[M]] = {}


class Interests(Generic[M]):
    """The tree of all interests."""

    def __init__(self) -> None:
        self._root: _Node[M] = _Node()

    def match(self, path: str, item_type: ItemType) -> Iterator[Interest[M]]:
        """Yield every interest that sees items of the channel and type."""
        nodes = [self._root]
        for segment in path.split("."):
            below = []
            for node in nodes:
                for name in (segment, STAR):
                    child = node.children.get(name)
                    if child is not None:
                        below.append(child)
                        for interest in child.interests.values():
                            if interest.scope.admits(path, item_type):
                                yield interest
            nodes = below
            if not nodes:
                return

    def of(self, scope: Scope) -> Interest[M]:
        """Return the scope's interest, a new one if there is none."""
        node = self._root
        for segment in scope.channel.segments:
            node = node.children.setdefault(segment, _Node())
        interest = node.interests.get(scope)
        if interest is None:
            interest = node.interests[scope] = Interest(scope)
        return interest

    def prune(self, interest: Interest[M]) -> None:
        """Forget the interest if nobody has it any more."""
        if not interest.is_idle:
            return
        path = [self._root]
        for segment in interest.scope.channel.segments:
            path.append(path[-1].children[segment])
        del path[-1].interests[interest.scope]
        for segment in reversed(interest.scope.channel.segments):
            node = path.pop()
            if node.children or node.interests:
                return
            del path[-1].children[segment]
