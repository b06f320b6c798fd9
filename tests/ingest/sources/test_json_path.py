"""The language of mappings: what each form finds, and what is none of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.json_path import MAX_VALUES, expression, path

WHOLE: dict[str, Any] = {
    "data": {"title": "A", "empty": "", "none": None, "zero": 0, "no": False},
    "list": [{"name": "x"}, {"name": "y"}, {"other": 1}, "text", None],
    "deep": [[1, 2], [3]],
    "og:title": {"a.b": "odd"},
    "two words": 2,
}


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("data.title", ["A"]),
        (".", [WHOLE]),
        ("list[0].name", ["x"]),
        ("list[-2]", ["text"]),
        ("list[].name", ["x", "y"]),
        ("deep[][]", [1, 2, 3]),
        ("deep[][0]", [1, 3]),
        ('["og:title"]["a.b"]', ["odd"]),
        ("og:title", [{"a.b": "odd"}]),
        ("two words", [2]),
        ("data.zero", [0]),
        ("data.no", [False]),
        ("data.empty", []),
        ("data.none", []),
        ("data.title.more", []),
        ("list.name", []),
        ("list[99]", []),
        ("data[0]", []),
        ({"const": "Radio"}, ["Radio"]),
        ({"const": 5}, [5]),
        (["data.none", "data.title", "two words"], ["A"]),
        (["missing", {"const": "else"}], ["else"]),
        ("{data.title}-{two words}", ["A-2"]),
        ("https://x/{list[1].name}", ["https://x/y"]),
        ("{data.title}{missing}", []),
        (["{missing}!", "data.title"], ["A"]),
    ],
)
def test_a_place_is_found(place: object, found: list[object]) -> None:
    """What is null or empty is not there."""
    assert expression(place).values(WHOLE) == found


@pytest.mark.parametrize(
    "place",
    [
        *(
            "",
            "a..b",
            ".a",
            "a.",
            "a[",
            "a[x]",
            "a]",
            "a[0]b",
            "a.[0]",
            "a[1.5]",
            "[*]",
        ),
        *("{", "a}", "{a{b}}", "{}", "{a..b}", "x" * 501, ".".join("a" * 17)),
        *(None, 5, True, [], [["a"]], ["a"] * 9, {}, {"const": None}, {"const": []}),
        *({"const": 1, "x": 2}, {"path": "a"}, ["a", ""], "a\nb[", '["a'),
    ],
)
def test_what_is_no_place_is_refused(place: object) -> None:
    """With a rule, when the configuration is read."""
    with pytest.raises(ValueError, match=r"must|is not a path|has a brace"):
        expression(place)


def test_no_path_brings_more_than_a_field_takes() -> None:
    """However the lists lie in each other."""
    squared = [[0] * 2_000] * 2_000

    assert len(path("[][]").values(squared)) == MAX_VALUES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='ab.[]0-1"{} ', max_size=12), JSON)
def test_any_text_is_a_place_or_is_refused(place: str, whole: object) -> None:
    """And a place finds something or nothing in any value."""
    try:
        found = expression(place)
    except ValueError:
        return

    assert all(value not in (None, "", [], {}) for value in found.values(whole))
