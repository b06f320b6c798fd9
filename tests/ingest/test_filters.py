"""What the operator does not want: by words, pattern, language, reply and repost."""

from __future__ import annotations

import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from ingest.config import Job
from ingest.decide import Policy
from ingest.explain import explained
from ingest.filters import Filters, Unwanted, languages, patterns
from ingest.offers import Template, read
from ingest.schedule import Schedule
from ingest.sources.mastodon import MastodonSource
from tests.ingest.reading import respond


def item(text: str = "", **fields: Any) -> Candidate:
    body = {"content_text": text, **fields}
    return Candidate("1", ItemType.POST, Channel.parse("radio"), body)


def excludes(pattern: str, text: str) -> bool:
    filters = Filters(exclude=patterns([pattern]))
    return filters.reason(item(text), is_reply=False) is Unwanted.EXCLUDED


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("art", "Art, and more"),
        ("new album", "Our NEW\n album is out"),
        ("festival*", "three festivals"),
        ("*fest", "das Sommerfest!"),
        ("#ad", "buy this #ad"),
        ("straße", "in der STRAßE"),
        ("café", "in the cafe\u0301"),
        ("音楽", "東京音楽祭"),
        ("c++", "learn C++ today"),
        ("/alb(um|en)$/", "new Album"),
        ("/", "either/or"),
    ],
)
def test_words_and_patterns_are_found(pattern: str, text: str) -> None:
    """In upper or lower case, across lines, in any script."""
    assert excludes(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("art", "a party"),
        ("art", "arts"),
        ("a.c", "abc"),
        ("new album", "new, album"),
        ("/^new/", "brand new"),
    ],
)
def test_parts_of_words_are_not_found(pattern: str, text: str) -> None:
    """And nothing but a pattern is a pattern."""
    assert not excludes(pattern, text)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Jingle"},
        {"artist": "Jingle"},
        {"summary": "a jingle"},
        {"tags": ["news", "jingle"]},
    ],
)
def test_all_that_a_reader_reads_is_looked_at(fields: dict[str, Any]) -> None:
    """Not the text alone."""
    filters = Filters(exclude=patterns(["jingle"]))

    assert filters.reason(item(**fields), is_reply=False) is Unwanted.EXCLUDED


def test_what_is_excluded_is_not_included() -> None:
    """Whatever include says."""
    filters = Filters(include=patterns(["live"]), exclude=patterns(["ad"]))

    reasons = [
        filters.reason(item(text), is_reply=False)
        for text in ("live tonight", "live ad", "tonight")
    ]

    assert reasons == [None, Unwanted.EXCLUDED, Unwanted.NOT_INCLUDED]


def test_languages_go_by_their_beginning() -> None:
    """What tells no language passes."""
    filters = Filters(languages=languages(["de", "en-GB"]))

    reasons = [
        filters.reason(item("x", **fields), is_reply=False)
        for fields in (
            {},
            {"language": "DE-at"},
            {"language": "en-GB"},
            {"language": "en"},
            {"language": "den"},
        )
    ]

    assert reasons == [None, None, None, Unwanted.LANGUAGE, Unwanted.LANGUAGE]


@pytest.mark.parametrize(
    "value",
    [
        "word",
        [],
        [1],
        [""],
        ["//"],
        ["x" * 201],
        ["x"] * 51,
        ["/(/"],
        ["/(?=x)/"],
        ["/(a)\\1/"],
        ["/(x{999}){999}/"],
    ],
)
def test_what_is_no_list_of_patterns_is_refused(value: object) -> None:
    """With the rule, before anything runs."""
    with pytest.raises(ValueError, match=r"must be|is not a pattern"):
        patterns(value)


@pytest.mark.parametrize("value", ["de", [], ["german"], [5], ["de_AT"]])
def test_what_is_no_language_is_refused(value: object) -> None:
    """An underscore, too, would never match."""
    with pytest.raises(ValueError, match="language"):
        languages(value)


def test_no_pattern_and_no_text_take_long() -> None:
    """A backtracking matcher would not live to see the end of these."""
    filters = Filters(exclude=patterns(["/(a*)*(a|aa)+b.*(a*)*c/", "/(x+x+)+y/"]))
    text = "a" * 10_000 + "x" * 10_000
    before = time.process_time()

    reason = filters.reason(item(text), is_reply=False)

    assert reason is None
    # Seconds of our own time are far above what it takes, and far below "for ever".
    assert time.process_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(max_size=200))
def test_any_words_are_refused_or_find_themselves(words: str, text: str) -> None:
    """Whatever they are made of."""
    try:
        (pattern,) = patterns([words])
    except (ValueError, UnicodeEncodeError):
        return

    pattern.found_in(text.encode("utf-8", "replace").decode())
    is_plain = not words.strip().startswith("/") and "*" not in words
    assert not is_plain or pattern.found_in(unicodedata.normalize("NFC", words))


def test_a_source_counts_what_is_not_wanted() -> None:
    """Replies to others, reposts, other languages; threads of its own are taken."""
    account = {"id": "7", "acct": "radio"}
    thread = {"in_reply_to_id": "1", "in_reply_to_account_id": "7"}
    reply = {"in_reply_to_id": "1", "in_reply_to_account_id": "8"}
    other = {"uri": "https://social.example/9", "content": "x", "account": account}
    posts: list[dict[str, Any]] = [
        {"uri": f"https://social.example/{number}", "content": "x", "account": account}
        | fields
        for number, fields in enumerate(
            [thread, reply, {"reblog": other}, {"language": "fr"}, {}]
        )
    ]
    source = MastodonSource(
        "m", "https://social.example", acct="r", reposts=False, languages=("de",)
    )

    reading = read(source, respond(json.dumps(posts)), {}, Template("radio"), False)

    assert len(reading.offers) == 2
    assert reading.fault_count == 0
    assert reading.unwanted == {
        Unwanted.REPLY: 1,
        Unwanted.REPOST: 1,
        Unwanted.LANGUAGE: 1,
    }


def test_check_tells_the_filters() -> None:
    """Among what limits a source."""
    source = MastodonSource(
        "m",
        "https://social.example",
        acct="r",
        replies=True,
        reposts=False,
        include=patterns(["live"]),
        exclude=patterns(["ad", "jingle"]),
        languages=("de", "en"),
    )
    job = Job(source, Template("radio"), Schedule.parse("every 5m"), Policy())

    assert explained(job, Rules())["limits"] == (
        "500 items, 30 s, only with one of 1 texts, without 2 texts, in de en,"
        " replies too, no reposts"
    )
