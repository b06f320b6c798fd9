"""The law of delivery: for any interleaving each client sees each change once.

Commits, the relay's progress, ticks, loads that take their time, subscriptions,
breaks and resumes happen in any order; the clients' models are compared with a naive
one of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from feedsvc.core.access import ChannelRule, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.interests import Load
from feedsvc.core.item import Item, ItemType
from feedsvc.core.messages import Delivery, Subscribe, deliver, encode_item
from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.core.session import Session, Subscription
from tests.core.strategies import dates, make_item

Types = frozenset[ItemType] | None

EPOCH = b"test"
RULES = Rules([ChannelRule(Channel("a.b"), private=True)])
clients = st.integers(0, 1)
# Few and overlapping, so that the same things meet again and again.
channels = st.sampled_from(["a", "a.a", "a.*", "b", "b.a.a"])
limits = st.integers(0, 3)
POST, ARTICLE = frozenset({ItemType.POST}), frozenset({ItemType.ARTICLE})
wishes = st.sampled_from([None, None, POST, ARTICLE, POST | ARTICLE])


class Audience:
    """A cohort's members, each of which gets the text of every delivery."""

    def __init__(self) -> None:
        self._members: dict[Client, None] = {}

    def add(self, member: Client) -> None:
        self._members[member] = None

    def discard(self, member: Client) -> None:
        self._members.pop(member, None)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for member in self._members:
            for delivery in deliveries:
                member.receive(delivery.message)

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._members))


class Client:
    """What a page keeps: the newest cursor, and for each channel its items."""

    def __init__(self, hub: Hub[Client]) -> None:
        self._hub = hub
        self.position = Position(0, 0)
        self.cursors: dict[str, str] = {}
        self.known: dict[str, dict[str, tuple[int, bool]]] = {}
        self.since: dict[str, Position] = {}
        self.asked: dict[str, int] = {}
        self.asked_types: dict[str, Types] = {}
        self.types: dict[str, Types] = {}
        self.limits: dict[str, int] = {}
        self.based_at: dict[str, Position] = {}
        self.seen_live: set[tuple[str, int]] = set()
        self.connect()

    def connect(self) -> None:
        self.position = Position(0, 0)
        self.seen_live.clear()
        self.state: Session[Client] = Session(self._hub, self)

    def receive(self, text: str) -> None:
        message = json.loads(text)
        if message["msg"] == "subscribed":
            self._take_answer(message)
        elif message["msg"] == "item":
            self._take_item(message)

    def _take_answer(self, message: dict[str, Any]) -> None:
        channel, cursor = message["channel"], Cursor.parse(message["cursor"])
        assert cursor.position >= self.position, "an answer goes back in time"
        self.position = cursor.position
        self.types[channel] = self.asked_types[channel]
        if not message["resumed"]:
            self.known[channel] = {}
            self.limits[channel] = self.asked[channel]
            self.based_at[channel] = cursor.position
        for item in message["items"]:
            self._keep(channel, item)
        self.since[channel] = cursor.position
        self.cursors[channel] = message["cursor"]

    def _take_item(self, message: dict[str, Any]) -> None:
        item, cursor = message["item"], Cursor.parse(message["cursor"])
        assert cursor.position > self.position, "a live message repeats or goes back"
        assert (item["id"], item["rev"]) not in self.seen_live
        self.seen_live.add((item["id"], item["rev"]))
        self.position = cursor.position
        wanted = [
            channel
            for channel in self.since
            if Channel(channel).covers(Channel(item["channel"]))
        ]
        assert wanted, "a message that nobody asked for"
        for channel in wanted:
            self._keep(channel, item)
            self.cursors[channel] = message["cursor"]

    def _keep(self, channel: str, item: dict[str, Any]) -> None:
        known, types = self.known.setdefault(channel, {}), self.types[channel]
        # What comes for another subscription may have left the types of this one.
        gone = item.get("removed") or (types is not None and item["type"] not in types)
        if item["rev"] > known.get(item["id"], (0, False))[0]:
            known[item["id"]] = (item["rev"], bool(gone))


