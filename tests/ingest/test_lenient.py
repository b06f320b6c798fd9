"""JSON as pages have it: read as JSON where it is, mended where it is clear how."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import lenient

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(VALUES)
def test_what_is_json_is_read_as_json(value: Any) -> None:
    """No mending touches what needs none."""
    assert lenient.read(json.dumps(value)) == value
    assert lenient.read(json.dumps(value, ensure_ascii=False, indent=2)) == value


@FEW
@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_what_is_sound_survives_the_mending(value: Any) -> None:
    """A comma too many anywhere must not cost a letter elsewhere."""
    text = json.dumps(value, ensure_ascii=False)

    assert lenient.read(f"<!-- a note -->\n{text[:-1]},}};") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"title": - , "b": 2}', {"title": None, "b": 2}),
        ('{"title": 007, "next": 1.2.3}', {"title": "007", "next": "1.2.3"}),
        ('{a: "x", "b": undefined, "c": True}', {"a": "x", "b": None, "c": True}),
        ('{"a": NaN, "b": Infinity}', {"a": None, "b": None}),
        ('{"a": "one\ntwo\tthree"}', {"a": "one\ntwo\tthree"}),
        ('{"a": "Foo "Bar" Baz", "b": 1}', {"a": 'Foo "Bar" Baz', "b": 1}),
        ("<!-- note -->{}", {}),
        ('<!--\n{"a": "<!-- kept -->"}\n-->', {"a": "<!-- kept -->"}),
        ('//<![CDATA[\n{"a": "http://x/y"}\n//]]>', {"a": "http://x/y"}),
        ('/* <![CDATA[ */ {"a": 1} /* ]]> */', {"a": 1}),
        ('{"a": 1, // one\n "b": 2 /* two */}', {"a": 1, "b": 2}),
        ('{"a": 1};', {"a": 1}),
        ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1}}', {"a": 1}),
        (r'{"a": "it\'s", }', None),
        ('{"a": {"b"', None),
        ("hello", None),
        ("", None),
        ("[" * 100_000, None),
        ('{"a": "never closed', None),
    ],
)
def test_faults_of_tools_are_mended(text: str, value: Any) -> None:
    """Those that leave no doubt; the others are an error."""
    if value is None:
        with pytest.raises(ValueError, match=r"\w"):
            lenient.read(text)
    else:
        assert lenient.read(text) == value


@FEW
@given(st.text(alphabet='{}[]":,/*-<!>\\ \nab1é'))
def test_no_text_breaks_it(text: str) -> None:
    """It is a value or a ``ValueError``."""
    with contextlib.suppress(ValueError):
        lenient.read(text)
