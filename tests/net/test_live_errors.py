"""The realtime protocol: ids, what is wrong, and that the session goes on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.net.clients import FramedSocket, RawSocket
from tests.net.station import Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


@pytest.mark.parametrize(
    "asked_id", [1, 0, -7, 1.5, 2**53, 10**25, "", "first", "ü 🎵", 'a"b\\', "x" * 200]
)
async def test_the_answer_carries_the_id_of_the_question(
    station: Station, asked_id: object
) -> None:
    """Any string or number."""
    live = await station.live()

    await live.tell(msg="ping", id=asked_id)

    assert await live.next() == {"msg": "pong", "id": asked_id}


@pytest.mark.parametrize("message", [{"msg": "ping"}, {"msg": "ping", "id": None}])
async def test_a_question_without_id_gets_an_answer_without_one(
    station: Station, message: dict[str, Any]
) -> None:
    """Null is no id."""
    live = await station.live()

    await live.tell(**message)

    assert await live.next() == {"msg": "pong"}


@pytest.mark.parametrize("asked_id", [True, [], {}, "x" * 201, "\ud800"])
async def test_other_ids_are_refused(station: Station, asked_id: object) -> None:
    """Without an id, as there is none to carry."""
    live = await station.live()

    await live.tell(msg="ping", id=asked_id)

    assert await live.next() == {
        "msg": "error",
        "code": "bad_message",
        "text": "id: must be a number or at most 200 characters",
    }


BAD_MESSAGES = [
    ("", None),
    ("{", "bad_json"),
    ("hello", "bad_json"),
    ('{"msg":"ping","id":NaN}', "bad_json"),
    ('{"msg":"ping","id":1e999}', "bad_json"),
    ("[" * 50_000, "bad_json"),
    ("[]", "bad_message"),
    ('"ping"', "bad_message"),
    ("5", "bad_message"),
    ("null", "bad_message"),
    ("{}", "bad_message"),
    ('{"msg":"dance"}', "bad_message"),
    ('{"msg":["ping"]}', "bad_message"),
    ('{"msg":"ping","colour":"red"}', "bad_message"),
    ('{"msg":"ping","\\ud800":1}', "bad_message"),
    ('{"msg":"subscribe"}', "bad_channel"),
    ('{"msg":"subscribe","channel":5}', "bad_channel"),
    ('{"msg":"subscribe","channel":"Radio News"}', "bad_channel"),
    ('{"msg":"subscribe","channel":"\\ud800"}', "bad_channel"),
    ('{"msg":"subscribe","channel":"*"}', "bad_channel"),
    ('{"msg":"subscribe","channel":"radio","backlog":-1}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","backlog":1.5}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","backlog":true}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","backlog":"5"}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","types":[]}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","types":"post"}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","types":["tweet"]}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","types":[["post"]]}', "bad_message"),
    ('{"msg":"subscribe","channel":"radio","since":"x"}', "bad_cursor"),
    ('{"msg":"backlog","channel":"radio","before":"x"}', "bad_cursor"),
    ('{"msg":"backlog","channel":"radio","limit":-1}', "bad_message"),
    ('{"msg":"auth"}', "bad_message"),
    ('{"msg":"auth","token":5}', "bad_message"),
    ('{"msg":"auth","token":"x"}', "unauthorized"),
    ('{"msg":"auth","token":"\\ud800"}', "unauthorized"),
    ('{"msg":"publish","channel":"radio"}', "bad_message"),
    ('{"msg":"publish","channel":"radio.*","item":{}}', "bad_channel"),
    ('{"msg":"publish","channel":"radio","item":{}}', "unauthorized"),
]


@pytest.mark.parametrize("kind", [RawSocket, FramedSocket])
async def test_a_bad_message_gets_an_error_and_the_session_goes_on(
    station: Station, kind: type[RawSocket]
) -> None:
    """Each of them, one after the other on one connection."""
    live = await station.open(kind)

    for text, code in BAD_MESSAGES:
        if code is not None:
            await live.send(text)
            answer = await live.next()
            assert (answer["msg"], answer["code"]) == ("error", code), text
            assert answer["text"], text
        assert (await live.ask("ping"))["msg"] == "pong", text


async def test_an_error_names_the_field_and_the_rule(station: Station) -> None:
    """A person can correct it."""
    live = await station.live()

    answers = [
        await live.ask("dance"),
        await live.ask("subscribe", channel="radio", backlog=-1),
        await live.ask("subscribe", channel="radio", limit=5),
        await live.ask("subscribe", channel="radio", types=["tweet"]),
    ]

    assert [answer["text"] for answer in answers] == [
        "msg: must be one of subscribe, unsubscribe, backlog, auth, publish, ping",
        "backlog: must be 0 or more",
        "limit: is not a field of subscribe",
        "types: must be of post, article, event, track, episode",
    ]


async def test_a_message_over_the_limit_is_refused_and_the_session_goes_on(
    start: Start,
) -> None:
    """Bytes are counted, not characters; far over it the session ends."""
    station = await start(limits={"message_bytes": 2_000})
    raw, framed = await station.live(), await station.open(FramedSocket)
    large = {"msg": "publish", "channel": "radio", "item": {"title": "ü" * 1_000}}

    for live in (raw, framed):
        await live.send(json.dumps({**large, "id": 7}, ensure_ascii=False))
        answer = await live.next()
        assert (answer["code"], answer["id"]) == ("too_large", 7)
        assert answer["text"] == "message: must have at most 2000 bytes"
        assert (await live.ask("ping"))["msg"] == "pong"
    await raw.send("x" * 100_000)
    code, _ = await raw.closed()

    assert code in (3003, 1009)


async def test_too_many_messages_are_refused_for_a_while(start: Start) -> None:
    """With the id and the time to wait; the session goes on."""
    station = await start(limits={"messages_per_second": 5})
    live = await station.live()

    for number in range(20):
        await live.tell(msg="ping", id=number)
    answers = [await live.next() for _ in range(20)]

    good = [answer for answer in answers if answer["msg"] == "pong"]
    bad = [answer for answer in answers if answer["msg"] == "error"]
    assert 10 <= len(good) < 15
    assert {answer["code"] for answer in bad} == {"rate_limited"}
    assert [answer["id"] for answer in answers] == list(range(20))
    assert bad[0]["retry_after"] == 1
    assert bad[0]["text"] == "too many messages; try again in 1 s"


async def test_subscriptions_of_a_connection_are_limited(start: Start) -> None:
    """Replacing one is always possible."""
    station = await start(limits={"subscriptions": 2})
    live = await station.live()
    await live.subscribe("radio.a")
    await live.subscribe("radio.b")

    code = await live.refusal("subscribe", channel="radio.c")
    again = await live.subscribe("radio.a", backlog=1)
    await live.ask("unsubscribe", channel="radio.b")
    freed = await live.subscribe("radio.c")

    assert code == "too_many"
    assert again["msg"] == freed["msg"] == "subscribed"


async def test_questions_of_one_session_are_answered_in_order(
    station: Station, channel: str
) -> None:
    """Also where an answer needs the database."""
    await station.posts(channel, 3)
    live = await station.live()
    await live.auth(station.token(publish=[channel]))

    await live.tell(msg="publish", id=1, channel=channel, item=post())
    await live.tell(msg="backlog", id=2, channel=channel)
    await live.tell(msg="ping", id=3)

    assert [(await live.next())["id"] for _ in range(3)] == [1, 2, 3]
