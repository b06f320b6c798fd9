"""What an item may be: its id, its date, and the rules of its fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.net.station import NOON, Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "item_id",
    [
        "https://radio.example/a/b?c=d&e#f",
        "100% größer, 日本語, 🎵",
        "with a space + plus",
        "%2F",
        "x" * 200,
        "é" * 200,
        "..",
    ],
)
async def test_ids_are_any_200_printable_characters(
    station: Station, channel: str, item_id: str
) -> None:
    """The same id comes back on every door, however it has to be written in a URL."""
    own = f"{item_id}{channel}"[-200:]

    put = await station.publisher.put(channel, own, post())
    posted = await station.publisher.publish(channel, post(own))
    read = await station.http.item(own)
    removed = await station.publisher.delete(own)

    assert put.json == {"id": own, "status": "created", "rev": 1}
    assert posted.json["status"] == "unchanged"
    assert read.json["id"] == own
    assert removed.status == 204


@pytest.mark.parametrize(
    ("item_id", "rule"),
    [
        ("x" * 201, "must be a string of 1 to 200 characters"),
        ("", "must be a string of 1 to 200 characters"),
        (5, "must be a string of 1 to 200 characters"),
        ("a\nb", "must have printable characters only"),
        ("a\x00", "must have printable characters only"),
        ("\ud800", "must have printable characters only"),
    ],
)
async def test_other_ids_are_refused(
    station: Station, channel: str, item_id: Any, rule: str
) -> None:
    """The error names the field and the rule."""
    answer = await station.publisher.publish(channel, {**post(), "id": item_id})

    assert answer.error == (400, "bad_message")
    assert answer.text == f"id: {rule}"


async def test_date_defaults_to_now_and_stays_when_the_item_changes(
    station: Station, channel: str
) -> None:
    """A change without a date keeps the place that the item has."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    await station.publisher.publish(channel, post(f"{channel}:1"))
    first = (await station.http.item(f"{channel}:1")).json
    await station.publisher.publish(channel, post(f"{channel}:1", title="News"))
    second = (await station.http.item(f"{channel}:1")).json

    assert before <= datetime.fromisoformat(first["date"]) <= datetime.now(UTC)
    assert second["date"] == first["date"]
    assert (second["title"], second["rev"]) == ("News", 2)


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        ("2026-11-24T08:30:00.123456Z", "2026-11-24T08:30:00.123Z"),
        ("2026-11-24T08:30:00+02:00", "2026-11-24T06:30:00.000Z"),
        ("2026-11-24T08:30:00", "2026-11-24T08:30:00.000Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        ("1969-07-20T20:17:40Z", "1969-07-20T20:17:40.000Z"),
    ],
)
async def test_instants_are_utc_with_milliseconds_on_the_wire(
    station: Station, channel: str, given: str, wire: str
) -> None:
    """An instant without a zone is taken as UTC."""
    item = {**post(f"{channel}:1"), "date": given}

    await station.publisher.publish(channel, item)

    assert (await station.http.item(f"{channel}:1")).json["date"] == wire


