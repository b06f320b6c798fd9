"""Publishing over HTTP: what is taken, what is answered, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from feedsvc.net.tokens import Tokens
from tests.net.clients import items_path
from tests.net.station import SECRET, Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_first_publishing_answers_created_and_later_ones_what_they_changed(
    station: Station, channel: str
) -> None:
    """201 once, then 200; the same item twice is one change."""
    http = station.publisher

    created = await http.publish(channel, post(f"{channel}:1"))
    same = await http.publish(channel, post(f"{channel}:1"))
    changed = await http.publish(channel, post(f"{channel}:1", content_text="Off."))

    assert created.status == 201
    assert created.json == {"id": f"{channel}:1", "status": "created", "rev": 1}
    assert same.status == 200
    assert same.json == {"id": f"{channel}:1", "status": "unchanged", "rev": 1}
    assert changed.status == 200
    assert changed.json == {"id": f"{channel}:1", "status": "updated", "rev": 2}


async def test_an_item_without_id_gets_one(station: Station, channel: str) -> None:
    """Two offers without an id are two items."""
    first = await station.publisher.publish(channel, post())
    second = await station.publisher.publish(channel, post())

    assert first.json["id"]
    assert first.json["id"] != second.json["id"]


async def test_put_publishes_under_the_id_of_the_address(
    station: Station, channel: str
) -> None:
    """The id may stand in the body too, or be null there, but not be another."""
    http, item_id = station.publisher, f"{channel}:put"

    created = await http.put(channel, item_id, post())
    repeated = await http.put(channel, item_id, post(item_id))
    with_null = await http.put(channel, item_id, {**post(), "id": None})
    other = await http.put(channel, item_id, post("another"))

    assert (created.status, created.json["id"]) == (201, item_id)
    assert repeated.json["status"] == "unchanged"
    assert with_null.json["status"] == "unchanged"
    assert other.error == (400, "bad_message")
    assert other.text == "id: must be absent or the id that the address names"


async def test_a_list_is_answered_in_order_with_an_error_for_each_bad_item(
    station: Station, channel: str
) -> None:
    """One bad item does not keep the others out."""
    await station.publish("elsewhere", post(f"{channel}:taken"))
    offered = [
        post(f"{channel}:1"),
        {"type": "post", "colour": 1},
        "no item",
        post(f"{channel}:taken"),
        post(f"{channel}:1"),
        post(f"{channel}:1", content_text="Changed."),
    ]

    answer = await station.publisher.publish(channel, offered)

    results = answer.json["results"]
    told = [one.get("status") or one["error"]["code"] for one in results]
    assert answer.status == 200
    assert told == [
        "created",
        "bad_message",
        "bad_message",
        "conflict",
        "unchanged",
        "updated",
    ]
    assert results[2]["error"]["text"] == "item: must be a JSON object"


async def test_an_empty_list_publishes_nothing(station: Station, channel: str) -> None:
    """Nothing to do is no mistake."""
    answer = await station.publisher.publish(channel, [])

    assert (answer.status, answer.json) == (200, {"results": []})


async def test_a_thousand_items_are_taken_and_one_more_is_refused(
    station: Station, channel: str
) -> None:
    """A refused list is refused as a whole."""
    items = [post(f"{channel}:{n}") for n in range(1_001)]

    refused = await station.publisher.publish(channel, items)
    taken = await station.publisher.publish(channel, items[:1_000])

    assert refused.error == (400, "too_many")
    assert refused.text == "items: must be at most 1000"
    assert {one["status"] for one in taken.json["results"]} == {"created"}


async def test_an_id_belongs_to_one_channel(station: Station, channel: str) -> None:
    """409, also when the item has been removed; by whom and where is not told."""
    await station.publish("secret.plans", post(f"{channel}:1"))

    live = await station.publisher.publish(channel, post(f"{channel}:1"))
    await station.publisher.delete(f"{channel}:1")
    removed = await station.publisher.put(channel, f"{channel}:1", post())

    assert live.error == (409, "conflict")
    assert removed.error == (409, "conflict")
    assert live.text == f"id: '{channel}:1' is taken by an item of another channel"


async def test_publishing_revives_a_removed_item(
    station: Station, channel: str
) -> None:
    """It is created anew, and its revision goes on growing."""
    await station.publisher.publish(channel, post(f"{channel}:1"))
    await station.publisher.delete(f"{channel}:1")

    again = await station.publisher.publish(channel, post(f"{channel}:1"))

    assert again.status == 201
    assert again.json == {"id": f"{channel}:1", "status": "created", "rev": 3}


async def test_writers_of_one_item_at_once_each_get_their_own_revision(
    station: Station, channel: str
) -> None:
    """Nothing that was answered is lost."""
    http = station.publisher
    writes = [
        http.publish(channel, post(f"{channel}:1", content_text=f"text {n}"))
        for n in range(20)
    ]

    answers = await asyncio.gather(*writes)

    revs = sorted(answer.json["rev"] for answer in answers)
    assert revs == list(range(1, 21))
    assert sum(answer.status == 201 for answer in answers) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"type":"post","title":NaN}', "bad_json"),
        (b'{"type":"track","duration":1e999}', "bad_json"),
        (b"\xff\xfe\xfa", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'"text"', "bad_message"),
        (b"null", "bad_message"),
    ],
)
async def test_a_body_that_is_no_item_is_refused(
    station: Station, channel: str, body: bytes, code: str
) -> None:
    """What is not JSON and what is JSON of another kind are told apart."""
    answer = await station.publisher.ask("POST", items_path(channel), body=body)

    assert answer.error == (400, code)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("radio..news", "each segment must start with a-z or 0-9"),
        ("-radio", "each segment must start with a-z or 0-9"),
        ("radio.*", "'*' is allowed in subscriptions and queries only"),
        ("rädio", "must have only a-z, 0-9, '_', '-' and dots"),
        ("radio/news", "each segment must start with a-z or 0-9"),
        ("radio news", "each segment must start with a-z or 0-9"),
        ("a" * 64, "each segment must start with a-z or 0-9"),
        (".".join("abcdefghijk"), "must have at most 10 segments"),
        (".".join(["a" * 60] * 5), "must have at most 255 bytes"),
        ("radio%2enews", "each segment must start with a-z or 0-9"),
    ],
)
async def test_a_bad_channel_is_refused_with_the_rule(
    station: Station, name: str, rule: str
) -> None:
    """The same rule on the way in and on the way out."""
    posted = await station.publisher.publish(name, post())
    put = await station.publisher.put(name, "x", post())

    assert posted.error == put.error == (400, "bad_channel")
    assert posted.text.startswith(f"channel: {rule}"), posted.text


async def test_a_channel_is_folded_to_lower_case_and_may_be_percent_encoded(
    station: Station, channel: str
) -> None:
    """One channel, however it is written."""
    odd = "/api/channels/" + "".join(f"%{ord(c):02x}" for c in channel.upper())

    created = await station.publisher.ask(
        "POST", f"{odd}/items", json_body=post(f"{channel}:1")
    )

    assert created.status == 201
    assert (await station.http.item(f"{channel}:1")).json["channel"] == channel


async def test_publishing_needs_a_token_that_publishes_there(
    station: Station, channel: str
) -> None:
    """401 without one, 403 with one for another subtree."""
    artist = station.token(publish=["radio.artist"])

    none = await station.http.publish(channel, post())
    below = await station.http.publish("radio.artist.live", post(), token=artist)
    sibling = await station.http.publish("radio.artistry", post(), token=artist)
    above = await station.http.publish("radio", post(), token=artist)
    no_jwt = await station.http.publish(channel, post(), token="nonsense")

    assert none.error == (401, "unauthorized")
    assert none.headers["WWW-Authenticate"] == "Bearer"
    assert below.status == 201
    assert sibling.error == above.error == (403, "forbidden")
    assert sibling.text == "channel: the token does not publish in radio.artistry"
    assert no_jwt.error == (401, "unauthorized")


async def test_an_expired_token_is_told_as_such(station: Station, channel: str) -> None:
    """The publisher learns that a new one will do."""
    token = station.token(publish=[channel], lifetime=timedelta(seconds=-60))

    answer = await station.http.publish(channel, post(), token=token)

    assert answer.error == (401, "expired")


async def test_an_authorization_of_another_scheme_is_refused(
    station: Station, channel: str
) -> None:
    """Not taken as nobody: the caller believes to have shown who he is."""
    headers = {"Authorization": "Basic YTpi"}

    answer = await station.http.ask("GET", items_path(channel), headers=headers)

    assert answer.error == (401, "unauthorized")


async def test_a_body_over_the_limit_is_refused(start: Start) -> None:
    """413, before anything is stored."""
    station = await start(limits={"publish_bytes": 1_000})
    item = post("large", content_text="x" * 1_000)

    answer = await station.publisher.publish("radio.news", item)

    assert answer.error == (413, "too_large")
    assert answer.text == "body: must have at most 1000 bytes"
    assert (await station.http.item("large")).status == 404


async def test_publishing_too_often_is_refused_for_a_while(start: Start) -> None:
    """429 with the seconds to wait; the tokens of others go on."""
    station = await start(limits={"publish_per_second": 1})
    ada, bo = (
        Tokens(SECRET).issue(
            name, admin=True, lifetime=timedelta(hours=1), now=datetime.now(UTC)
        )
        for name in ("ada", "bo")
    )

    answers = await asyncio.gather(
        *(station.http.publish("radio", post(), token=ada) for _ in range(20))
    )
    others = await station.http.publish("radio", post(), token=bo)

    refused = [answer for answer in answers if answer.status != 201]
    assert 2 <= len(answers) - len(refused) < 10
    assert {answer.error for answer in refused} == {(429, "rate_limited")}
    assert refused[0].text == "too many publish requests; try again in 1 s"
    assert refused[0].headers["Retry-After"] == "1"
    assert others.status == 201


async def test_percent_signs_are_decoded_once(station: Station) -> None:
    """An encoded percent sign is a percent sign, and so no channel."""
    path = "/api/channels/radio%252enews/items"

    answer = await station.publisher.ask("POST", path, json_body=post())

    assert answer.error == (400, "bad_channel")
