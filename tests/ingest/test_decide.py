"""What is kept, and when a source is asked next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.access import ChannelRule, Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from ingest.decide import (
    MOVED_AFTER,
    Drop,
    Policy,
    address,
    moved,
    next_due,
    next_try,
    select,
)
from tests.ingest.reading import NOW

NEWS = Channel("radio.news")
DAY_S = 86_400


def candidate(
    name: str, age_s: float | None = 0, kind: ItemType = ItemType.POST, **body: Any
) -> Candidate:
    date = None if age_s is None else NOW - timedelta(seconds=age_s)
    return Candidate(name, kind, NEWS, body, date)


def names(offers: list[Candidate]) -> list[str]:
    return [offer.id for offer in offers]


def wait_s(due: datetime) -> float:
    return (due - NOW).total_seconds()


def test_the_newest_are_kept_and_written_oldest_first() -> None:
    """So that positions follow dates where they can."""
    offers = [candidate("b", 20), candidate("c", 10), candidate("a", 30)]

    found = select(offers, Policy(max_items=2), Rules(), NOW)

    assert names(found.kept) == ["b", "c"]
    assert found.dropped == {Drop.TOO_MANY: 1}


def test_old_candidates_are_dropped_with_the_reason() -> None:
    """An event is as old as its end; one without a date is new."""
    ended = candidate("ended", 0, ItemType.EVENT, starts_at=NOW - timedelta(days=3))
    lasting = candidate(
        "lasting",
        9 * DAY_S,
        ItemType.EVENT,
        starts_at=NOW - timedelta(days=3),
        ends_at=NOW + timedelta(days=1),
    )
    offers = [candidate("old", 2 * DAY_S), candidate("undated", None), ended, lasting]

    found = select(offers, Policy(max_age_s=DAY_S), Rules(), NOW)

    assert sorted(names(found.kept)) == ["lasting", "undated"]
    assert found.dropped == {Drop.TOO_OLD: 2}


def test_the_rules_of_the_channel_are_kept() -> None:
    """What would be removed at once, or refused, is not written."""
    rules = Rules(
        [
            ChannelRule(
                Channel("radio"), retention_s=DAY_S, types=frozenset({ItemType.POST})
            )
        ]
    )
    offers = [
        candidate("good"),
        candidate("old", 2 * DAY_S),
        candidate("track", 0, ItemType.TRACK),
    ]

    found = select(offers, Policy(), rules, NOW)

    assert names(found.kept) == ["good"]
    assert found.dropped == {Drop.EXPIRED: 1, Drop.WRONG_TYPE: 1}


def test_the_same_candidate_twice_is_one() -> None:
    """Feeds do list entries twice."""
    found = select([candidate("a"), candidate("a")], Policy(), Rules(), NOW)

    assert names(found.kept) == ["a"]
    assert found.dropped == {Drop.DUPLICATE: 1}


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(-99, 9_999)),
        max_size=12,
    ),
    st.integers(1, 6),
    st.none() | st.integers(0, 9_999),
)
def test_selecting_twice_is_selecting_once(
    offered: list[tuple[str, int | None]], most: int, age_s: int | None
) -> None:
    """And each candidate is either kept or dropped."""
    offers = [candidate(name, age) for name, age in offered]
    policy = Policy(max_items=most, max_age_s=age_s)

    once = select(offers, policy, Rules(), NOW)
    twice = select(once.kept, policy, Rules(), NOW)

    assert sorted(names(twice.kept)) == sorted(names(once.kept))
    assert not twice.dropped
    assert len(once.kept) + once.dropped.total() == len(offers)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [([], 225), ([None], 225), ([600.0, 900.0], 900), ([1e9], DAY_S), ([10.0], 225)],
)
def test_the_longest_wish_decides_and_a_day_is_the_most(
    asked: list[float | None], waits: float
) -> None:
    """Interval, ttl, max-age, Retry-After."""
    assert wait_s(next_due(NOW, 300, asked)) == waits


def test_failures_double_the_wait_up_to_an_hour() -> None:
    """Any part of it, by lot."""
    most = [wait_s(next_try(NOW, 60, n, 1.0)) for n in (1, 2, 3, 10, 10_000)]

    assert most == [120, 240, 480, 3_600, 3_600]
    assert wait_s(next_try(NOW, 60, 2, 0.5)) == 120
    assert wait_s(next_try(NOW, 60, 2, 0.0)) == 1


def test_what_is_not_found_is_asked_for_once_a_day_in_the_end() -> None:
    """And what is gone once a month."""
    assert wait_s(next_try(NOW, 60, 30, 1.0, status=404)) == DAY_S
    assert wait_s(next_try(NOW, 60, 1, 0.0, status=410)) == 30 * DAY_S


def test_a_failed_source_waits_at_least_as_long_as_it_was_told() -> None:
    """However the lot falls."""
    assert wait_s(next_try(NOW, 60, 1, 0.0, retry_after_s=500)) == 500


def test_a_move_is_believed_after_three_equal_answers() -> None:
    """One may be a mistake, or a hotel's login page."""
    known: Any = {}
    addresses = []
    for _ in range(MOVED_AFTER):
        addresses.append(address(known, "http://a"))
        known = moved(known, "http://a", "http://b")

    assert addresses == ["http://a"] * 3
    assert address(known, "http://a") == "http://b"
    assert address(known, "http://other") == "http://other"


def test_another_answer_starts_the_count_anew() -> None:
    """Another target, or none."""
    known = moved({}, "http://a", "http://b")

    assert moved(known, "http://a", "http://b")["times"] == 2
    assert moved(known, "http://a", "http://c")["times"] == 1
    assert moved(known, "http://a", None) == {}
