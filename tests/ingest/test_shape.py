"""JSON of any shape: what has another shape than asked for is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import shape

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(ANYTHING)
def test_any_value_has_any_shape(value: Any) -> None:
    """Perhaps an empty one."""
    assert isinstance(shape.mapping(value), dict)
    assert all(isinstance(one, dict) for one in shape.mappings(value))
    assert isinstance(shape.text(value), str)
    number = shape.number(value)
    assert number is None or json.dumps(number, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (" a ", "a", None),
        (7, "7", 7.0),
        ("41.5", "41.5", 41.5),
        (True, "", None),
        (None, "", None),
        ("1e999", "1e999", None),
        (10**400, str(10**400), None),
        ({"a": 1}, "", None),
    ],
)
def test_texts_and_numbers_stand_for_each_other(
    value: object, text: str, number: float | None
) -> None:
    """Truth does not, nor does what is too great."""
    assert shape.text(value) == text
    assert shape.number(value) == number


def test_one_object_is_a_list_of_one() -> None:
    """APIs that have only one of something often leave the list out."""
    assert shape.mappings({"a": 1}) == [{"a": 1}]
    assert shape.mappings([{"a": 1}, None, 3, {"b": 2}]) == [{"a": 1}, {"b": 2}]