@pytest.mark.parametrize(
    "given", ["yesterday", "", 1_700_000_000, "2026-13-01", "9999-12-31T23:59:59-23:00"]
)
async def test_other_dates_are_refused(
    station: Station, channel: str, given: object
) -> None:
    """The error shows what an instant looks like."""
    answer = await station.publisher.publish(channel, {**post(), "date": given})

    assert answer.error == (400, "bad_message")
    assert answer.text == "date: must be an instant such as 2026-11-24T08:30:00.000Z"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"colour": "red"}, "colour: is not a field of an item"),
        ({"rev": 7}, "rev: is not a field of an item"),
        ({"type": None}, "type: is required"),
        ({"type": "tweet"}, "type: must be one of post, article, event, track"),
        ({"type": "article"}, "title: is required for type article"),
        ({"type": "event", "title": "Gig"}, "starts_at: is required for type event"),
        ({"title": "x" * 301}, "title: must have 1 to 300 characters"),
        ({"title": 5}, "title: must be a string"),
        ({"title": "\ud800"}, "title: must not have lone surrogates"),
        ({"content_text": "x" * 20_001}, "content_text: must have 0 to 20000 char"),
        ({"url": "javascript:alert(1)"}, "url: must be an absolute http or https"),
        ({"url": "/a"}, "url: must be an absolute http or https URL"),
        ({"url": "https://"}, "url: must be an absolute http or https URL"),
        ({"authors": [{}]}, "authors.0.name: is required"),
        ({"authors": {}}, "authors: must be a list"),
        ({"authors": [{"name": "A"}] * 11}, "authors: must have at most 10"),
        ({"attachments": [{"url": "ftp://a"}]}, "attachments.0.url: must be an abs"),
        ({"tags": ["x"] * 31}, "tags: must have at most 30"),
        ({"tags": ["x" * 65]}, "tags.0: must have 1 to 64 characters"),
        ({"language": "english please"}, "language: must be a BCP 47 tag such as"),
        ({"sensitive": "yes"}, "sensitive: must be true or false"),
        ({"status": "maybe"}, "status: must be one of scheduled, cancelled"),
        ({"venue": {"lat": 91}}, "venue.lat: must be -90 to 90"),
        ({"venue": []}, "venue: must be a JSON object"),
        ({"duration": -1}, "duration: must be a number of seconds from 0"),
        ({"channel": "other.channel"}, "channel: must be absent or "),
    ],
)
async def test_a_broken_rule_is_told_with_its_field(
    station: Station, channel: str, change: dict[str, Any], text: str
) -> None:
    """400, and one sentence that says what to do."""
    answer = await station.publisher.publish(channel, {**post(), **change})

    assert answer.error == (400, "bad_message")
    assert answer.text.startswith(text), answer.text


async def test_several_broken_rules_are_told_together(
    station: Station, channel: str
) -> None:
    """A publisher does not have to find them one by one."""
    item = {**post(), "colour": 1, "title": ""}

    answer = await station.publisher.publish(channel, item)

    assert "colour: is not a field of an item" in answer.text
    assert "title: must have 1 to 300 characters" in answer.text


async def test_a_field_name_is_told_shortened_and_in_ascii(
    station: Station, channel: str
) -> None:
    """What a publisher sends does not come back whole, nor break the answer."""
    item = {**post(), "\ud800" + "x" * 100_000: 1}

    answer = await station.publisher.publish(channel, item)

    assert answer.error == (400, "bad_message")
    assert len(answer.text) < 300


async def test_html_is_sanitised_and_gives_the_text(
    station: Station, channel: str
) -> None:
    """Nothing that could run is stored."""
    markup = '<p onclick="x()">Hi <b>all</b></p><script>alert(1)</script>'
    item = {"type": "post", "id": f"{channel}:1", "content_html": markup}

    await station.publisher.publish(channel, item)

    stored = (await station.http.item(f"{channel}:1")).json
    assert stored["content_html"] == "<p>Hi <b>all</b></p>"
    assert stored["content_text"] == "Hi all"


async def test_a_channel_takes_only_the_types_that_its_rule_names(
    station: Station,
) -> None:
    """The error names them."""
    answer = await station.publisher.publish("jukebox.hits", post())

    assert answer.error == (400, "bad_message")
    assert answer.text == "type: must be one of track in jukebox.hits"


async def test_the_published_item_is_stored_as_offered(
    station: Station, channel: str
) -> None:
    """Every kind of field comes back as it was given."""
    event = {
        "type": "event",
        "id": f"{channel}:gig",
        "date": NOON.isoformat(),
        "title": "Ada Fern & the Tides",
        "starts_at": "2026-12-04T20:00:00+01:00",
        "timezone": "Europe/Berlin",
        "status": "scheduled",
        "venue": {"name": "Harbour Hall", "city": "Hamburg", "lat": 53.5, "lon": 10},
        "performers": [{"name": "Ada Fern"}],
        "offers": [{"price": 12.5, "currency": "EUR"}],
        "tags": ["live", "folk"],
        "authors": [{"name": "Ada", "url": "https://radio.example/ada"}],
    }

    await station.publisher.publish(channel, json.loads(json.dumps(event)))

    stored = (await station.http.item(f"{channel}:gig")).json
    assert stored == {
        **event,
        "channel": channel,
        "date": "2026-11-24T12:00:00.000Z",
        "starts_at": "2026-12-04T19:00:00.000Z",
        "venue": {**event["venue"], "lon": 10.0},  # type: ignore[dict-item]  # a dict
        "source": "api",
        "rev": 1,
    }
