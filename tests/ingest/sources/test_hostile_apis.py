"""Answers of APIs in which anything stands anywhere: a batch, or an error, in time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedsvc.core.item import ItemType
from feedsvc.errors import SourceError
from ingest.sources.base import Source
from ingest.sources.bluesky import BlueskySource
from ingest.sources.json_api import JsonSource
from ingest.sources.json_fields import NAMES, fields_option
from ingest.sources.x import XSource
from tests.ingest.reading import offers, parse, respond

SKY = BlueskySource("sky", "https://sky.example", actor="radio.example", replies=True)
X = XSource("x", "https://x.example", username="radio", token="t")
JSON = [
    JsonSource(
        "api",
        "https://api.example",
        item_type=kind,
        fields=fields_option({name: name for name in NAMES}),
    )
    for kind in ItemType
]
ALL: list[Source] = [SKY, X, *JSON]

TEXTS = st.sampled_from(
    [
        *("", " ", "x", "5", "-1", "at://", "at://did:plc:a/app.bsky.feed.post/1"),
        *("http://[", "https://t.co/a", "\x00", "\ud800", "&#0;", "<b>", "9" * 400),
        *("2026-11-24T10:00:00Z", "2026-99-99", "1e999", "0001-01-01", "1:02:03"),
        *(
            "app.bsky.feed.defs#reasonRepost",
            "app.bsky.feed.post",
            "#link",
            "retweeted",
        ),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TEXTS


def values(names: str, leaves: int = 30) -> st.SearchStrategy[Any]:
    """Return values of any shape, in which these names occur."""
    return st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names.split()), inner, max_size=6)
        ),
        max_leaves=leaves,
    )


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(
        st.sampled_from(names.split()), values(names, 10), max_size=8
    )


IN_SKY = (
    "uri cid author record value text facets index byteStart byteEnd features $type tag"
    " did embed images external media playlist labels val neg reply parent root reason"
    " by indexedAt createdAt langs tags handle displayName aspectRatio notFound blocked"
)
IN_X = (
    "id text edit_history_tweet_ids author_id created_at entities urls url expanded_url"
    " unwound_url mentions hashtags tag username name note_tweet referenced_tweets type"
    " attachments media_keys media_key variants bit_rate poll_ids options label lang"
    " withheld article title in_reply_to_user_id detail resource_id"
)
SPACES = " " * 90_000 + "\n" + " \t" * 90_000
FEW = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def survives(source: Source, answer: Any) -> None:
    """Parse and check: what is taken must be fit to be stored."""
    body = json.dumps(answer).encode("utf-8", "surrogatepass")
    try:
        batch = parse(source, body)
    except SourceError:
        return
    assert len(offers(source, batch)) == len(batch.candidates)
    json.dumps(batch.state)
    assert all(isinstance(one, str) for one in [*batch.removed, *batch.faults])


@FEW
@given(objects(IN_SKY), objects(IN_SKY), values(IN_SKY))
def test_any_answer_of_bluesky(post: Any, record: Any, reason: Any) -> None:
    """Of any shape, with any values."""
    record = {"text": "🎸 x", **record, "$type": "app.bsky.feed.post"}
    view = {"uri": "at://did:plc:a/app.bsky.feed.post/1", "author": {"did": "d"}}
    entry = {"post": {**view, **post, "record": record}, "reason": reason}

    survives(SKY, {"feed": [entry, {"post": post}, post], "cursor": reason})
    survives(SKY, {"feed": [{"post": {**view, "record": record, "embed": post}}]})
    survives(SKY, post)


@FEW
@given(values(IN_X), values(IN_X), values(IN_X))
def test_any_answer_of_x(post: Any, other: Any, meta: Any) -> None:
    """Of any shape, with any values."""
    whole = {"id": "5", "text": "@x #x https://t.co/a", "author_id": "7"}
    more = post if isinstance(post, dict) else {}
    includes = {"users": [other], "tweets": [post, other], "media": other}

    survives(X, {"data": [{**whole, **more}, post], "includes": includes, "meta": meta})
    survives(X, {"data": post, "includes": other, "meta": {"result_count": 1}})
    survives(X, post)


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(NAMES)), LEAVES | values("a"), max_size=20)
)
def test_any_item_of_any_api(item: dict[str, Any]) -> None:
    """Read as each type."""
    for source in JSON:
        survives(source, [item, {"title": "x", "artist": "y", **item}])


@pytest.mark.parametrize("source", ALL, ids=lambda one: one.kind)
@settings(FEW, max_examples=60)
@given(values("data feed posts errors a", 40))
def test_any_json_at_all(source: Source, answer: Any) -> None:
    """A batch, or an error."""
    survives(source, answer)


@pytest.mark.parametrize("source", [SKY, X], ids=lambda one: one.kind)
@settings(FEW, max_examples=100)
@given(values("data posts uri id errors type resource_id value", 20))
def test_any_answer_to_a_question_for_posts(source: Source, answer: Any) -> None:
    """Only what was asked for is gone."""
    ids = ["at://did:plc:a/app.bsky.feed.post/1", "5"]
    (asked,) = source.recheck(ids, {})
    body = json.dumps(answer).encode("utf-8", "surrogatepass")

    try:
        found = source.gone(asked, respond(body))
    except SourceError:
        return

    assert found <= set(asked.source_ids)


@pytest.mark.parametrize(
    "answer",
    [
        {
            "feed": [{"post": {"uri": "at://a/app.bsky.feed.post/1", "record": {}}}]
            * 9_000
        },
        {
            "data": [{"id": "5", "text": "#a " * 9_000}] * 50,
            "meta": {"result_count": 1},
        },
        {"data": [{"id": "5", "text": "@" * 90_000}], "meta": {"result_count": 1}},
        {"data": [{"id": str(n), "text": "https://t.co/"} for n in range(5_000)]},
        [{"title": "x" * 90_000, "tags": ["y"] * 90_000}] * 5,
        [{"title": "<" * 90_000, "content_html": "<b" * 90_000}],
        [{"title": f"x{' ' * 90_000}y", "content_html": f"x{' ' * 90_000}y"}] * 20,
        {"feed": [{"post": {"uri": "at://a/b/c", "record": {"text": f"x{SPACES}y"}}}]},
        {"data": [{"id": "5", "text": f"x{SPACES}y"}], "meta": {"result_count": 1}},
    ],
    ids=range(9),
)
def test_long_answers_take_no_long_time(answer: Any) -> None:
    """Far less than the ten seconds after which a worker is ended."""
    before = time.process_time()

    for source in ALL:
        survives(source, answer)

    assert time.process_time() - before < 30


def test_deep_answers_are_errors() -> None:
    """Not a crash of the process."""
    for source in ALL:
        with pytest.raises(SourceError):
            parse(source, b"[" * 200_000)
