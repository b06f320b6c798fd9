"""The members of a cohort, and one encoding for all that get the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from feedsvc.core.messages import Delivery, RequestId
from feedsvc.core.session import Session
from feedsvc.errors import FeedError
from feedsvc.sockjs import Batch, Group, SockJSConnection

# Cohorts of one tick often have the same to get; more batches than this at a time
# would only hold memory.
MAX_BATCHES = 256


class Member(Protocol):
    """One client's connection, whatever its door."""

    state: Session[Member]

    def send(self, message: str, /) -> None:
        """Send one message; never wait."""

    def refuse(self, asked_id: RequestId, cause: FeedError, /) -> None:
        """Send an error as the answer to a request, and count it."""


class Stream(Member, Protocol):
    """A member that takes live messages itself, being no SockJS connection."""

    def deliver(self, deliveries: Sequence[Delivery], /) -> None:
        """Send live messages; never wait."""

    def end(self) -> None:
        """End soon, and in order."""


class Batches:
    """Encoded batches, shared by the audiences that get the same deliveries."""

    def __init__(self) -> None:
        self._known: dict[tuple[Delivery, ...], Batch] = {}
        #: Changes handed to members so far: each counts once for each of them.
        self.deliveries = 0

    def of(self, deliveries: Sequence[Delivery]) -> Batch:
        """Return the batch of these deliveries, encoding it the first time only."""
        key = tuple(deliveries)
        batch = self._known.get(key)
        if batch is None:
            if len(self._known) >= MAX_BATCHES:
                self._known.clear()
            batch = Batch([delivery.message for delivery in deliveries])
            self._known[key] = batch
        return batch


class Audience:
    """One cohort's members: SockJS connections on the fast path, and streams."""

    __slots__ = ("_batches", "_group", "_streams")

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._group = Group()
        self._streams: dict[Stream, None] = {}

    def add(self, member: Member) -> None:
        if isinstance(member, SockJSConnection):
            self._group.add(member)
        else:
            self._streams[member] = None  # type: ignore[index]  # the other kind

    def discard(self, member: Member) -> None:
        if isinstance(member, SockJSConnection):
            self._group.discard(member)
        else:
            self._streams.pop(member, None)  # type: ignore[call-overload]  # as above

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send all of it to everybody: one frame for each connection."""
        reached = len(self._streams)
        if len(self._group):
            reached += self._group.send(self._batches.of(deliveries))
        for stream in list(self._streams):
            stream.deliver(deliveries)
        self._batches.deliveries += len(deliveries) * reached

    def __len__(self) -> int:
        return len(self._group) + len(self._streams)

    def __iter__(self) -> Iterator[Member]:
        yield from self._group  # type: ignore[misc]  # only members are added
        yield from self._streams
