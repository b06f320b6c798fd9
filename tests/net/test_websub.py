"""WebSub: feeds name the hub, and the hub is told what has changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import feedparser
import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.testing import bind_unused_port

from feedsvc.config import Server
from feedsvc.core.access import Rules
from feedsvc.errors import ConfigError
from feedsvc.net import websub
from feedsvc.net.websub import Publisher
from feedsvc.store import connect
from feedsvc.store.webhooks import Standings
from tests.net.conftest import Start
from tests.net.station import RULES, Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "https://live.example"
PATIENCE_S = 20.0


class Hub:
    """A hub that notes what it is told, and answers as it is asked to."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[list[str]] = asyncio.Queue()
        self.answers: list[int] = []
        self._server = HTTPServer(self._answer)
        socket, port = bind_unused_port()
        self._server.add_sockets([socket])
        self.url = f"http://127.0.0.1:{port}/hub"

    def close(self) -> None:
        self._server.stop()

    async def next(self) -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.told.get()

    def _answer(self, request: HTTPServerRequest) -> None:
        asked = parse_qs(request.body.decode())
        assert asked["hub.mode"] == ["publish"]
        self.told.put_nowait(asked["hub.url"])
        code = self.answers.pop(0) if self.answers else 204
        assert request.connection is not None
        start = ResponseStartLine("HTTP/1.1", code, "-")
        request.connection.write_headers(start, HTTPHeaders({"Content-Length": "0"}))
        request.connection.finish()


