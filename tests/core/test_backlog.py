"""The hot backlog: always what a query would find."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.backlog import HotBacklog
from feedsvc.core.messages import WireItem
from tests.core.strategies import dates, ids, make_wire

# One of four is removed, one is pinned.
fates = st.sampled_from(["stays", "stays", "removed", "pinned"])
changes = st.tuples(ids, dates, fates)
Change = tuple[str, datetime, str]


def newest(world: dict[str, WireItem], limit: int) -> list[WireItem]:
    """What a query for the newest items finds."""
    visible = [item for item in world.values() if not item.is_removed]
    return sorted(visible, key=lambda item: item.order, reverse=True)[:limit]


def change(world: dict[str, WireItem], step: Change) -> WireItem:
    """Commit a change in the world and return it."""
    item_id, date, fate = step
    rev = world[item_id].rev + 1 if item_id in world else 1
    world[item_id] = make_wire(
        item_id,
        rev=rev,
        date=date,
        removed=fate == "removed",
        pinned=fate == "pinned",
    )
    return world[item_id]


@given(
    st.lists(changes, max_size=12),
    st.lists(changes, max_size=40),
    st.integers(1, 6),
    st.integers(4, 12),
    st.integers(0, 6),
)
def test_what_it_covers_it_answers_as_a_query_would(
    before: list[Change],
    after: list[Change],
    loaded: int,
    ceiling: int,
    limit: int,
) -> None:
    """For any history, depth, ceiling and limit; removals, moves and pins too."""
    world: dict[str, WireItem] = {}
    for step in before:
        change(world, step)
    found = newest(world, loaded)
    hot = HotBacklog(found, is_complete=len(found) < loaded, ceiling=ceiling)

    for step in after:
        hot.apply(change(world, step))

    if hot.covers(limit):
        expected = newest(world, limit)
        text, more = hot.answer(limit)
        assert hot.newest(limit) == expected
        assert json.loads(text) == [json.loads(item.text) for item in expected]
        assert more == (len(newest(world, 100)) > limit)


def test_a_change_that_it_has_already_changes_nothing() -> None:
    """The ring and the query may both have it."""
    item = make_wire("x", rev=2)
    hot = HotBacklog([item], is_complete=True, ceiling=10)

    hot.apply(make_wire("x", rev=1, removed=True))
    hot.apply(item)

    assert hot.newest(5) == [item]


def test_an_expired_item_leaves_without_a_word() -> None:
    """MongoDB deletes it by its age; the answer follows."""
    hot = HotBacklog([make_wire("x"), make_wire("y")], is_complete=True, ceiling=10)
    hot.answer(5)

    hot.expire("x")

    assert [item.id for item in hot.newest(5)] == ["y"]
    assert '"x"' not in hot.answer(5)[0]
