"""Items that change their type, seen by those who want only some types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.core.hub import Hub
from feedsvc.core.item import Item, ItemType
from feedsvc.core.messages import Delivery, Subscribe, deliver
from feedsvc.core.position import Cursor, Position, Ring
from feedsvc.core.session import Session
from tests.core.strategies import make_item
from tests.core.test_interleavings import EPOCH, RULES, Audience

Shown = dict[str, str]

# What is done to one item: offered as this type, or removed.  Few types, so that they
# meet again and again.
kinds = st.sampled_from([ItemType.POST, ItemType.ARTICLE, ItemType.EVENT])
steps = st.lists(kinds | kinds | st.none(), min_size=1, max_size=6)
wishes = st.frozensets(kinds, min_size=1, max_size=2) | st.none()


class Reader:
    """One subscription that keeps, for each id, what it was told at the newest rev."""

    def __init__(self, hub: Hub[Any], wanted: frozenset[ItemType] | None) -> None:
        self._hub = hub
        self._request = Subscribe(1, Channel("a"), 9, wanted)
        self._state: Session[Any] = Session(hub, self)
        self._known: dict[str, dict[str, Any]] = {}
        self._cursor = ""

    def connect(self) -> None:
        """Subscribe, or resume; nothing was stored before the hub began."""
        since = Cursor.parse(self._cursor) if self._cursor else None
        request = replace(self._request, since=since)
        subscription, text = self._state.subscribe(request, RULES, 9)
        if text is None:
            load, _ = self._hub.begin_load(subscription.scope, 9)
            self._hub.end_load(load, [])
            text = self._state.loaded(subscription)
        assert text is not None
        answer = json.loads(text)
        for item in answer["items"]:
            self._keep(item)
        self._cursor = answer["cursor"]

    def leave(self) -> None:
        self._state.unsubscribe(Channel("a"))

    def receive(self, text: str) -> None:
        message = json.loads(text)
        self._keep(message["item"])
        self._cursor = message["cursor"]

    def _keep(self, item: dict[str, Any]) -> None:
        known = self._known.get(item["id"])
        if known is None or known["rev"] < item["rev"]:
            self._known[item["id"]] = item

    @property
    def shown(self) -> Shown:
        return {
            name: item["content_text"]
            for name, item in self._known.items()
            if not item.get("removed")
        }


def history(steps: Sequence[ItemType | None]) -> list[Item]:
    """Return the revisions of one item that the steps lead to."""
    found: list[Item] = []
    for step in steps:
        item_type = step or (found[-1].type if found else ItemType.POST)
        was = frozenset(item.type for item in found) - {item_type}
        item = make_item(
            "x",
            "a.a",
            rev=len(found) + 1,
            item_type=item_type,
            removed=step is None,
            was=was,
        )
        found.append(item)
    return found


@settings(max_examples=500)
@given(steps=steps, wanted=wishes, cut=st.integers(1, 3))
def test_who_wants_some_types_shows_an_item_while_it_has_one_of_them(
    steps: list[ItemType | None],
    wanted: frozenset[ItemType] | None,
    cut: int,
) -> None:
    """Live all the way, away from some step on, or fresh out of a hot backlog."""
    ring: Ring[Delivery] = Ring(
        Position(0, 0), max_count=9, max_bytes=10**6, max_age_s=10**6
    )
    hub: Hub[Any] = Hub(EPOCH, ring, Audience, hot_items=100)
    live, resumed, late = (Reader(hub, wanted) for _ in range(3))
    live.connect()
    resumed.connect()
    revisions = history(steps)
    for number, item in enumerate(revisions):
        if number == cut:
            resumed.leave()
        hub.accept(deliver(item, Cursor(EPOCH, Position(number + 1, 1))))
        hub.flush()
    resumed.connect()
    late.connect()

    last = revisions[-1]
    is_shown = not last.is_removed and (wanted is None or last.type in wanted)
    expected = {"x": last.body["content_text"]} if is_shown else {}
    assert live.shown == resumed.shown == late.shown == expected


def test_who_wants_what_the_item_became_gets_the_change_itself() -> None:
    """Beside a subscription that it left: one message a connection, and the better."""
    ring: Ring[Delivery] = Ring(
        Position(0, 0), max_count=9, max_bytes=10**6, max_age_s=10**6
    )
    hub: Hub[Any] = Hub(EPOCH, ring, Audience, hot_items=100)
    reader = Reader(hub, frozenset({ItemType.POST}))
    reader.connect()
    request = Subscribe(2, Channel("a.a"), 9, frozenset({ItemType.EVENT}))
    subscription, _ = reader._state.subscribe(request, RULES, 9)
    hub.end_load(hub.begin_load(subscription.scope, 9)[0], [])
    reader._state.loaded(subscription)
    received: list[dict[str, Any]] = []
    reader.receive = lambda text: received.append(json.loads(text))  # type: ignore[method-assign]

    for number, item in enumerate(history([ItemType.POST, ItemType.EVENT])):
        hub.accept(deliver(item, Cursor(EPOCH, Position(number + 1, 1))))
        hub.flush()

    assert [one["change"] for one in received] == ["created", "updated"]
    assert received[1]["item"]["type"] == "event"
