"""Figures of what callers do, as Prometheus reads them from the running service."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from feedsvc.net.traffic import route
from tests.net.clients import items_path
from tests.net.station import FOREIGN_CURSOR, Station, post, until
from tests.net.test_events import figure

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_deliveries_and_their_delay_are_counted(start: Start) -> None:
    """Each change once for each reader, whatever its door; the delay once a change."""
    station = await start()
    live, stream = await station.live(), await station.events()
    for reader in (live, stream):
        await reader.subscribe("radio.news")
    assert await figure(station, "feedsvc_hub_subscriptions") == 2
    before = await figure(station, "feedsvc_delivery_seconds_count")

    await station.publisher.publish("radio.news", [post() for _ in range(5)])
    for reader in (live, stream):
        await reader.next_items(5)

    assert await figure(station, "feedsvc_deliveries_total") == 10
    assert await figure(station, "feedsvc_delivery_seconds_count") == before + 5
    assert await figure(station, "feedsvc_delivery_seconds_sum") < 5 * 60
    await live.close()
    await until(partial(_is, station, "feedsvc_hub_subscriptions", 1), "its end")


async def test_what_was_there_at_the_start_was_not_late(start: Start) -> None:
    """A new process reads the past again; that says nothing of today's readers."""
    station = await start()
    await station.publish("radio.news", post("old"))

    late = await start()

    assert await figure(late, "feedsvc_relay_changes_total") >= 2
    assert await figure(late, "feedsvc_delivery_seconds_sum") < 60
    assert await figure(late, "feedsvc_delivery_seconds_count") <= 1


async def test_cursors_are_counted_by_what_became_of_them(start: Start) -> None:
    """On every door, so that lost continuity shows."""
    station = await start()
    live = await station.live()
    cursor = (await live.subscribe("radio"))["cursor"]

    await live.ask("subscribe", channel="radio", since=cursor)
    await live.ask("subscribe", channel="radio", since=FOREIGN_CURSOR)
    await station.http.items("past", after=cursor)

    resumes = 'feedsvc_resumes_total{outcome="%s"}'
    assert await figure(station, resumes % "resumed") == 2
    assert await figure(station, resumes % "foreign") == 1
    assert await figure(station, resumes % "expired") == 0


async def test_hits_of_hot_backlogs_are_counted(start: Start) -> None:
    """The first reader of a channel waits for the database, the second does not."""
    station = await start()
    requests = 'feedsvc_hot_backlog_requests_total{outcome="%s"}'
    hits, misses = [await figure(station, requests % one) for one in ("hit", "miss")]

    await (await station.live()).subscribe("radio")
    await (await station.live()).subscribe("radio")
    await (await station.events()).subscribe("radio")

    assert await figure(station, requests % "miss") == misses + 1
    assert await figure(station, requests % "hit") == hits + 2


async def test_requests_are_counted_by_route_and_status(start: Start) -> None:
    """No address of a channel or item among the labels, however many are asked."""
    station = await start()
    for number in range(3):
        await station.http.ask("GET", items_path(f"nobody.knows{number}"))
        await station.http.ask("GET", f"/no/such{number}")
    stream = await station.events()
    await stream.subscribe("radio")
    await stream.close()

    admin = station.client()
    admin.url = station.admin_url
    text = (await admin.ask("GET", "/metrics")).body.decode()

    requests = 'feedsvc_http_requests_total{route="%s",status="4xx"}'
    assert await figure(station, requests % "/api/channels/*/items") >= 3
    assert await figure(station, requests % "other") == 3
    assert "nobody" not in text
    assert "such" not in text
    timed = set(re.findall(r'feedsvc_http_seconds_count{route="(.*?)"}', text))
    assert timed >= {"/api/channels/*/items", "other"}
    assert "/api/channels/*/events" not in timed


async def test_refusals_are_counted_by_door(start: Start) -> None:
    """The same fault on each of them, by the code that the caller sees."""
    station = await start()
    live = await station.live()

    await live.ask("subscribe", channel="Not a channel")
    await station.http.items("Not%20a%20channel")
    await station.http.ask("GET", "/api/channels/Not%20a%20channel/events")

    for door in ("live", "http", "events"):
        errors = f'feedsvc_errors_total{{code="bad_channel",door="{door}"}}'
        assert await figure(station, errors) == 1, door


async def test_the_event_loop_is_watched(start: Start) -> None:
    """How late it was shows without anybody asking for anything."""
    station = await start()

    assert await until(
        partial(_has, station, "feedsvc_loop_late_seconds_count", 1), "a look"
    )


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        (r"/api/channels/([^/]+)/items/([^/]+)", "/api/channels/*/items/*"),
        (r"/([a-z][a-z0-9.-]*\.(?:js|css))", "/*"),
        (r"/api/openapi\.json", "/api/openapi.json"),
        (r"/()", "/"),
    ],
)
async def test_a_route_reads_like_an_address(pattern: str, shown: str) -> None:
    """With a star for what varies."""
    assert route(pattern) == shown


async def _has(station: Station, name: str, least: float) -> bool:
    return await figure(station, name) >= least


async def _is(station: Station, name: str, number: float) -> bool:
    return await figure(station, name) == number
