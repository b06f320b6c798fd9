"""Channels: the grammar, the lineage and what covers what."""

from __future__ import annotations

import pytest
from hypothesis import given

from feedsvc.core.channel import Channel
from feedsvc.errors import BadChannel
from tests.core.strategies import paths, patterns


@pytest.mark.parametrize(
    "text",
    [
        "radiostation.artist.news",
        "a",
        "0.9_-x",
        "x" * 63,
        ".".join("abcdefghij"),
        ".".join(["x" * 24] * 10),
    ],
)
def test_a_channel_by_the_grammar_is_taken_as_it_is(text: str) -> None:
    """One to ten segments of the allowed characters."""
    assert Channel.parse(text).path == text


def test_upper_case_is_folded() -> None:
    """Readers and writers who differ in case meet."""
    assert Channel.parse("Radio.NEWS") == Channel.parse("radio.news")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "each segment"),
        ("a..b", "each segment"),
        (".a", "each segment"),
        ("a.", "each segment"),
        ("_a", "each segment"),
        ("-a", "each segment"),
        ("a b", "each segment"),
        ("a/b", "each segment"),
        ("a\n", "each segment"),
        ("x" * 64, "1 to 63"),
        (".".join("abcdefghijk"), "at most 10 segments"),
        ("x." * 130, "at most 255 bytes"),
        ("\u212aelvin", "must have only"),
        ("caf\u00e9", "must have only"),
        ("a.*", "subscriptions and queries only"),
        (None, "must be a string"),
        (7, "must be a string"),
    ],
)
def test_anything_else_is_refused_with_the_rule(text: object, rule: str) -> None:
    """The error names the field and the rule that is broken."""
    with pytest.raises(BadChannel) as caught:
        Channel.parse(text, "channel")

    assert caught.value.field == "channel"
    assert rule in caught.value.rule


def test_a_star_stands_for_one_whole_segment_only() -> None:
    """Not for a part of one."""
    assert Channel.parse_pattern("a.*.news").is_pattern
    with pytest.raises(BadChannel):
        Channel.parse_pattern("a.b*.news")


@given(paths, paths)
def test_a_channel_covers_those_whose_lineage_has_it(one: str, other: str) -> None:
    """The same notion twice: stored with items, and walked at fan-out."""
    above, below = Channel(one), Channel(other)

    assert above.covers(below) == (one in below.lineage)


@given(patterns, paths)
def test_a_pattern_covers_what_some_filling_of_its_stars_covers(
    pattern: str, path: str
) -> None:
    """A star is exactly one segment, and everything below is covered as well."""
    mine, theirs = pattern.split("."), path.split(".")
    filled = [t if m == "*" else m for m, t in zip(mine, theirs, strict=False)]
    expected = len(theirs) >= len(mine) and Channel(".".join(filled)).covers(
        Channel(path)
    )

    assert Channel(pattern).covers(Channel(path)) == expected


def test_a_sibling_with_the_same_beginning_is_not_covered() -> None:
    """``radiostation.artist`` is not above ``radiostation.artistry``."""
    artist = Channel.parse("radiostation.artist")

    assert artist.covers(Channel.parse("radiostation.artist.news"))
    assert not artist.covers(Channel.parse("radiostation.artistry"))
