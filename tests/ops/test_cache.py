"""nginx with the cache of ``ops/deploy`` before the service: who is asked, and when.

Answers age after a second here instead of five; all else is as the service says it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from tornado.httpclient import HTTPRequest, HTTPResponse

from feedsvc.net import backlog
from ops.deploy.stage import Front, running_balancer
from tests.net.station import (
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
    until,
)

pytestmark = [pytest.mark.mongo, pytest.mark.asyncio(loop_scope="module")]

_numbers = count(1)


class Cached:
    """The service and the nginx before it; ``stop`` takes the service away."""

    def __init__(self, station: Station, front: Front, stack: AsyncExitStack) -> None:
        self.station = station
        self.front = front
        self.stop = stack.aclose

    async def get(self, path: str, **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): headers[name] for name in headers}
        return await self.front.ask("GET", path, headers=named)

    async def raw(self, path: str, **headers: str) -> HTTPResponse:
        """Ask for exactly what the headers say, compressed or not."""
        return await self.front.client.fetch(
            HTTPRequest(
                f"{self.front.url}{path}",
                headers={
                    name.replace("_", "-"): told for name, told in headers.items()
                },
                ssl_options=self.front.context,
                decompress_response=False,
            )
        )

    async def aged(self, path: str) -> HTTPResponse:
        """Ask until the answer is an old one, and return it."""

        async def is_stale() -> HTTPResponse | None:
            answer = await self.get(path)
            return answer if answer.headers["X-Cache"] == "STALE" else None

        return await until(is_stale, "an old answer")  # type: ignore[no-any-return]  # as above


@asynccontextmanager
async def caching(mongod_uri: str, folder: Path, layout: str) -> AsyncIterator[Cached]:
    async with own_database(mongod_uri) as uri, AsyncExitStack() as stack:
        settings = make_settings(uri, folder)
        station = await lived_in(await stack.enter_async_context(serving(settings)))
        ports = [station.where.port] * 3
        async with running_balancer(
            "nginx", layout, ports, folder, cached=True
        ) as front:
            yield Cached(station, front, stack)


@pytest.fixture(scope="module", autouse=True)
def _soon_old() -> Iterator[None]:
    """Have answers age in a second."""
    usual = f"s-maxage={backlog.SHARED_S}"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FRESH", "CACHE_CONTROL"):
            rule = getattr(backlog, name)
            assert usual in rule
            patch.setattr(backlog, name, rule.replace(usual, "s-maxage=1"))
        yield


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["subdomain", "path"]
)
async def cached(
    request: pytest.FixtureRequest,
    mongod_uri: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Cached]:
    """For all tests that leave the service as it is."""
    folder = tmp_path_factory.mktemp("cached")
    async with caching(mongod_uri, folder, request.param) as found:
        yield found


@pytest.fixture
def channel() -> str:
    return f"kept{next(_numbers)}"


def addresses(channel: str) -> list[str]:
    """Return what may be kept of a channel."""
    feeds = [f"/feeds/{channel}.{ending}" for ending in ("atom", "rss", "json")]
    return [f"/api/channels/{channel}/items", f"/embed/{channel}", *feeds]


def items(answer: HTTPResponse) -> int:
    return len(json.loads(answer.body)["items"])


async def test_of_many_who_ask_at_once_one_asks_the_service(
    cached: Cached, channel: str
) -> None:
    """The others get the same answer, byte by byte."""
    await cached.station.publish(channel, post())

    for path in addresses(channel):
        answers = await asyncio.gather(*(cached.get(path) for _ in range(20)))
        found = Counter(one.headers["X-Cache"] for one in answers)
        assert {one.code for one in answers} == {200}
        assert found["MISS"] == 1, found
        assert len({one.body for one in answers}) == 1


async def test_what_has_aged_is_shown_once_more_while_the_next_is_fetched(
    cached: Cached, channel: str
) -> None:
    """Nobody waits for it."""
    path = f"/api/channels/{channel}/items"
    await cached.station.publish(channel, post())
    before = await cached.get(path)
    await cached.station.publish(channel, post())

    old = await cached.aged(path)

    async def is_new() -> bool:
        return items(await cached.get(path)) == 2

    assert old.body == before.body
    await until(is_new, "the new answer")


async def test_who_has_the_answer_gets_none(cached: Cached, channel: str) -> None:
    """From the cache, too; each coding is kept by itself under one tag."""
    await cached.station.publish(channel, *(post() for _ in range(20)))

    for path in addresses(channel):
        plain = await cached.raw(path)
        packed = await cached.raw(path, Accept_Encoding="gzip")
        tag = plain.headers["ETag"]
        known = await cached.get(path, If_None_Match=tag)
        assert (known.code, known.body) == (304, b"")
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert b"On air" in gzip.decompress(packed.body)
        assert packed.headers["ETag"] == tag
        assert packed.headers["Vary"] == "Authorization, Accept-Encoding"


async def test_what_a_token_reads_is_never_kept(cached: Cached, channel: str) -> None:
    """Nor is it answered from what is kept; what is not there is not kept either."""
    private = f"secret.{channel}"
    token = cached.station.token(read=["secret"])
    bearer = {"Authorization": f"Bearer {token}"}
    for path in addresses(private):
        assert (await cached.get(path)).code == 404
    await cached.station.publish(private, post())
    await cached.station.publish(channel, post())

    for path in addresses(private) + addresses(channel):
        for _ in range(2):
            answer = await cached.get(path, **bearer)
            assert answer.code == 200
            assert answer.headers["X-Cache"] == "BYPASS"
            assert answer.headers["Cache-Control"] == "private, no-store"

    for path in addresses(private):
        assert (await cached.get(path)).code == 404
    for path in addresses(channel):
        answer = await cached.get(path)
        assert (answer.code, answer.headers["X-Cache"]) == (200, "MISS")


async def test_who_invents_a_host_gets_it_for_himself(
    cached: Cached, channel: str
) -> None:
    """Feeds name the host that they were asked under."""
    await cached.station.publish(channel, post())
    path = f"/feeds/{channel}.json"

    theirs = await cached.get(path, Host="evil.example")
    ours = await cached.get(path)

    assert b"evil.example" in theirs.body
    assert b"evil.example" not in ours.body


async def test_a_removed_item_s_calendar_is_not_shown_any_more(
    cached: Cached, channel: str
) -> None:
    """nginx takes a 404 for a failure, which old answers may hide: here none may."""
    concert = {"type": "event", "title": "A", "starts_at": "2026-12-05T19:00:00Z"}
    await cached.station.publish(channel, {**concert, "id": f"{channel}:1"})
    path = f"/feeds/{channel}.ics?id={channel}:1"
    assert (await cached.get(path)).code == 200
    await cached.station.publisher.delete(f"{channel}:1")

    async def is_gone() -> bool:
        return (await cached.get(path)).code == 404

    await until(is_gone, "its end")


async def test_while_the_service_is_down_pages_go_on(
    mongod_uri: str, tmp_path: Path
) -> None:
    """With what was there last; what nobody has asked for is a clear failure."""
    async with caching(mongod_uri, tmp_path, "subdomain") as cached:
        await cached.station.publish("radio", post())
        before = {path: await cached.get(path) for path in addresses("radio")}

        await cached.stop()

        for path, answer in before.items():
            old = await cached.aged(path)
            assert (old.code, old.body) == (200, answer.body)
        assert (await cached.get("/feeds/other.atom")).code == 502
