"""Rules, rights and scopes: private stays private inside of a public subtree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.access import ANYONE, ChannelRule, Rights, Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import ItemType
from feedsvc.errors import BadChannel, FeedError, Forbidden, Unauthorized
from tests.core.strategies import paths, patterns, types

rules = st.dictionaries(paths, st.booleans(), max_size=5)
reads = st.lists(paths, max_size=3)


def make_rules(private: dict[str, bool]) -> Rules:
    return Rules(ChannelRule(Channel(path), private=on) for path, on in private.items())


def naive_may_read(private: dict[str, bool], read: list[str], path: str) -> bool:
    """The deepest rule above decides; a right above opens what is private."""
    above = Channel(path).lineage
    ruled = [private[one] for one in above if one in private]
    return not (ruled and ruled[-1]) or any(one in above for one in read)


@given(rules, reads, patterns, paths, types)
def test_a_scope_sees_what_is_covered_and_readable_and_nothing_else(
    private: dict[str, bool],
    read: list[str],
    pattern: str,
    path: str,
    item_type: ItemType,
) -> None:
    """For all rules, rights, patterns and channels, compared with a naive model."""
    rights = Rights("x", tuple(Channel(one) for one in read))
    channel = Channel(pattern)
    try:
        scope = make_rules(private).scope(rights, channel)
    except FeedError:
        fixed = channel.fixed
        assert not fixed or not naive_may_read(private, read, fixed)
        return

    expected = channel.covers(Channel(path)) and naive_may_read(private, read, path)
    assert scope.sees(Channel(path), item_type) == expected


@given(rules, reads, paths, types)
def test_the_view_of_a_caller_is_all_that_is_readable(
    private: dict[str, bool], read: list[str], path: str, item_type: ItemType
) -> None:
    """The channel tree shows what could be subscribed to."""
    rights = Rights("x", tuple(Channel(one) for one in read))

    view = make_rules(private).view(rights)

    assert view.sees(Channel(path), item_type) == naive_may_read(private, read, path)


SECRET = make_rules({"s": True, "s.public": False})


def test_a_private_channel_needs_a_token() -> None:
    """Without one the caller is told to bring one."""
    with pytest.raises(Unauthorized):
        SECRET.scope(ANYONE, Channel("s"))


def test_a_token_for_a_part_does_not_open_the_whole() -> None:
    """Who reads ``s.public`` and asks for the private ``s`` is refused."""
    with pytest.raises(Forbidden):
        SECRET.scope(Rights("x", (Channel("s.public"),)), Channel("s"))


def test_an_admin_reads_everything() -> None:
    """Also with a star in the first place."""
    scope = SECRET.scope(Rights("x", admin=True), Channel("*"))

    assert scope.sees(Channel("s.deep"), ItemType.POST)


def test_a_first_star_is_for_those_who_read_everything() -> None:
    """Others name at least the first segment."""
    with pytest.raises(BadChannel):
        SECRET.scope(Rights("x", (Channel("a"),)), Channel("*.news"))


def test_the_most_specific_rule_wins_key_by_key() -> None:
    """A deeper rule adds to what the rules above say."""
    found = Rules(
        [
            ChannelRule(Channel("a"), retention_s=10, types=frozenset({ItemType.POST})),
            ChannelRule(Channel("a.b"), retention_s=5),
        ]
    )

    assert found.retention_s(Channel("a.b.c")) == 5
    assert found.types(Channel("a.b.c")) == {ItemType.POST}
    assert found.retention_s(Channel("b")) is None
