"""One client's subscriptions: limits, replacement, rights that come and go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedsvc.core.access import ANYONE, ChannelRule, Rights, Rules
from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.item import ItemType
from feedsvc.core.messages import Delivery, Subscribe, deliver
from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.core.session import Session
from feedsvc.errors import TooMany
from tests.core.strategies import make_item
from tests.core.test_interleavings import Audience

RULES = Rules([ChannelRule(Channel("a.secret"), private=True)])
EPOCH = b"test"
STAFF = Rights("staff", (Channel("a.secret"),))


class Page:
    """A member that keeps what it receives."""

    def __init__(self) -> None:
        ring: Ring[Delivery] = Ring(
            Position(0, 0), max_count=9, max_bytes=10**6, max_age_s=10**6
        )
        self.hub: Hub[Any] = Hub(EPOCH, ring, Audience, hot_items=100)
        self.state: Session[Any] = Session(self.hub, self)
        self.messages: list[dict[str, Any]] = []
        self._count = 0

    def receive(self, text: str) -> None:
        self.messages.append(json.loads(text))

    def subscribe(self, path: str, limit: int = 9, **fields: Any) -> dict[str, Any]:
        """Subscribe, with an empty database to load from, and return the answer."""
        request = Subscribe(1, Channel(path), 20, **fields)
        subscription, answer = self.state.subscribe(request, RULES, limit)
        if answer is None:
            load, _ = self.hub.begin_load(subscription.scope, subscription.limit)
            self.hub.end_load(load, [])
            answer = self.state.loaded(subscription)
        assert answer is not None
        found: dict[str, Any] = json.loads(answer)
        return found

    def happen(self, path: str, item_type: ItemType = ItemType.POST) -> None:
        """Commit an item and flush."""
        self._count += 1
        item = make_item(f"i{self._count}", path, item_type=item_type)
        position = Position(self._count, 1)
        self.hub.accept(deliver(item, Cursor(EPOCH, position)))
        self.hub.flush()

    @property
    def received(self) -> list[str]:
        return [message["item"]["id"] for message in self.messages]


def test_overlapping_subscriptions_bring_an_item_once() -> None:
    """However many of them match."""
    page = Page()
    page.subscribe("a")
    page.subscribe("a.b")
    page.subscribe("a.*")

    page.happen("a.b")

    assert page.received == ["i1"]


def test_a_second_subscription_to_a_channel_replaces_the_first() -> None:
    """Its types are the ones that count."""
    page = Page()
    page.subscribe("a")
    page.subscribe("a", types=frozenset({ItemType.EVENT}))

    page.happen("a", ItemType.POST)
    page.happen("a", ItemType.EVENT)

    assert page.received == ["i2"]
    assert page.state.channels == [Channel("a")]


def test_the_limit_counts_channels_and_not_repetitions() -> None:
    """Subscribing again to the same is always possible."""
    page = Page()
    page.subscribe("a", limit=2)
    page.subscribe("b", limit=2)
    page.subscribe("b", limit=2)

    with pytest.raises(TooMany):
        page.subscribe("c", limit=2)


def test_after_unsubscribing_nothing_comes() -> None:
    """The hub keeps nothing of the session."""
    page = Page()
    page.subscribe("a")

    page.state.unsubscribe(Channel("a"))
    page.happen("a")

    assert page.received == []
    assert page.hub.counts()["cohorts"] == 0


def test_new_rights_open_a_subscription_from_now_on() -> None:
    """What lies in a private channel below comes as soon as the token allows."""
    page = Page()
    page.subscribe("a")
    page.happen("a.secret")

    page.state.authenticate(STAFF, RULES)
    page.happen("a.secret")

    assert page.received == ["i2"]


def test_rights_that_end_take_private_subscriptions_along() -> None:
    """The others stay, without what was private below them."""
    page = Page()
    page.state.authenticate(STAFF, RULES)
    page.subscribe("a.secret")
    page.subscribe("a")

    news = page.state.authenticate(ANYONE, RULES)
    page.happen("a.secret")
    page.happen("a.b")

    assert [json.loads(one)["code"] for one in news] == ["expired"]
    assert page.received == ["i2"]
    assert page.state.channels == [Channel("a")]


def test_a_resumed_answer_has_each_item_once_at_its_newest_revision() -> None:
    """In commit order, tombstones included."""
    page = Page()
    cursor = Cursor.parse(page.subscribe("a")["cursor"])
    revisions = [("x", 1, False), ("y", 1, False), ("x", 2, False), ("y", 2, True)]
    for number, (item_id, rev, removed) in enumerate(revisions, start=1):
        item = make_item(item_id, "a.b", rev=rev, removed=removed)
        page.hub.accept(deliver(item, Cursor(EPOCH, Position(number, 1))))

    answer = page.subscribe("a", since=cursor)

    assert answer["resumed"] is True
    assert [(item["id"], item["rev"]) for item in answer["items"]] == [
        ("x", 2),
        ("y", 2),
    ]
    assert answer["items"][1] == {
        "id": "y",
        "channel": "a.b",
        "rev": 2,
        "removed": True,
    }


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(b"else", Position(1, 1)),
        Cursor(EPOCH, Position(10_000, 1)),
    ],
)
def test_a_cursor_of_another_history_gets_a_fresh_backlog(cursor: Cursor) -> None:
    """Of another collection, or from a future that this one has not seen."""
    page = Page()
    page.happen("a")

    answer = page.subscribe("a", since=cursor)

    assert answer["resumed"] is False


def test_a_reset_brings_a_fresh_answer_that_was_not_asked_for() -> None:
    """It carries no id, and nothing comes live before it."""
    page = Page()
    page.subscribe("a")

    [(subscription, news)] = page.state.restart()
    page.happen("a")
    answer = page.state.loaded(subscription)

    assert json.loads(news) == {"msg": "reset", "channel": "a"}
    assert page.received == []
    assert answer is not None
    assert "id" not in json.loads(answer)


def test_a_cohort_whose_members_left_by_themselves_is_released_once() -> None:
    """Two that are closed together, and a third that takes their place at once."""
    first = Page()
    second = Session(first.hub, Page())
    third = Session(first.hub, Page())
    request = Subscribe(1, Channel("a"), 20)
    first.subscribe("a")
    second.subscribe(request, RULES, 9)
    [cohort] = first.hub.cohorts
    for member in list(cohort.members):
        cohort.members.discard(member)

    first.state.close()
    third.subscribe(request, RULES, 9)
    second.close()

    [successor] = first.hub.cohorts
    assert len(successor.members) == 1


def test_channels_that_nobody_publishes_in_do_not_fill_the_memory() -> None:
    """Anybody can subscribe to new ones all day long."""
    page = Page()

    for number in range(500):
        page.subscribe(f"a{number}")
        page.state.unsubscribe(Channel(f"a{number}"))

    assert page.hub.counts()["hot_backlogs"] <= 100
    assert len(page.hub._interests._root.children) <= 100