class Deliveries(RuleBasedStateMachine):
    """The database as a list of commits, one hub that lags behind, and clients."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[Position, Item]] = []
        self.relayed = 0
        ring: Ring[Delivery] = Ring(
            Position(0, 0), max_count=12, max_bytes=10**6, max_age_s=10**6
        )
        self.hub: Hub[Client] = Hub(EPOCH, ring, Audience, hot_items=20)
        self.clients = [Client(self.hub) for _ in range(2)]
        self.loads: list[tuple[Load, list[tuple[Client, Subscription]]]] = []

    @rule(
        item_id=st.sampled_from("xyz"),
        path=st.sampled_from(["a", "a.a", "a.b", "b.a.a"]),
        date=dates,
        removed=st.booleans(),
        item_type=st.sampled_from(sorted(POST | ARTICLE)),
    )
    def commit(
        self, item_id: str, path: str, date: Any, removed: bool, item_type: ItemType
    ) -> None:
        before = [item for _, item in self.log if item.id == item_id]
        if removed and before:
            item_type = before[-1].type
        item = make_item(
            item_id,
            before[0].channel.path if before else path,
            rev=len(before) + 1,
            date=date,
            item_type=item_type,
            removed=removed,
            was=frozenset(item.type for item in before) - {item_type},
        )
        self.log.append((Position(len(self.log) + 1, 1), item))

    @precondition(lambda self: self.relayed < len(self.log))
    @rule(count=st.integers(1, 4))
    def relay(self, count: int) -> None:
        for position, item in self.log[self.relayed : self.relayed + count]:
            self.hub.accept(deliver(item, Cursor(EPOCH, position)))
            self.relayed += 1

    @rule()
    def tick(self) -> None:
        self.hub.flush()

    @rule(number=clients, pattern=channels, limit=limits, types=wishes)
    def subscribe(self, number: int, pattern: str, limit: int, types: Types) -> None:
        client = self.clients[number]
        client.asked_types[pattern] = types
        self._subscribe(client, pattern, limit, None)

    @rule(number=clients, pattern=channels)
    def unsubscribe(self, number: int, pattern: str) -> None:
        client = self.clients[number]
        client.state.unsubscribe(Channel(pattern))
        self._forget(client, pattern)

    @rule(number=clients, limit=limits)
    def break_and_resume(self, number: int, limit: int) -> None:
        client = self.clients[number]
        client.state.close()
        cursors = dict(client.cursors)
        client.since.clear()
        client.connect()
        for pattern, cursor in cursors.items():
            client.asked_types[pattern] = client.types[pattern]
            self._subscribe(client, pattern, limit, Cursor.parse(cursor))

    @precondition(lambda self: self.loads)
    @rule(data=st.data(), fails=st.booleans())
    def finish_load(self, data: st.DataObject, fails: bool) -> None:
        index = data.draw(st.integers(0, len(self.loads) - 1))
        load, waiting = self.loads.pop(index)
        found = self._stored(load.scope, load.at)[: load.limit]
        items = None if fails else [encode_item(item) for item in found]
        self.hub.end_load(load, items)
        for client, subscription in waiting:
            self._answer(client, subscription)

    def teardown(self) -> None:
        """Let everything arrive, then compare every client with the database."""
        self.relay(len(self.log))
        self.hub.flush()
        while self.loads:
            load, waiting = self.loads.pop()
            found = self._stored(load.scope, load.at)[: load.limit]
            self.hub.end_load(load, [encode_item(item) for item in found])
            for client, subscription in waiting:
                self._answer(client, subscription)
        for client in self.clients:
            for channel, since in client.since.items():
                self._compare(client, channel, since)
        for client in self.clients:
            client.state.close()
        assert self.hub.counts()["cohorts"] == 0

    def _subscribe(
        self, client: Client, pattern: str, limit: int, since: Cursor | None
    ) -> None:
        types = client.asked_types[pattern]
        request = Subscribe(None, Channel(pattern), limit, types, since)
        # What the subscription before this one brings may come until the answer.
        client.asked[pattern] = limit
        subscription, answer = client.state.subscribe(request, RULES, 100)
        if answer is not None:
            client.receive(answer)
        else:
            self._load(client, subscription)

    def _load(self, client: Client, subscription: Subscription) -> None:
        load, is_new = self.hub.begin_load(subscription.scope, subscription.limit)
        if is_new:
            self.loads.append((load, []))
        waiting = next(found for known, found in self.loads if known is load)
        waiting.append((client, subscription))

    def _answer(self, client: Client, subscription: Subscription) -> None:
        answer = client.state.loaded(subscription)
        if answer is not None:
            client.receive(answer)
        elif client.state.is_waiting(subscription):
            self._load(client, subscription)

    def _forget(self, client: Client, pattern: str) -> None:
        client.since.pop(pattern, None)
        client.known.pop(pattern, None)
        client.cursors.pop(pattern, None)

    def _stored(self, scope: Scope, at: Position) -> list[Item]:
        """What a query finds at that position: visible, newest by date first."""
        newest = {item.id: item for position, item in self.log if position <= at}
        visible = [
            item
            for item in newest.values()
            if not item.is_removed and scope.sees(item.channel, item.type)
        ]
        return sorted(visible, key=lambda item: item.order, reverse=True)

    def _compare(self, client: Client, channel: str, since: Position) -> None:
        types = client.types[channel]
        scope = RULES.scope(client.state.rights, Channel(channel), types)
        known = client.known.get(channel, {})
        for position, item in self.log:
            if position > since and scope.sees(item.channel, item.type):
                assert known[item.id][0] >= item.rev, "a change was missed"
        newest = {item.id: item for _, item in self.log}
        for item_id, (rev, removed) in known.items():
            item = newest[item_id]
            assert replace(scope, types=None).sees(item.channel, item.type), "a leak"
            if scope.sees(item.channel, item.type):
                assert (rev, removed) == (item.rev, item.is_removed)
            else:
                assert removed, "an item stays that left the types asked for"
        visible = {one for one, (_, removed) in known.items() if not removed}
        limit, based_at = client.limits[channel], client.based_at[channel]
        wanted = self._stored(scope, Position(10**6, 0))[:limit]
        # One that moved up only because others left it was never asked for.
        told = {item.id for item in self._stored(scope, based_at)[:limit]}
        told |= {item.id for position, item in self.log if position > based_at}
        missing = told & {item.id for item in wanted} - visible
        assert not missing, "the backlog is not complete"


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(
    max_examples=300, stateful_step_count=40, deadline=None
)
