"""Server-sent events: the subscription of a reader without SockJS."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.net.clients import EventStream
from tests.net.station import NOON, Station, ids, post, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_a_stream_begins_with_the_backlog_and_goes_on_with_items(
    station: Station, channel: str
) -> None:
    """Events of two kinds, with the data of the realtime protocol."""
    published = await station.posts(channel, 25)
    stream = await station.events()

    subscribed = await stream.subscribe(channel, backlog=2)
    await station.publisher.publish(channel, post("live", NOON))
    created = await stream.next()
    await station.publisher.delete("live")
    removed = await stream.next()

    assert stream.kinds == ["subscribed", "item", "item"]
    assert ids(subscribed["items"]) == published[:-3:-1]
    assert (subscribed["resumed"], subscribed["more"]) == (False, True)
    assert "id" not in subscribed
    assert (created["change"], created["item"]["id"]) == ("created", "live")
    assert (removed["change"], removed["item"]["removed"]) == ("removed", True)


async def test_each_event_has_its_cursor_as_id(station: Station, channel: str) -> None:
    """A browser that reconnects sends the last one by itself."""
    stream = await station.events()

    subscribed = await stream.subscribe(channel)
    first_id = stream.last_id
    await station.publisher.publish(channel, post())
    item = await stream.next()

    assert first_id == subscribed["cursor"]
    assert stream.last_id == item["cursor"]


async def test_a_stream_resumes_from_its_last_event(
    station: Station, channel: str
) -> None:
    """By header, as browsers do, or by query; the header is newer."""
    stream = await station.events()
    await stream.subscribe(channel)
    await station.publisher.publish(channel, post(f"{channel}:1"))
    await stream.next()
    first, _ = stream.last_id, await stream.close()
    await station.publish(channel, post(f"{channel}:2"))
    second = (await station.http.items(channel)).json["cursor"]
    await station.publish(channel, post(f"{channel}:3"))

    by_header = await (await station.events()).subscribe(channel, last_event_id=first)
    by_query = await (await station.events()).subscribe(channel, since=first)
    both = await (await station.events()).subscribe(
        channel, since=first, last_event_id=second
    )

    assert by_header["resumed"] is by_query["resumed"] is True
    assert ids(by_header["items"]) == [f"{channel}:2", f"{channel}:3"]
    assert ids(by_query["items"]) == [f"{channel}:2", f"{channel}:3"]
    assert ids(both["items"]) == [f"{channel}:3"]


async def test_a_stream_has_the_types_and_the_pattern_asked_for(
    station: Station, channel: str
) -> None:
    """As on every door."""
    stream = await station.events()
    track = {"type": "track", "title": "Tide", "artist": "Ada"}

    subscribed = await stream.subscribe(f"{channel}.*.live", types="track,event")
    await station.publisher.publish(f"{channel}.ada.live", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.ada", {**track, "id": f"{channel}:2"})
    await station.publisher.publish(
        f"{channel}.ada.live", {**track, "id": f"{channel}:3"}
    )

    assert subscribed["channel"] == f"{channel}.*.live"
    assert ids(await stream.next_items(1)) == [f"{channel}:3"]


async def test_a_stream_is_not_kept_by_anybody_in_between(
    station: Station, channel: str
) -> None:
    """Neither stored nor held back until a buffer is full."""
    stream = await station.events()

    await stream.subscribe(channel)

    assert "Content-Type: text/event-stream; charset=UTF-8" in stream.head
    assert "Cache-Control: no-store" in stream.head
    assert "X-Accel-Buffering: no" in stream.head
    assert "Access-Control-Allow-Origin: *" in stream.head


async def test_a_stream_ends_when_its_token_does(station: Station) -> None:
    """The reader comes back with a new token and its last event id."""
    token = station.token(read=["secret"], lifetime=timedelta(seconds=1.5))
    stream = await station.events(token=token)

    subscribed = await stream.subscribe("secret")
    await stream.ended()

    assert subscribed["msg"] == "subscribed"


async def test_a_reader_who_leaves_is_forgotten(start: Start) -> None:
    """Its cohort is gone as soon as its connection is."""
    station = await start()
    stream = await station.events()
    await stream.subscribe("radio.news")
    assert await figure(station, "feedsvc_hub_cohorts") == 1

    await stream.close()

    await until(partial(_no_cohorts, station), "the cohort to go")


async def test_a_reader_who_does_not_read_is_cut(start: Start) -> None:
    """What waits for it is bounded, and nobody waits for it."""
    station = await start(limits={"queued_bytes": 200_000})
    reader = socket.socket()
    # Else the kernel alone would take megabytes for it.
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", station.where.port))
    request = b"GET /api/channels/radio.news/events HTTP/1.1\r\nHost: x\r\n\r\n"
    reader.sendall(request)
    await until(partial(_has_cohorts, station), "the subscription")
    large = [post(content_text="x" * 20_000) for _ in range(100)]

    for _ in range(6):
        await station.publisher.publish("radio.news", large)

    await until(partial(_no_cohorts, station), "the slow reader to go")
    reader.close()


async def test_what_comes_at_once_is_never_too_much(start: Start) -> None:
    """A long backlog comes in, and so does a burst, to a reader that reads."""
    station = await start(limits={"queued_bytes": 200_000})
    large = [post(content_text="x" * 20_000) for _ in range(100)]
    await station.publish("radio.news", *large)
    stream = await station.events()

    subscribed = await stream.subscribe("radio.news", backlog=100)
    await station.publisher.publish("radio.news", large)
    live = await stream.next_items(100)

    assert len(subscribed["items"]) == len(live) == 100


async def test_two_streams_of_one_channel_are_one_cohort(
    start: Start,
) -> None:
    """What one of them gets is encoded for both."""
    station = await start()
    first, second = await station.open(EventStream), await station.open(EventStream)
    await first.subscribe("radio.news")
    await second.subscribe("radio.news")

    await station.publisher.publish("radio.news", post("shared"))

    assert ids(await first.next_items(1)) == ids(await second.next_items(1))
    assert await figure(station, "feedsvc_hub_cohorts") == 1


async def _no_cohorts(station: Station) -> bool:
    return await figure(station, "feedsvc_hub_cohorts") == 0


async def _has_cohorts(station: Station) -> bool:
    return await figure(station, "feedsvc_hub_cohorts") > 0


async def figure(station: Station, name: str) -> float:
    """Return a figure of the metrics."""
    http = station.client()
    http.url = station.admin_url
    text = (await http.ask("GET", "/metrics")).body.decode()
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.partition(" ")[2])
