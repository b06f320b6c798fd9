"""Tables that a person likes to read, on whatever terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.tables import lines

ROWS = [
    {"name": "Ж", "count": "7", "why": "a long reason that goes on and on"},
    {"name": "東京", "count": "12", "why": ""},
]


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    """Numbers to the right; wide characters take two places."""
    assert lines(ROWS, right={"count"}) == [
        "NAME  COUNT  WHY",
        "Ж         7  a long reason that goes on and on",
        "東京     12",
    ]


def test_the_widest_column_gives_way() -> None:
    """And says so."""
    assert lines(ROWS, right={"count"}, width=30) == [
        "NAME  COUNT  WHY",
        "Ж         7  a long reason th…",
        "東京     12",
    ]


def test_a_table_of_nothing_is_nothing() -> None:
    """Not even a head: nothing tells its columns."""
    assert lines([]) == []


@given(
    rows=st.lists(
        st.fixed_dictionaries({"a": st.text("ab é", max_size=40), "b": st.text("x")}),
        min_size=1,
        max_size=5,
    ),
    width=st.integers(20, 100),
)
def test_no_line_is_wider_than_the_terminal(
    rows: list[dict[str, str]], width: int
) -> None:
    """As long as two columns have any room at all."""
    assert all(len(line) <= width for line in lines(rows, width=width))
