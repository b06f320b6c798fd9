"""Leases: one holder at a time, and what a run learnt is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from feedsvc.store import Database
from feedsvc.store.sources import SourceStore

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def sources(database: Database) -> SourceStore:
    return SourceStore(database)


async def test_of_many_hosts_one_gets_a_source_that_is_due(
    sources: SourceStore,
) -> None:
    """Also when they all ask at once for a source that nobody knows yet."""
    leases = await asyncio.gather(
        *(
            sources.lease("radio", holder=f"host{n}", now=NOW, ttl_s=60)
            for n in range(20)
        )
    )

    won = [lease for lease in leases if lease is not None]
    assert len(won) == 1
    assert (won[0].fence, won[0].state) == (1, {})


async def test_a_holder_that_comes_back_gets_its_own_lease_again(
    sources: SourceStore,
) -> None:
    """The fence has grown, so what it did before its crash counts no more."""
    before = await sources.lease("radio", holder="host", now=NOW, ttl_s=60)

    after = await sources.lease("radio", holder="host", now=NOW, ttl_s=60)

    assert before is not None
    assert after is not None
    assert after.fence == before.fence + 1
    assert not await sources.finish(before, {}, LATER)


async def test_a_lease_that_ran_out_can_be_taken(sources: SourceStore) -> None:
    """Its first holder can neither renew nor finish."""
    first = await sources.lease("radio", holder="slow", now=NOW, ttl_s=60)
    assert first is not None

    second = await sources.lease("radio", holder="other", now=LATER, ttl_s=60)

    assert second is not None
    assert await sources.renew(first, now=LATER, ttl_s=60) is None
    assert not await sources.finish(first, {"etag": "old"}, LATER)
    assert await sources.finish(second, {"etag": "new"}, LATER)
    assert [known.state for known in await sources.all()] == [{"etag": "new"}]


async def test_a_renewed_lease_holds_longer(sources: SourceStore) -> None:
    """Nobody gets the source until the new end."""
    lease = await sources.lease("radio", holder="host", now=NOW, ttl_s=60)
    assert lease is not None

    renewed = await sources.renew(lease, now=LATER, ttl_s=60)

    assert renewed is not None
    assert renewed.until == LATER + timedelta(seconds=60)
    assert await sources.lease("radio", holder="b", now=LATER, ttl_s=60) is None
    assert await sources.finish(renewed, {}, LATER)


async def test_a_finished_source_waits_until_it_is_due(sources: SourceStore) -> None:
    """Only who asks for it early gets it early."""
    lease = await sources.lease("radio", holder="host", now=NOW, ttl_s=60)
    assert lease is not None
    assert await sources.finish(lease, {"a.b": {"$n": 1}}, LATER)

    early = await sources.lease("radio", holder="host", now=NOW, ttl_s=60)
    forced = await sources.lease(
        "radio", holder="host", now=NOW, ttl_s=60, even_early=True
    )

    assert early is None
    assert forced is not None
    assert (forced.next_due, forced.state) == (LATER, {"a.b": {"$n": 1}})


async def test_all_tells_who_holds_what(sources: SourceStore) -> None:
    """In the order of the keys, with the free ones beside the held."""
    await sources.lease("b", holder="host", now=NOW, ttl_s=60)
    free = await sources.lease("a", holder="host", now=NOW, ttl_s=60)
    assert free is not None
    await sources.finish(free, {"errors": 3}, LATER)

    known = await sources.all()

    assert [(one.source, one.holder, one.next_due) for one in known] == [
        ("a", None, LATER),
        ("b", "host", NOW),
    ]
