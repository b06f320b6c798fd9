"""Texts put right."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.schema import plain_text
from ingest.richtext import markup
from ingest.text import cut, one_line, paragraphs, slug, title_of


def test_a_line_is_one_line_without_control_characters() -> None:
    """Nor those that turn the rest of the page around."""
    assert one_line(" a\r\n\tb\x00c\u202ed ") == "a bcd"


def test_paragraphs_keep_their_lines() -> None:
    """With one blank line between them at most."""
    assert paragraphs("a  b\r\nc\n\n\n\n d ") == "a b\nc\n\nd"


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_a_cut_text_fits_and_says_so(text: str, limit: int) -> None:
    """A short one is left alone."""
    found = cut(text, limit)

    assert len(found) <= limit
    assert found == text or found.endswith("…")


@given(st.text())
def test_a_slug_is_a_channel_segment_or_nothing(text: str) -> None:
    """So that a template can always be filled with it."""
    found = slug(text)

    assert not found or Channel.parse(found).path == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ottoline Crane", "ottoline-crane"),
        ("Sigur Rós", "sigur-ros"),
        ("Groß & Söhne", "gross-sohne"),
        ("AC/DC", "ac-dc"),
        ("!!!", ""),
        ("坂本", ""),
    ],
)
def test_a_slug_reads_like_the_name(name: str, expected: str) -> None:
    """As far as its letters can be written in ASCII."""
    assert slug(name) == expected


def test_a_title_loses_its_markup_only_if_it_is_html() -> None:
    """Text is text."""
    assert title_of("a <b>b</b> &amp; c", is_html=True) == "a b & c"
    assert title_of("a <b>b</b> &amp; c", is_html=False) == "a <b>b</b> &amp; c"


@pytest.mark.parametrize("run", [" ", "\t\n", "\n", " \n"])
def test_long_runs_of_spaces_take_no_long_time(run: str) -> None:
    """Looked at from each of its places, such a run would take a minute."""
    text = f"x{run * 50_000}y"
    before = time.process_time()

    found = {plain_text(text), paragraphs(text), markup([(text, None)])}

    assert all(one.startswith(("x", "<p>x")) for one in found)
    assert time.process_time() - before < 5
