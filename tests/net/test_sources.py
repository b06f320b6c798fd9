"""How the sources fare, for the operator's page and for Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedsvc.core.health import Health
from feedsvc.store import connect
from feedsvc.store.sources import SourceStore
from tests.net.desk import Operator
from tests.net.station import Station, make_settings, own_database, serving

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
async def station(mongod_uri: str, tmp_path: Path) -> AsyncIterator[Station]:
    """A service whose one source has failed three times."""
    async with own_database(mongod_uri) as uri:
        database = connect(uri)
        store = SourceStore(database)
        lease = await store.lease("news", holder="h", now=NOW, ttl_s=60)
        assert lease is not None
        health = replace(Health(), kind="feed", failures=3, error="answered 500")
        await store.finish(lease, {}, NOW + timedelta(hours=1), health)
        await database.client.close()
        async with serving(make_settings(uri, tmp_path)) as running:
            yield running


async def test_operators_see_how_the_sources_fare(station: Station) -> None:
    """And nobody else does."""
    operator = Operator(station)
    reader = Operator(station, station.token(read=["radio"]))

    told = await operator.ask("GET", "sources")
    refused = await reader.ask("GET", "sources")

    [source] = told.json["sources"]
    assert (source["source"], source["standing"]) == ("news", "failing")
    assert (source["why"], source["next_due"]) == (
        "answered 500",
        "2026-11-24T13:00:00.000Z",
    )
    assert refused.status == 403


async def test_prometheus_sees_it_too(station: Station) -> None:
    """Without a token: the admin listener is on loopback."""
    client = station.client(None)
    client.url = station.admin_url

    answer = await client.ask("GET", "/metrics")

    text = answer.body.decode()
    assert 'feedsvc_sources{standing="failing"} 1.0' in text
    assert 'feedsvc_source_failures{source="news"} 3.0' in text
