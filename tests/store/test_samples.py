"""What processes tell of themselves: kept for an hour, summed, and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from feedsvc.store import Database
from feedsvc.store.samples import KEPT, STEP, SampleStore, State

NOW = datetime(2026, 11, 24, 12, 0, 7, tzinfo=UTC)
SLOT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def state(process: str, at: datetime = NOW, **more: object) -> State:
    known = {"is_ready": True, "lag_s": 1.0, "memory_bytes": 100, **more}
    return State(process, at, SLOT, **known)  # type: ignore[arg-type]  # by name


async def test_a_state_comes_back_as_it_was_kept(database: Database) -> None:
    """Channels too, whose dots are no paths."""
    store = SampleStore(database)
    kept = state(
        *("one:1", NOW),
        sessions={"websocket": 3},
        streams=2,
        subscribers={"radio.news": 3, "radio.*.news": 2},
    )

    await store.keep(kept)

    assert await store.states(NOW) == [kept]
    assert kept.connections == 5


async def test_only_the_newest_state_of_a_process_is_told(database: Database) -> None:
    """And none of one that has been silent for long."""
    store = SampleStore(database)
    await store.keep(state("gone:1", NOW - 4 * STEP))
    await store.keep(state("here:1", NOW - STEP))
    await store.keep(state("here:1", NOW))

    assert await store.states(NOW) == [state("here:1", NOW)]


async def test_a_sample_sums_what_processes_have_and_not_what_they_see(
    database: Database,
) -> None:
    """All of them see the same changes; each has connections of its own."""
    store = SampleStore(database)
    alike = {"changes_per_s": 5.0, "messages_per_s": 10.0}
    await store.keep(state("one:1", sessions={"websocket": 2}, **alike))
    await store.keep(
        state("two:1", NOW + timedelta(seconds=2), streams=1, lag_s=3.0, **alike)
    )

    (sample,) = await store.hour(NOW)

    assert sample.at == SLOT
    assert (sample.processes, sample.connections, sample.memory_bytes) == (2, 3, 200)
    assert (sample.messages_per_s, sample.changes_per_s, sample.lag_s) == (20, 5, 3)


async def test_a_step_that_is_told_twice_counts_once(database: Database) -> None:
    """A clock may wake a process a little early."""
    store = SampleStore(database)
    await store.keep(state("one:1", SLOT, streams=1))
    await store.keep(state("one:1", NOW, streams=2))

    (sample,) = await store.hour(NOW)

    assert (sample.processes, sample.connections) == (1, 2)


async def test_the_past_is_an_hour_long(database: Database) -> None:
    """The oldest sample comes first; MongoDB has an index to forget by."""
    store = SampleStore(database)
    await store.prepare()
    for ago in (KEPT + STEP, 2 * STEP, STEP):
        await store.keep(state("one:1", NOW - ago))

    hour = await store.hour(NOW)
    indexes = await database["samples"].index_information()

    assert [sample.at for sample in hour] == [SLOT - 2 * STEP, SLOT - STEP]
    assert indexes["expiry"]["expireAfterSeconds"] == KEPT.total_seconds()