@pytest_asyncio.fixture(loop_scope="module")
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest_asyncio.fixture(loop_scope="module")
async def station(start: Start, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Station:
    monkeypatch.setattr(websub, "PAUSE_S", 0.05)
    return await start(server={"websub_hub": hub.url, "public_url": BASE})


def feeds_of(*channels: str) -> set[str]:
    return {
        f"{BASE}/feeds/{channel}.{ending}"
        for channel in channels
        for ending in ("atom", "rss", "json")
    }


async def told_of(hub: Hub, channel: str) -> set[str]:
    """Return what the hub is told until a feed of this channel is among it."""
    found: set[str] = set()
    while f"{BASE}/feeds/{channel}.atom" not in found:
        found |= set(await hub.next())
    return found


async def test_the_hub_is_told_of_a_change_and_of_all_above_it(
    station: Station, hub: Hub
) -> None:
    """In the words of the specification."""
    await station.publish("hub.news.local", post())

    told = await told_of(hub, "hub.news.local")

    assert feeds_of("hub", "hub.news", "hub.news.local") <= told


async def test_nothing_private_is_told(station: Station, hub: Hub) -> None:
    """Neither its name nor that something happened below a public parent."""
    await station.publish("radio.staff.plans", post())
    await station.publish("secret.plans", post())
    await station.publish("radio.staff.board.public", post())

    told = await told_of(hub, "radio.staff.board.public")

    assert not {url for url in told if "secret" in url or "plans" in url}
    assert not feeds_of("radio.staff") & told
    assert feeds_of("radio", "radio.staff.board") <= told


async def test_a_hub_that_does_not_answer_is_asked_again(
    station: Station, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it was not told it is told then."""
    monkeypatch.setattr(websub, "RETRIES_S", (0.01, 0.01))
    await station.publish("again.first", post())
    await told_of(hub, "again.first")
    hub.answers += [500, 503]
    await station.publish("again.second", post())

    attempts = [await hub.next() for _ in range(3)]

    assert attempts[0] == attempts[1] == attempts[2]
    assert feeds_of("again.second") <= set(attempts[0])


async def test_a_burst_is_told_once(
    hub: Hub, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many items it has."""
    monkeypatch.setattr(websub, "PAUSE_S", 1.0)
    other = await station.publish("burst.other", post())
    assert other
    await told_of(hub, "burst.other")
    await station.publish("burst.news", *(post() for _ in range(200)))
    told: list[str] = []
    while f"{BASE}/feeds/burst.news.atom" not in told:
        told = await hub.next()

    assert len(told) == len(set(told))
    assert len(told) <= websub.TOPICS_A_REQUEST


@pytest.mark.parametrize("ending", ["atom", "rss"])
async def test_a_feed_names_its_hub(station: Station, hub: Hub, ending: str) -> None:
    """In the document and in the header, with its own address."""
    answer = await station.http.ask("GET", f"/feeds/past.{ending}")

    links = {one.rel: one.href for one in feedparser.parse(answer.body).feed.links}
    own = f"{BASE}/feeds/past.{ending}"
    assert (links["hub"], links["self"]) == (hub.url, own)
    assert answer.headers["Link"] == f'<{hub.url}>; rel="hub", <{own}>; rel="self"'


async def test_json_feed_names_its_hub_and_a_part_of_a_feed_none(
    station: Station, hub: Hub
) -> None:
    """Only what the hub is told of can be subscribed to."""
    whole = await station.http.ask("GET", "/feeds/past.json")
    part = await station.http.ask("GET", "/feeds/past.json", limit=1)
    calendar = await station.http.ask("GET", "/feeds/past.ics")

    assert whole.json["hubs"] == [{"type": "WebSub", "url": hub.url}]
    assert "hubs" not in part.json
    assert "Link" not in part.headers
    assert "Link" not in calendar.headers


async def test_feeds_name_no_hub_where_there_is_none(start: Start) -> None:
    """As usual."""
    plain = await start()
    answer = await plain.http.ask("GET", "/feeds/past.atom")

    assert b'rel="hub"' not in answer.body
    assert "Link" not in answer.headers


async def test_a_hub_needs_to_know_what_feeds_are_called(station: Station) -> None:
    """Nobody asks when it is told, so the address has to be configured."""
    rules, database = Rules(RULES), connect(station.where.mongodb_uri)

    with pytest.raises(ConfigError, match="public_url"):
        Publisher.configured(Server(websub_hub="http://hub.example"), rules, database)
    assert Publisher.configured(Server(), rules, database) is None
    await database.client.close()


async def told_until(hub: Hub, channel: str) -> Counter[str]:
    """Count what the hub is told, until a feed of this channel is among it."""
    counted: Counter[str] = Counter()
    while f"{BASE}/feeds/{channel}.atom" not in counted:
        counted.update(await hub.next())
    return counted


async def test_of_several_processes_one_tells(
    station: Station, start: Start, hub: Hub
) -> None:
    """The others hear of every change too, and forget what has been told."""
    table = {"websub_hub": hub.url, "public_url": BASE}
    others = [await start(server=table) for _ in range(2)]
    rounds = [f"several{number}" for number in range(5)]
    counted: Counter[str] = Counter()

    for one, name in zip([station, *others, station, *others], rounds, strict=False):
        await one.publish(name, post())
        counted += await told_until(hub, name)

    assert {counted[f"{BASE}/feeds/{name}.atom"] for name in rounds} == {1}


async def seize(station: Station, hub: Hub, for_s: float) -> None:
    """Take the lease, and hold it as a process would that has died since."""
    database = connect(station.where.mongodb_uri)
    hubs = Standings(database, websub.HUBS)
    late = datetime.now(UTC) + timedelta(hours=1)
    assert await hubs.lease(hub.url, "dead", late, for_s - 3_600)
    await database.client.close()


async def test_what_a_dead_process_had_not_told_another_tells(
    station: Station, hub: Hub
) -> None:
    """Once the lease of the dead one has run out."""
    await told_of(hub, "past")
    await seize(station, hub, for_s=1.0)
    seized_at = datetime.now(UTC)

    await station.publish("inherited", post())
    told = await told_of(hub, "inherited")

    assert feeds_of("inherited") <= told
    assert datetime.now(UTC) - seized_at > timedelta(seconds=0.9)


async def test_a_process_whose_lease_was_taken_stops_telling(
    station: Station, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was thought dead; what it has not told it tells when its turn comes again."""
    monkeypatch.setattr(websub, "RETRIES_S", (3_600.0,))
    monkeypatch.setattr(websub, "RENEW_S", 0.05)
    await told_of(hub, "past")
    hub.answers += [500]
    await station.publish("thought.dead", post())
    await told_of(hub, "thought.dead")

    await seize(station, hub, for_s=0.0)
    again = await told_of(hub, "thought.dead")

    assert feeds_of("thought.dead") <= again
