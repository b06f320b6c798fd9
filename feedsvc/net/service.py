"""What every door is handed: the parts of the running service, and publishing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from feedsvc.audience import Stream
from feedsvc.config import Settings
from feedsvc.core.access import Rights, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate
from feedsvc.core.messages import Page, WireItem, encode_item
from feedsvc.core.position import Cursor
from feedsvc.core.record import Record
from feedsvc.editorial import Editorial
from feedsvc.errors import (
    BadMessage,
    FeedError,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
)
from feedsvc.looplag import LoopLag
from feedsvc.net.counts import ChannelCounts, Counts
from feedsvc.net.rate import Buckets
from feedsvc.net.revoking import Revoking
from feedsvc.net.tokens import Tokens
from feedsvc.net.traffic import Traffic
from feedsvc.relay import Relay
from feedsvc.schema import offer
from feedsvc.store.items import ItemStore, SnapshotGone, Written

# A read whose position is gone is tried again at a newer one, this often.
MAX_TRIES = 8
PAUSE_S = 0.25


class BacklogPage:
    """Items newest first, where the next page begins, and the cursor to go on from."""

    def __init__(self, found: Sequence[WireItem], limit: int, cursor: Cursor) -> None:
        self.items = list(found[:limit])
        self.cursor = cursor
        # One more than the limit was looked for, to know whether it is there.
        more = len(found) > limit and bool(self.items)
        self.following = self.items[-1].page if more else None


@dataclass(frozen=True, slots=True)
class Service:
    """The running service as its doors see it."""

    settings: Settings
    rules: Rules
    store: ItemStore
    relay: Relay
    tokens: Tokens
    revoking: Revoking
    is_draining: Callable[[], bool]
    editorial: Editorial
    publishing: Buckets = field(default_factory=Buckets)
    asking: Buckets = field(default_factory=Buckets)
    #: Errors told, by door and code.
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    traffic: Traffic = field(default_factory=Traffic)
    loop_lag: LoopLag = field(default_factory=LoopLag)
    counts: ChannelCounts = field(default_factory=ChannelCounts)
    streams: set[Stream] = field(default_factory=set)
    streams_of: Counter[str] = field(default_factory=Counter)

    async def publish(
        self,
        rights: Rights,
        channel: Channel,
        items: Sequence[object],
        item_id: str | None = None,
    ) -> list[Written | FeedError]:
        """Store the items and return, in order, what became of each.

        Only what a majority of the database has is reported as written.  Raise
        ``Unauthorized`` or ``Forbidden`` if the caller may not publish there, and
        ``RateLimited`` if it did so too often.
        """
        self._require_publisher(rights, channel)
        outcomes: list[Written | FeedError | None] = []
        offers: list[Candidate] = []
        for data in items:
            try:
                offers.append(self._accept(data, channel, item_id))
                outcomes.append(None)
            except FeedError as error:
                outcomes.append(error)
        if offers:
            with self.relay.publishing():
                written = iter(await self._write(offers))
                await self.relay.reach(self.store.committed_at)
            outcomes = [next(written) if one is None else one for one in outcomes]
        return [outcome for outcome in outcomes if outcome is not None]

    async def page(
        self, scope: Scope, limit: int, before: Page | None = None
    ) -> BacklogPage:
        """Return a page of the scope by date; the first one from memory if it is hot.

        Without ``before`` the page is exact as of its cursor.
        """
        hub = self.relay.hub
        hot = None if before else hub.hot(scope, limit)
        if before is None:
            hub.note_asked(is_hot=hot is not None)
        if hot is not None:
            return BacklogPage(hot.newest(limit + 1), limit, hub.cursor)
        for _ in range(MAX_TRIES):
            cursor = hub.cursor
            try:
                found = await self.store.backlog(
                    scope,
                    limit + 1,
                    before=before.order if before else None,
                    at=None if before else cursor.position,
                )
            except SnapshotGone:
                # The position is too old to be read at; the next one is newer.
                await asyncio.sleep(PAUSE_S)
                continue
            return BacklogPage([encode_item(item) for item in found], limit, cursor)
        raise Unavailable("the backlog could not be read")

    async def channels(self, rights: Rights) -> Counts:
        """Return the channels that the caller may know of, with their item counts."""
        return await self.counts.of(self.store, self.rules.view(rights))

    def may_read(self, rights: Rights, channel: Channel) -> bool:
        """True if the channel is public or opened by the caller's token."""
        private = self.rules.is_private(channel.path)
        return not private or rights.may_read_private(channel.path)

    async def remove(self, rights: Rights, item_id: str) -> None:
        """Remove the item; removing it twice is removing it once.

        Raise ``NotFound`` for an item that does not exist, or may as well not.
        """
        if rights.subject is None:
            raise Unauthorized("a bearer token is needed to remove")
        known = await self.store.record(item_id)
        channel = known.channel if known else None
        if known is None or channel is None or not self._may_know(rights, known):
            raise NotFound("no such item")
        if not rights.may_publish(channel):
            raise Forbidden(f"the token does not publish in {channel}")
        with self.relay.publishing():
            if rights.admin:
                await self.editorial.remove(rights.subject, item_id)
            else:
                await self.store.remove(item_id, now=datetime.now(UTC))
            await self.relay.reach(self.store.committed_at)

    def take_turn(self, rights: Rights) -> None:
        """Raise ``RateLimited`` if the token publishes or removes too often."""
        per_second = self.settings.limits.publish_per_second
        self.publishing.take(rights.subject or "", "publish requests", per_second)

    async def _write(self, offers: Sequence[Candidate]) -> list[Written | FeedError]:
        if len(offers) == 1:
            return [await self.store.publish(offers[0])]
        return await self.store.write(offers, now=datetime.now(UTC), revive=True)

    def _may_know(self, rights: Rights, record: Record) -> bool:
        """True if the item exists for the caller: to its publishers even if held."""
        shown, channel = record.shown, record.channel
        if channel is not None and rights.may_publish(channel):
            return True
        return shown is not None and self.may_read(rights, shown.channel)

    def _require_publisher(self, rights: Rights, channel: Channel) -> None:
        if rights.subject is None:
            raise Unauthorized("a bearer token is needed to publish")
        if not rights.may_publish(channel):
            raise Forbidden(f"channel: the token does not publish in {channel}")
        self.take_turn(rights)

    def _accept(self, data: object, channel: Channel, item_id: str | None) -> Candidate:
        candidate = offer(data, channel=channel, item_id=item_id)
        allowed = self.rules.types(channel)
        if allowed is not None and candidate.type not in allowed:
            names = ", ".join(sorted(allowed))
            raise BadMessage("type", f"must be one of {names} in {channel}")
        return candidate
