"""Bounds that keep one client from harming the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feedsvc.net.tokens import Tokens
from tests.net.clients import RawSocket
from tests.net.station import SECRET, Station, ids, post, until
from tests.net.test_events import figure

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_more_sessions_than_the_limit_are_refused(start: Start) -> None:
    """503 with the time to wait, on the first address that a client asks."""
    station = await start(limits={"sessions": 1})
    live = await station.live()

    info = await station.http.ask("GET", "/live/info")
    with pytest.raises(InvalidStatus) as refused:
        await RawSocket.open(station.url)
    await live.close()

    async def is_open() -> bool:
        return (await station.http.ask("GET", "/live/info")).status == 200

    assert info.status == 503
    assert info.headers["Retry-After"] == "5"
    assert refused.value.response.status_code == 503
    assert await until(is_open, "room for another")


async def test_more_event_streams_than_the_limit_are_refused(start: Start) -> None:
    """503 with the time to wait; who leaves makes room."""
    station = await start(limits={"sessions": 1})
    stream = await station.events()
    await stream.subscribe("radio")

    refused = await station.http.ask("GET", "/api/channels/radio/events")
    counted = await figure(station, "feedsvc_event_streams")
    await stream.close()

    async def is_gone() -> bool:
        return await figure(station, "feedsvc_event_streams") == 0

    assert refused.error == (503, "unavailable")
    assert refused.text == "too many streams; try again in 5 s"
    assert refused.headers["Retry-After"] == "5"
    assert counted == 1
    assert await until(is_gone, "the stream to go")


async def test_a_client_that_does_not_read_is_closed_and_may_resume(
    start: Start,
) -> None:
    """3002; the others never wait for it, and it misses nothing."""
    station = await start(limits={"queued_bytes": 200_000})
    slow = await station.live(max_queue=1)
    quick = await station.live()
    cursor = (await slow.subscribe("radio", backlog=0))["cursor"]
    await quick.subscribe("radio", backlog=0)
    large = [post(content_text="x" * 20_000) for _ in range(100)]

    published = []
    for _ in range(8):
        answer = await station.publisher.publish("radio", large)
        published += ids(answer.json["results"])
        assert len(await quick.next_items(100)) == 100

    async def is_cut() -> bool:
        return await figure(station, "feedsvc_live_slow_total") == 1

    await until(is_cut, "the slow one to be closed")
    received = await _read_to_the_end(slow)
    again = await (await station.live()).subscribe(
        "radio", since=received[-1]["cursor"] if received else cursor
    )

    assert slow.socket.close_code == 3002
    assert ids([one["item"] for one in received]) + ids(again["items"]) == published


async def _read_to_the_end(live: RawSocket) -> list[dict[str, object]]:
    received = []
    try:
        while True:
            received.append(await live.next())
    except ConnectionClosed:
        return received


BEHIND_A_PROXY = {"proxies": ("127.0.0.1",)}


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def test_an_address_that_asks_too_often_is_refused_for_a_while(
    start: Start,
) -> None:
    """429 with the time to wait; others, publishers and supervisors are not."""
    station = await start(limits={"requests_per_second": 1}, server={**BEHIND_A_PROXY})
    ask = partial(station.http.ask, "GET", "/api/channels")

    answers = [await ask(headers=from_address("192.0.2.1")) for _ in range(8)]
    other = await ask(headers=from_address("192.0.2.2"))
    with_token = await ask(
        headers=from_address("192.0.2.1"), token=station.token(read=["radio"])
    )
    forged = await ask(headers=from_address("192.0.2.1"), token="forged")
    health = await station.http.ask(
        "GET", "/healthz", headers=from_address("192.0.2.1")
    )

    refused = [answer for answer in answers if answer.status == 429]
    assert answers[0].status == other.status == with_token.status == 200
    assert refused
    assert refused[0].error == (429, "rate_limited")
    assert refused[0].text == "too many requests; try again in 1 s"
    assert refused[0].headers["Retry-After"] == "1"
    assert forged.status in (401, 429)
    assert health.status == 200
    name = 'feedsvc_errors_total{code="rate_limited",door="http"}'
    assert await figure(station, name) >= len(refused)


async def test_addresses_of_one_household_are_one(start: Start) -> None:
    """It has a whole /64 of IPv6."""
    station = await start(limits={"requests_per_second": 1}, server={**BEHIND_A_PROXY})

    answers = [
        await station.http.ask(
            "GET", "/api/channels", headers=from_address(f"2001:db8::{number:x}")
        )
        for number in range(1, 9)
    ]

    assert 429 in [answer.status for answer in answers]


async def test_a_token_that_reads_or_removes_too_often_is_refused(
    start: Start,
) -> None:
    """Wherever it comes from."""
    station = await start(limits={"requests_per_second": 1, "publish_per_second": 1})
    token = Tokens(SECRET).issue(
        "busy",
        publish=["*"],
        lifetime=timedelta(hours=1),
        now=datetime.now(UTC),
    )

    read = [(await station.http.items("past", token=token)).status for _ in range(8)]
    removed = [
        (await station.http.delete("nothing", token=token)).status for _ in range(8)
    ]

    assert (read[0], removed[0]) == (200, 404)
    assert 429 in read
    assert 429 in removed


async def test_an_address_has_so_many_event_streams_and_no_more(
    start: Start,
) -> None:
    """429; who leaves makes room."""
    station = await start(limits={"sessions_per_address": 1}, server={**BEHIND_A_PROXY})
    path = "/api/channels/radio/events"
    stream = await station.events(headers=from_address("192.0.2.1"))
    await stream.subscribe("radio")

    refused = await station.http.ask("GET", path, headers=from_address("192.0.2.1"))
    await stream.close()

    async def is_gone() -> bool:
        return await figure(station, "feedsvc_event_streams") == 0

    await until(is_gone, "the stream to go")
    again = await station.events(headers=from_address("192.0.2.1"))

    assert refused.error == (429, "rate_limited")
    assert refused.text == "too many streams of one address; try again in 5 s"
    assert (await again.subscribe("radio"))["msg"] == "subscribed"
