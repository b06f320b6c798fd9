"""Alive and ready; and what becomes of it all when the database dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.store.embedded import EmbeddedMongod
from feedsvc.store.home import Home
from tests.net.clients import items_path
from tests.net.station import Station, ids, lived_in, make_settings, post, serving
from tests.net.test_events import figure

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


@pytest_asyncio.fixture(loop_scope="module")
async def mongod(tmp_path: Path) -> AsyncIterator[EmbeddedMongod]:
    """A server of the test's own, which nobody starts again but the test."""
    home = Home(tmp_path)
    claim = home.claim()
    assert claim is not None
    server = EmbeddedMongod(home)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        os.close(claim)


async def test_a_running_service_is_alive_and_ready(station: Station) -> None:
    """On both listeners, and nobody keeps the answer."""
    admin = station.client()
    admin.url = station.admin_url

    for http in (station.http, admin):
        alive = await http.ask("GET", "/healthz")
        ready = await http.ask("GET", "/readyz")
        assert (alive.status, alive.json) == (200, {"status": "ok"})
        assert ready.status == 200
        assert ready.json["status"] == "ready"
        assert (ready.json["database"], ready.json["change_stream"]) == ("ok", "ok")
        assert ready.headers["Cache-Control"] == "no-store"
        for path in ("/healthz", "/readyz"):
            asked = await http.ask("HEAD", path)
            assert (asked.status, asked.body) == (200, b"")


async def test_metrics_are_on_the_admin_listener_only(station: Station) -> None:
    """The public one does not know the address."""
    admin = station.client()
    admin.url = station.admin_url

    metrics = await admin.ask("GET", "/metrics")
    public = await station.http.ask("GET", "/metrics")
    api = await admin.ask("GET", items_path("past"))

    assert metrics.headers["Content-Type"].startswith("text/plain")
    assert b"feedsvc_relay_ready 1.0" in metrics.body
    assert public.error == api.error == (404, "not_found")


async def test_metrics_count_what_happens(start: Start) -> None:
    """Sessions by transport, changes, and what is kept in memory."""
    station = await start()
    before = await figure(station, "feedsvc_relay_changes_total")
    live = await station.live()
    await live.subscribe("radio.news")

    await station.publisher.publish("radio.news", [post() for _ in range(10)])
    await live.next_items(10)

    assert await figure(station, "feedsvc_relay_changes_total") == before + 10
    assert await figure(station, "feedsvc_hub_cohorts") == 1
    sessions = 'feedsvc_live_sessions{transport="websocket-raw"}'
    assert await figure(station, sessions) == 1


async def test_the_service_outlives_its_database(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """Killed and started again: connections stay, and nothing was missed."""
    async with serving(make_settings(mongod.uri, tmp_path)) as running:
        station = await lived_in(running)
        live, stream = await station.live(), await station.events()
        await live.subscribe("radio")
        await stream.subscribe("radio")
        await station.publish("radio.news", post("before"))

        os.kill(mongod.pid, signal.SIGKILL)
        await until_status(station, 503)
        alive = await station.http.ask("GET", "/healthz")
        pong = await live.ask("ping")
        hot = await (await station.live()).ask("subscribe", channel="radio")
        await mongod.start()
        await until_status(station, 200)
        published = await station.publisher.publish("radio.news", post("after"))

        assert alive.status == 200
        assert pong["msg"] == "pong"
        assert ids(hot["items"]) == ["before"]
        assert published.status == 201
        assert ids(await live.next_items(2)) == ["before", "after"]
        assert ids(await stream.next_items(2)) == ["before", "after"]
        assert await station.seen("radio") == ["after", "before"]


async def test_what_needs_the_database_says_that_it_does_not_answer(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """503 with the time to wait, ``unavailable`` on the socket."""
    uri = f"{mongod.uri}&serverSelectionTimeoutMS=300"
    async with serving(make_settings(uri, tmp_path)) as running:
        station = await lived_in(running)
        live = await station.live()
        await live.auth(station.token(admin=True))
        os.kill(mongod.pid, signal.SIGKILL)
        await until_status(station, 503)

        answers = await asyncio.gather(
            station.publisher.publish("radio", post("lost")),
            station.http.items("past", before="MTc5NTA3ODgwMDAwMCBjYWxlbmRhcjo3"),
            station.http.item("past"),
            station.publisher.delete("past"),
            station.http.ask("GET", "/api/channels"),
        )
        told = await live.ask("publish", channel="radio", item=post())
        ready = await station.http.ask("GET", "/readyz")
        await mongod.start()
        await until_status(station, 200)
        again = await station.publisher.publish("radio", post("lost"))

        for answer in answers:
            assert answer.error == (503, "unavailable")
            assert answer.text == "the database does not answer; try again in 2 s"
            assert answer.headers["Retry-After"] == "2"
        assert (told["code"], told["retry_after"]) == ("unavailable", 2)
        assert ready.json["database"] == "does not answer"
        assert ready.headers["Retry-After"] == "2"
        assert again.status in (200, 201)


async def test_a_collection_that_was_made_anew_begins_with_a_reset(
    start: Start,
) -> None:
    """Who is connected gets a fresh backlog, which replaces what it has."""
    station = await start()
    live = await station.live()
    await station.publish("radio", post("reset-1"))
    await live.subscribe("radio")

    await station.drop_items()
    reset = await live.next()
    subscribed = await live.next()
    await station.publisher.publish("radio.news", post("reset-2"))

    assert reset == {"msg": "reset", "channel": "radio"}
    assert subscribed["msg"] == "subscribed"
    assert "id" not in subscribed
    assert (subscribed["items"], subscribed["resumed"]) == ([], False)
    assert ids(await live.next_items(1)) == ["reset-2"]


async def test_a_collection_that_was_made_anew_has_its_indexes(start: Start) -> None:
    """Else no backlog can be read until the service is started again."""
    station = await start()
    live = await station.live()
    await live.subscribe("radio")
    await station.drop_items()
    assert (await live.next())["msg"] == "reset"
    await live.next()

    await station.publisher.publish("radio.news", post("reset-3"))
    other = await (await station.live()).ask("subscribe", channel="radio.news")

    assert other["msg"] == "subscribed"


async def test_the_first_visitor_of_a_new_database_gets_an_answer(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """Before anything has been published."""
    async with serving(make_settings(mongod.uri, tmp_path)) as station:
        answer = await (await station.live()).ask("subscribe", channel="radio")
        page = await station.http.items("radio")

    assert answer["msg"] == "subscribed"
    assert page.error == (404, "not_found")


async def until_status(station: Station, status: int) -> None:
    """Wait until the service says that it is ready, or that it is not."""

    async def has_it() -> bool:
        return (await station.http.ask("GET", "/readyz")).status == status

    async with asyncio.timeout(40):
        while not await has_it():  # noqa: ASYNC110 it is asked over HTTP
            await asyncio.sleep(0.02)
