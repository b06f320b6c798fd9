"""The demo station: its systems speak the formats, and go on after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from examples.station.playout import Playout
from examples.station.posts import ACCOUNTS
from examples.station.replay import played, published
from examples.station.server import application, articles, concerts, on_air, posts
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate
from feedsvc.schema import offer
from ingest.exchange import FetchError, Response
from ingest.sources.base import Source, State
from ingest.sources.feed import FeedSource
from ingest.sources.ical import CalendarSource
from ingest.sources.mastodon import MastodonSource
from tests.ingest.reading import offers
from tests.ingest.upstream import Upstream, answer, get, upstream

TIMES = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - the zone is the strategy's
    max_value=datetime(2036, 1, 1),  # noqa: DTZ001 - the zone is the strategy's
    timezones=st.just(UTC),
)


class Station:
    """A station whose clock the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.url = ""

    def clock(self) -> datetime:
        return self.now

    async def read(self, source: Source, state: State) -> list[Candidate]:
        """Return what the source has, as a run would take it."""
        fetched = await get(source.request(state).url)
        response = Response(fetched.url, fetched.body, self.now)
        batch = source.parse(response, state)
        if batch.more:
            return await self.read(source, batch.state)
        assert not batch.faults
        return offers(source, batch)


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    found = Station()
    socket, port = bind_unused_port()
    found.url = f"http://127.0.0.1:{port}"
    server = HTTPServer(application(found.url, found.clock))
    server.add_socket(socket)
    yield found
    server.stop()
    await server.close_all_connections()


def sources(station: Station) -> list[Source]:
    return [
        FeedSource("news", f"{station.url}/news.rss"),
        CalendarSource("events", f"{station.url}/events.ics"),
        *(MastodonSource(one.acct, station.url, acct=one.acct) for one in ACCOUNTS),
    ]


async def test_every_system_has_a_past_that_our_sources_read(station: Station) -> None:
    """Some items each at the start, all dated before now."""
    for source in sources(station):
        found = await station.read(source, {})

        assert len(found) >= 5
        assert all(one.date and one.date <= station.now for one in found)
        assert len({one.id for one in found}) == len(found)


async def test_corrections_become_updates_of_the_same_items(station: Station) -> None:
    """Posts are edited, headlines change, concerts are moved or called off."""
    for source, every_s in zip(sources(station)[:3], (75, 75, 20), strict=True):
        seen: dict[str, set[str]] = {}
        for _ in range(0, 3_000, every_s):
            for one in await station.read(source, {}):
                seen.setdefault(one.id, set()).add(one.content_hash)
            station.now += timedelta(seconds=every_s)

        assert max(len(hashes) for hashes in seen.values()) == 2


async def test_an_account_that_is_not_there_is_told_as_mastodon_does(
    station: Station,
) -> None:
    """With its status and its JSON."""
    with pytest.raises(FetchError, match="404"):
        await station.read(MastodonSource("x", station.url, acct="nobody"), {})


@given(TIMES)
def test_something_new_comes_out_every_minute(now: datetime) -> None:
    """Of one kind or another, at any time of any day."""

    def numbers(at: datetime) -> set[tuple[str, int]]:
        kinds = {"news": articles(at), "events": concerts(at)}
        kinds |= {one.acct: posts(one, at) for one in ACCOUNTS}
        found = {(kind, one.number) for kind, out in kinds.items() for one in out}
        return found | {("onair", int(on_air(at, "")[0]["id"][-6:]))}

    assert numbers(now + timedelta(seconds=125)) - numbers(now)


@given(TIMES, st.integers(1, 3_000))
def test_what_was_out_stays_as_it_was_after_a_restart(
    now: datetime, later_s: int
) -> None:
    """The same number means the same content at the same time."""
    before = {one.number: one for one in published("abcdefgh", now, every_s=90)}
    later = now + timedelta(seconds=later_s)
    after = {one.number: one for one in published("abcdefgh", later, every_s=90)}

    assert all(before[number] == after[number] for number in before.keys() & after)


@given(TIMES, st.lists(st.integers(1, 500), min_size=1, max_size=9))
def test_tracks_follow_each_other_without_a_gap(
    now: datetime, lengths_s: list[int]
) -> None:
    """The newest is on the air now."""
    found = played(lengths_s, now, 6)

    index, since = found[0]
    assert since <= now < since + timedelta(seconds=lengths_s[index] + 1)
    for (_, after), (before, began) in pairwise(found):
        assert began + timedelta(seconds=lengths_s[before]) == after


def test_what_is_on_the_air_is_an_item_that_the_service_takes() -> None:
    """All fields known to the schema, all within its limits."""
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    for item in on_air(now, "http://127.0.0.1:1", count=40):
        assert offer(item, channel=Channel("radiomeridian.onair")).date


@pytest.fixture
async def service() -> AsyncIterator[Upstream]:
    """A feed service that is not ready at first, and then takes everything."""
    async with upstream() as found:
        yield found


async def test_playout_waits_for_the_service_and_then_publishes(
    service: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last tracks first, each with the token; again where it was told to wait."""
    monkeypatch.setattr("examples.station.playout.FIRST_RETRY_S", 0.01)
    path = "/api/channels/radiomeridian.onair/items"
    taken = asyncio.Event()

    async def ready(writer: asyncio.StreamWriter) -> None:
        count = sum("/readyz" in request for request in service.requests)
        writer.write(answer(503 if count == 1 else 200))

    async def take(writer: asyncio.StreamWriter) -> None:
        if sum(path in request for request in service.requests) == 1:
            writer.write(answer(429, b"", "Retry-After: 0"))
            return
        writer.write(answer(200, json.dumps({"results": []}).encode()))
        taken.set()

    service.answers |= {"/readyz": ready, path: take}
    clock: Callable[[], datetime] = lambda: datetime(2026, 11, 24, tzinfo=UTC)  # noqa: E731 - a clock that stands
    playout = Playout(service.url, "http://station", lambda: "token", clock)

    task = asyncio.create_task(playout.run())
    async with asyncio.timeout(5):
        await taken.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    asked = [request.split(" ")[1] for request in service.requests]
    assert asked == ["/readyz", "/readyz", path, path]
    assert service.header("Authorization") == "Bearer token"
