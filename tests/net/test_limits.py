"""Bounds that keep one client from harming the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.net.clients import RawSocket
from tests.net.station import Station, ids, post, until
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
