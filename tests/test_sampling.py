"""Samples of this process: taken in time, and not at the mercy of the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from feedsvc.errors import Unavailable
from feedsvc.sampling import Sampler
from feedsvc.store import Database
from feedsvc.store.samples import SampleStore
from tests.net.station import until


def sampler_of(store: SampleStore) -> Sampler:
    """Return the sampler of a process with three connections."""
    relay = SimpleNamespace(
        counts=SimpleNamespace(changes=5),
        hub=SimpleNamespace(cohorts=()),
        is_ready=False,
        lag_s=7.0,
    )
    stats = {"sessions": {"websocket": 2, "xhr": 0}, "messages_sent": 9}
    live = SimpleNamespace(stats=lambda: stats)
    return Sampler(store, cast("Any", relay), cast("Any", live), [object()], 8081)


async def test_a_process_tells_of_itself_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone: of the others nothing is known then."""
    store = SampleStore(database)

    async def fail(now: datetime) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(store, "states", fail)

    (one,) = await sampler_of(store).states()

    assert (one.is_ready, one.lag_s, one.connections) == (False, 7.0, 3)
    assert one.sessions == {"websocket": 2}
    assert one.process.endswith(":8081")


async def test_samples_go_on_after_an_outage(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those that could not be kept are missing, and the log says so."""
    monkeypatch.setattr("feedsvc.sampling.STEP_S", 0.02)
    store = SampleStore(database)
    keep, outages = store.keep, 0

    async def fail_first(state: Any) -> None:
        nonlocal outages
        outages += 1
        if outages < 3:
            raise Unavailable("the database does not answer")
        await keep(state)

    monkeypatch.setattr(store, "keep", fail_first)
    sampler = sampler_of(store)
    sampling = asyncio.create_task(sampler.run())

    async def kept() -> bool:
        return bool(await store.states(datetime.now(UTC)))

    await until(kept, "a sample")
    sampling.cancel()
    await asyncio.wait([sampling])

    assert caplog.text.count("sample lost") == 2
