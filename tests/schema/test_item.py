"""Items at the door: what is taken, what is cleaned, what is refused and how."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.core.channel import Channel
from feedsvc.core.messages import encode
from feedsvc.errors import BadInput, BadMessage
from feedsvc.schema import offer, parse_json

RADIO = Channel("radio")
POST = {"type": "post", "content_text": "x"}


def test_a_full_event_is_taken() -> None:
    """Every field of an event under its own name."""
    data = {
        "id": "e1",
        "type": "event",
        "title": "Harbour concert",
        "starts_at": "2026-07-01T20:00:00+02:00",
        "timezone": "Europe/Oslo",
        "status": "scheduled",
        "venue": {"name": "Pier 4", "city": "Bergen", "lat": 60.39, "lon": 5.32},
        "performers": [{"name": "The Tide"}],
        "offers": [{"url": "https://tickets.example/1", "price": 20}],
    }

    candidate = offer(data, channel=RADIO)

    assert candidate.body["starts_at"] == datetime(2026, 7, 1, 18, tzinfo=UTC)
    assert candidate.body["venue"]["city"] == "Bergen"


def test_an_embargo_is_no_part_of_the_content() -> None:
    """Nobody is to see it, and to move it makes no other item."""
    free = offer(POST, channel=RADIO, item_id="a")

    candidate = offer(
        {**POST, "publish_at": "2026-07-01T20:00:00+02:00"}, channel=RADIO, item_id="a"
    )

    assert candidate.publish_at == datetime(2026, 7, 1, 18, tzinfo=UTC)
    assert candidate.body == free.body
    assert candidate.content_hash == free.content_hash


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"type": "tweet"}, "type", "post, article, event, track, episode"),
        ({"type": None}, "type", "required"),
        ({"colour": 1}, "colour", "not a field"),
        ({"type": "event", "title": "x"}, "starts_at", "required for type event"),
        ({"type": "article"}, "title", "required for type article"),
        ({"type": "track", "title": "x"}, "artist", "required for type track"),
        ({"title": "x" * 301}, "title", "1 to 300"),
        ({"url": "javascript:alert(1)"}, "url", "http or https"),
        ({"url": "https://"}, "url", "http or https"),
        ({"url": "http://[::1"}, "url", "http or https"),
        ({"url": "https://a b"}, "url", "http or https"),
        ({"date": "yesterday"}, "date", "must be an instant"),
        ({"date": 1700000000}, "date", "must be an instant"),
        ({"publish_at": "soon"}, "publish_at", "must be an instant"),
        ({"pinned": True}, "pinned", "not a field"),
        ({"date": "0001-01-01T00:00:00+14:00"}, "date", "must be an instant"),
        ({"id": "x" * 201}, "id", "1 to 200"),
        ({"id": "a\nb"}, "id", "printable"),
        ({"id": 7}, "id", "string"),
        ({"tags": ["x"] * 31}, "tags", "at most 30"),
        ({"authors": [{"name": "a"}] * 11}, "authors", "at most 10"),
        ({"authors": [{"url": "https://a.example"}]}, "authors.0.name", "required"),
        ({"attachments": [{"url": "ftp://a"}]}, "attachments.0.url", "http or https"),
        ({"sensitive": "yes"}, "sensitive", "true or false"),
        ({"duration": -1}, "duration", "0 to 1000000"),
        ({"content_text": "\ud800"}, "content_text", "surrogates"),
        ({"venue": []}, "venue", "JSON object"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(
    fields: dict[str, Any], field: str, rule: str
) -> None:
    """So that whoever sent it can mend it."""
    with pytest.raises(BadMessage) as caught:
        offer({**POST, **fields}, channel=RADIO)

    assert caught.value.field == field
    assert rule in caught.value.rule


def test_null_is_the_same_as_absent() -> None:
    """Many back ends send every field."""
    candidate = offer({**POST, "title": None, "tags": None}, channel=RADIO)

    assert set(candidate.body) == {"content_text"}


def test_html_comes_in_clean() -> None:
    """Nothing in it can run, load code or style the page."""
    markup = (
        '<p onclick="x()">Hi <a href="javascript:x()">you</a>'
        '<script>x()</script><img src="https://a.example/i.png" onerror="x()"></p>'
        "<style>p{}</style><iframe src=https://a.example></iframe>"
    )

    body = offer({"type": "post", "content_html": markup}, channel=RADIO).body

    for bad in ("onclick", "javascript", "script", "onerror", "style", "iframe"):
        assert bad not in body["content_html"]
    assert "https://a.example/i.png" in body["content_html"]


def test_the_text_is_taken_from_the_html_where_none_is_given() -> None:
    """Block ends become line breaks, entities become characters."""
    markup = "<p>Tea &amp; toast</p><p>at<br>four</p>"

    body = offer({"type": "post", "content_html": markup}, channel=RADIO).body

    assert body["content_text"] == "Tea & toast\nat\nfour"


def test_an_item_may_name_its_channel_if_it_is_the_right_one() -> None:
    """An item that was read can be published again."""
    offer({**POST, "channel": "RADIO"}, channel=RADIO)

    with pytest.raises(BadMessage):
        offer({**POST, "channel": "tv"}, channel=RADIO)


def test_an_item_without_an_id_gets_one_of_its_own() -> None:
    """Later ones sort after earlier ones."""
    first, second = (offer(POST, channel=RADIO).id for _ in range(2))

    assert first != second
    assert first[:12] <= second[:12]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from(
    ["id", "type", "date", "url", "title", "content_html", "tags", "authors", "venue"]
)


@given(st.dictionaries(names | st.text(), json_values))
def test_whatever_comes_is_taken_or_refused_as_bad_input(data: dict[str, Any]) -> None:
    """Never another error, and what is taken can be sent."""
    try:
        candidate = offer({"type": "post", **data}, channel=RADIO)
    except BadInput:
        return

    encode(candidate.body).encode()


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", '{"a":Infinity}', "[" * 100_000, "1" * 5_000, b"\xff"]
)
def test_what_is_not_json_is_refused_as_such(text: str | bytes) -> None:
    """Deep nesting and huge numbers included."""
    with pytest.raises(BadInput) as caught:
        parse_json(text)

    assert caught.value.code == "bad_json"
