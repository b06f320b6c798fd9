"""The realtime protocol: each message, each refusal, and what follows from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.net.clients import FramedSocket, RawSocket
from tests.net.station import NOON, Station, ids, post
from tests.net.test_items import FOREIGN_CURSOR

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_subscribing_is_answered_with_the_backlog(
    station: Station, channel: str
) -> None:
    """Newest first, with the cursor to go on from."""
    published = await station.posts(channel, 25)
    live = await station.live()

    answer = await live.ask("subscribe", channel=channel)

    assert set(answer) == {
        *("msg", "id", "channel", "items", "cursor", "resumed", "more")
    }
    assert (answer["msg"], answer["channel"]) == ("subscribed", channel)
    assert ids(answer["items"]) == published[:4:-1]
    assert (answer["resumed"], answer["more"]) == (False, True)


@pytest.mark.parametrize(
    ("backlog", "expected", "more"),
    [(0, 0, True), (3, 3, True), (4, 4, False), (500, 4, False), (501, 4, False)],
)
async def test_the_backlog_has_as_many_items_as_asked_for(
    station: Station, channel: str, backlog: int, expected: int, more: bool
) -> None:
    """``more`` says whether there are older ones."""
    published = await station.posts(channel, 4)
    live = await station.live()

    answer = await live.subscribe(channel, backlog=backlog)

    assert ids(answer["items"]) == published[::-1][:expected]
    assert answer["more"] is more


async def test_a_channel_without_items_can_be_subscribed_to(
    station: Station, channel: str
) -> None:
    """Its first item then comes live."""
    live = await station.live()

    answer = await live.subscribe(channel)
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert (answer["items"], answer["more"]) == ([], False)
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_a_live_message_has_the_item_the_change_and_a_cursor(
    station: Station, channel: str
) -> None:
    """Created, updated, removed, and created again."""
    live = await station.live()
    await live.subscribe(channel)
    item_id = f"{channel}:1"

    await station.publisher.publish(channel, post(item_id, NOON))
    created = await live.next()
    await station.publisher.publish(channel, post(item_id, NOON, title="News"))
    updated = await live.next()
    await station.publisher.delete(item_id)
    removed = await live.next()

    assert created == {
        "msg": "item",
        "change": "created",
        "item": {
            "id": item_id,
            "channel": channel,
            "type": "post",
            "date": "2026-11-24T12:00:00.000Z",
            "content_text": "On air.",
            "source": "api",
            "rev": 1,
        },
        "cursor": created["cursor"],
    }
    assert (updated["change"], updated["item"]["rev"]) == ("updated", 2)
    assert (removed["change"], removed["item"]) == (
        "removed",
        {"id": item_id, "channel": channel, "rev": 3, "removed": True},
    )
    assert created["cursor"] < updated["cursor"] < removed["cursor"]


async def test_an_item_dated_last_week_comes_live_and_sits_at_its_date(
    station: Station, channel: str
) -> None:
    """Two clocks: what people see, and what happened."""
    await station.publish(channel, post("new", NOON))
    live = await station.live()
    await live.subscribe(channel)

    await station.publisher.publish(channel, post("old", NOON - timedelta(days=7)))
    [item] = await live.next_items(1)
    late = await (await station.live()).subscribe(channel)

    assert item["id"] == "old"
    assert ids(late["items"]) == ["new", "old"]


async def test_an_unchanged_item_is_not_sent_again(
    station: Station, channel: str
) -> None:
    """Nothing happened."""
    live = await station.live()
    await live.subscribe(channel)

    for name in ("1", "1", "1", "2"):
        await station.publisher.publish(channel, post(f"{channel}:{name}", NOON))

    assert ids(await live.next_items(2)) == [f"{channel}:1", f"{channel}:2"]


async def test_subscriptions_that_overlap_bring_an_item_once(
    station: Station, channel: str
) -> None:
    """However many of them match."""
    live = await station.live()
    for name in (channel, f"{channel}.artist", f"{channel}.*", f"{channel}.artist.*"):
        await live.subscribe(name)

    await station.publisher.publish(f"{channel}.artist.ada", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.artist.ada", post(f"{channel}:2"))

    assert ids(await live.next_items(2)) == [f"{channel}:1", f"{channel}:2"]
    assert await live.heard_by_now() == []


async def test_only_the_types_asked_for_are_sent(
    station: Station, channel: str
) -> None:
    """In the backlog and live; a removal of another type neither."""
    track = {"type": "track", "title": "Tide", "artist": "Ada"}
    await station.publish(channel, post("p"), {**track, "id": f"{channel}:1"})
    live = await station.live()

    answer = await live.subscribe(channel, types=["track", "episode"])
    await station.publisher.publish(channel, post("q"))
    await station.publisher.delete("p")
    await station.publisher.publish(channel, {**track, "id": f"{channel}:2"})

    assert ids(answer["items"]) == [f"{channel}:1"]
    assert ids(await live.next_items(1)) == [f"{channel}:2"]


async def test_a_second_subscription_to_a_channel_replaces_the_first(
    station: Station, channel: str
) -> None:
    """With other types, for example; each item still comes once."""
    await station.posts(channel, 3)
    live = await station.live()
    await live.subscribe(channel, types=["track"])

    answer = await live.subscribe(channel, backlog=1)
    await station.publisher.publish(channel, post(f"{channel}:live"))
    item = await live.next()
    await live.ask("unsubscribe", channel=channel)
    await station.publish(channel, post(f"{channel}:later"))

    assert len(answer["items"]) == 1
    assert item["item"]["id"] == f"{channel}:live"
    assert await live.heard_by_now() == []


async def test_unsubscribing_ends_what_comes(station: Station, channel: str) -> None:
    """And is answered also where there was nothing to end."""
    live = await station.live()
    await live.subscribe(f"{channel}.a")
    await live.subscribe(f"{channel}.b")

    answer = await live.ask("unsubscribe", channel=f"{channel}.A")
    again = await live.ask("unsubscribe", channel=f"{channel}.a")
    await station.publisher.publish(f"{channel}.a", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.b", post(f"{channel}:2"))

    assert answer == {**answer, "msg": "unsubscribed", "channel": f"{channel}.a"}
    assert again["msg"] == "unsubscribed"
    assert ids(await live.next_items(1)) == [f"{channel}:2"]


async def test_backlog_pages_go_down_to_the_end(station: Station, channel: str) -> None:
    """The same pages as over HTTP."""
    published = await station.posts(channel, 5)
    live = await station.live()

    first = await live.ask("backlog", channel=channel, limit=2)
    second = await live.ask("backlog", channel=channel, limit=2, before=first["next"])
    third = await live.ask("backlog", channel=channel, limit=2, before=second["next"])
    http = (await station.http.items(channel, limit=2)).json

    assert set(first) == {"msg", "id", "channel", "items", "next"}
    assert first["msg"] == "backlog"
    assert first["next"] == http["next"]
    pages = [ids(page["items"]) for page in (first, second, third)]
    assert [*pages[0], *pages[1], *pages[2]] == published[::-1]
    assert third["next"] is None


async def test_publishing_over_the_socket(station: Station, channel: str) -> None:
    """With the right; answered when it is stored."""
    live = await station.live()
    item = post(f"{channel}:1")

    without = await live.refusal("publish", channel=channel, item=item)
    await live.auth(station.token(publish=[channel]))
    elsewhere = await live.refusal("publish", channel="radio.news", item=item)
    created = await live.ask("publish", channel=channel, item=item)
    same = await live.ask("publish", channel=channel, item=item)
    bad = await live.ask("publish", channel=channel, item={"type": "post", "x": 1})

    assert without == "unauthorized"
    assert elsewhere == "forbidden"
    assert created == {
        "msg": "published",
        "id": created["id"],
        "item_id": f"{channel}:1",
        "status": "created",
        "rev": 1,
    }
    assert same["status"] == "unchanged"
    assert (bad["code"], bad["text"]) == ("bad_message", "x: is not a field of an item")
    assert (await station.http.item(f"{channel}:1")).status == 200


async def test_a_publisher_hears_its_own_item(station: Station, channel: str) -> None:
    """Like every subscriber."""
    live = await station.live()
    await live.auth(station.token(publish=[channel]))
    await live.subscribe(channel)

    await live.ask("publish", channel=channel, item=post(f"{channel}:1"))

    assert ids(await live.next_items(1)) == [f"{channel}:1"]


# Ids.


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


# What is wrong.

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


# Resuming.


async def test_resuming_brings_what_changed_in_the_order_of_commits(
    station: Station, channel: str
) -> None:
    """Each item once at its newest revision, removed ones as tombstones."""
    live = await station.live()
    await station.publish(channel, post("ra", NOON), post("rb", NOON))
    known = await live.subscribe(channel)
    await live.close()
    await station.publish(channel, post("rold", NOON - timedelta(days=7)))
    await station.publish(channel, post("ra", NOON, title="Once"))
    await station.publish(channel, post("ra", NOON, title="Twice"))
    await station.publisher.delete("rb")
    await station.publish(f"{channel}.below", post("rc", NOON))
    await station.publish(f"{channel}-beside", post("rx", NOON))

    again = await station.live()
    answer = await again.subscribe(channel, since=known["cursor"], backlog=1)
    await station.publisher.publish(channel, post("rd"))

    assert (answer["resumed"], answer["more"]) == (True, False)
    assert ids(answer["items"]) == ["rold", "ra", "rb", "rc"]
    assert answer["items"][1]["title"] == "Twice"
    assert answer["items"][2] == {
        "id": "rb",
        "channel": channel,
        "rev": 2,
        "removed": True,
    }
    assert ids(await again.next_items(1)) == ["rd"]


async def test_the_cursor_of_any_message_can_be_resumed_from(
    station: Station, channel: str
) -> None:
    """On another transport too."""
    live = await station.live()
    await live.subscribe(channel)
    for number in range(3):
        await station.publisher.publish(channel, post(f"{channel}:{number}"))
    messages = [await live.next() for _ in range(3)]

    framed = await station.open(FramedSocket)
    answer = await framed.subscribe(channel, since=messages[0]["cursor"])
    polled = await station.http.items(channel, after=messages[1]["cursor"])
    nothing = await framed.subscribe(channel, since=messages[2]["cursor"])

    assert ids(answer["items"]) == [f"{channel}:1", f"{channel}:2"]
    assert ids(polled.json["items"]) == [f"{channel}:2"]
    assert (nothing["resumed"], nothing["items"]) == (True, [])


async def test_resuming_survives_a_restart_of_the_service(start: Start) -> None:
    """Whatever happened before, in between and after it."""
    first = await start()
    live = await first.live()
    await first.publish("radio.news", post("one"))
    cursor = (await live.subscribe("radio"))["cursor"]
    await first.publish("radio.news", post("two"))

    second = await start()  # another process on the same database
    await second.publish("radio.news", post("three"))
    answer = await (await second.live()).subscribe("radio", since=cursor)

    assert answer["resumed"] is True
    assert ids(answer["items"]) == ["two", "three"]


async def test_an_unknown_cursor_brings_a_fresh_backlog(
    station: Station, channel: str
) -> None:
    """Never silence: the client replaces what it has."""
    published = await station.posts(channel, 3)
    live = await station.live()

    answer = await live.subscribe(channel, since=FOREIGN_CURSOR, backlog=2)

    assert (answer["resumed"], answer["more"]) == (False, True)
    assert ids(answer["items"]) == published[:0:-1]


async def test_a_cursor_older_than_the_memory_brings_a_fresh_backlog(
    start: Start,
) -> None:
    """The ring is bounded, and says so."""
    station = await start(limits={"ring_changes": 5})
    live = await station.live()
    cursor = (await live.subscribe("radio.news"))["cursor"]
    await station.posts("radio.news", 10)

    answer = await (await station.live()).subscribe("radio.news", since=cursor)

    assert answer["resumed"] is False
    assert len(answer["items"]) == 10


async def test_nothing_falls_between_the_backlog_and_what_follows(
    station: Station, channel: str
) -> None:
    """Subscribers that come while items are published miss none and get none twice."""
    publishing = asyncio.create_task(_publish_slowly(station, channel, 60))
    readers = []
    for _ in range(15):
        live = await station.live()
        readers.append((live, await live.subscribe(channel, backlog=500)))
    await publishing
    await station.publisher.publish(channel, post(f"{channel}:end"))

    for live, subscribed in readers:
        found = ids(subscribed["items"])[::-1]
        while found[-1:] != [f"{channel}:end"]:
            found += ids(await live.next_items(1))
        assert found == [*(f"{channel}:{n:03}" for n in range(60)), f"{channel}:end"]


async def _publish_slowly(station: Station, channel: str, number: int) -> None:
    for n in range(number):
        at = NOON + timedelta(seconds=n)
        await station.publisher.publish(channel, post(f"{channel}:{n:03}", at))


# Tokens.


async def test_a_token_may_be_shown_after_subscribing(
    station: Station,
) -> None:
    """The subscription to the public parent then shows the private part too."""
    live = await station.live()
    await live.subscribe("radio", backlog=0)

    await station.publish("radio.staff.auth", post("auth-1"))
    answer = await live.auth(station.token(read=["radio.staff"]))
    await station.publish("radio.staff.auth", post("auth-2"))

    assert answer["expires"].endswith("Z")
    assert ids(await live.next_items(1)) == ["auth-2"]


async def test_a_token_with_fewer_rights_ends_what_it_does_not_cover(
    station: Station, channel: str
) -> None:
    """Told with ``expired`` for the channel; the others go on."""
    live = await station.live()
    await live.auth(station.token(read=["radio.staff"]))
    await live.subscribe("radio.staff")
    await live.subscribe(channel)

    await live.auth(station.token(read=["radio.artist"]))
    news = live.held.popleft()
    await station.publish("radio.staff.fewer", post("fewer-1"))
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert (news["msg"], news["code"]) == ("error", "expired")
    assert news["text"] == "channel: the rights no longer cover radio.staff"
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_a_bad_token_changes_nothing(station: Station) -> None:
    """The rights of the last good one stay."""
    live = await station.live()
    await live.auth(station.token(read=["radio.staff"]))

    bad = await live.refusal("auth", token="nonsense")
    old = await live.refusal(
        "auth", token=station.token(lifetime=timedelta(minutes=-5))
    )
    still = await live.subscribe("radio.staff")

    assert (bad, old) == ("unauthorized", "expired")
    assert still["msg"] == "subscribed"


async def test_a_session_whose_token_expires_is_closed(station: Station) -> None:
    """If the token was all that opened its subscriptions: 3004, after an error."""
    live = await station.live()
    # Tokens are taken for some seconds longer, so that clocks may differ.
    await live.auth(station.token(read=["secret"], lifetime=timedelta(seconds=-1)))
    await live.subscribe("secret")

    error = await live.next()
    code, reason = await live.closed()

    assert (error["msg"], error["code"]) == ("error", "expired")
    assert (code, reason) == (3004, "token expired")


async def test_an_expired_token_leaves_the_public_subscriptions(
    station: Station, channel: str
) -> None:
    """An error tells that it is over; what needs no token goes on."""
    live = await station.live()
    token = station.token(publish=[channel], lifetime=timedelta(seconds=-1))
    await live.auth(token)
    await live.subscribe(channel)

    error = await live.next()
    code = await live.refusal("publish", channel=channel, item=post())
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert error == {
        "msg": "error",
        "code": "expired",
        "text": "token: its time is over",
    }
    assert code == "unauthorized"
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_renewing_in_time_keeps_everything(station: Station) -> None:
    """The old token's end no longer matters."""
    live = await station.live()
    await live.auth(station.token(read=["secret"], lifetime=timedelta(seconds=1)))
    await live.subscribe("secret", backlog=0)
    await live.auth(station.token(read=["secret"]))
    other = await station.live()
    await other.auth(station.token(read=["secret"], lifetime=timedelta(seconds=1)))
    await other.subscribe("secret", backlog=0)

    await other.closed()  # what would have happened to the first one, too

    await station.publish("secret", post("renewed-1"))
    assert ids(await live.next_items(1)) == ["renewed-1"]
