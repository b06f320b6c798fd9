"""Laws of the plan and of the simulated journey, with costs that are easy to follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.scale.journey import on_one_core, travel
from ops.scale.plan import (
    ALONE,
    BUSY,
    GOAL,
    MAX_CLIENTS,
    MEMBER_CORES,
    TIERS,
    Demand,
    Shape,
    fleet,
    worker_busy,
    workers_needed,
)
from tests.scale.prices import COSTS

shapes = st.sampled_from([Shape.FLAT, Shape.TREE])
demands = st.builds(
    Demand,
    st.just("any"),
    clients=st.integers(1, 2_000_000),
    items_per_s=st.floats(0.1, 5_000),
    stations=st.integers(1, 1_000),
    at_once=st.sampled_from([1, 10, 100]),
    shape=shapes,
)


@settings(max_examples=60, deadline=None)
@given(demands)
def test_no_worker_is_planned_busier_or_fuller_than_allowed(demand: Demand) -> None:
    """Whatever is asked for, the plan keeps to its own limits."""
    found = fleet(demand, COSTS)

    if found is not None:
        assert found.worker_busy <= BUSY
        assert demand.clients / found.workers <= MAX_CLIENTS
        assert found.cores >= found.workers


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 9_000), st.sampled_from([1, 10, 100]))
def test_no_member_of_mongodb_is_planned_busier_than_allowed(
    items_per_s: float, at_once: int
) -> None:
    """Each applies the writes of its shard and serves its part of the streams."""
    found = fleet(replace(GOAL, items_per_s=items_per_s, at_once=at_once), COSTS)

    assert found is not None
    per_member = found.database_cores / found.members / found.shards
    assert per_member <= BUSY * MEMBER_CORES * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(demands, st.floats(1, 10), st.integers(1, 10))
def test_more_of_anything_never_needs_fewer_workers(
    demand: Demand, more_items: float, more_clients: int
) -> None:
    """Neither more items nor more clients free a worker, but for the steps taken."""
    more = replace(
        demand,
        items_per_s=demand.items_per_s * more_items,
        clients=demand.clients * more_clients,
    )

    few, many = workers_needed(demand, COSTS), workers_needed(more, COSTS)

    assert many == 0 or many * 1.02 + 1 >= few


@settings(max_examples=60, deadline=None)
@given(demands, st.integers(1, 500))
def test_one_worker_more_is_never_busier(demand: Demand, workers: int) -> None:
    """Each worker has less to do when there are more of them."""
    assert worker_busy(demand, COSTS, workers + 1) <= worker_busy(
        demand, COSTS, workers
    )


def test_a_worker_that_reads_everything_is_the_end_of_the_flat_shape() -> None:
    """Beyond what one worker can take in, no number of workers will do; a tree will."""
    too_much = replace(GOAL, items_per_s=BUSY / COSTS.item_s * 1.1)

    assert fleet(too_much, COSTS) is None
    assert fleet(replace(too_much, shape=Shape.TREE), COSTS) is not None
    assert fleet(replace(too_much, shape=Shape.REALMS, realms=10), COSTS) is not None


@pytest.mark.parametrize("demand", TIERS, ids=lambda one: one.name)
def test_on_its_way_nothing_is_lost_and_nothing_arrives_before_it_left(
    demand: Demand,
) -> None:
    """Each item is written, then read, then delivered, to the whole of its audience."""
    cheap = replace(COSTS, item_s=20e-6)
    found = fleet(demand, cheap)
    assert found is not None

    journey = travel(demand, cheap, found, seed=1, count=2_000)

    steps = (journey.written_at, journey.read_at, journey.delivered_at)
    before = [item.published_at for item in journey.items]
    assert len(before) == 2_000
    for step in steps:
        assert len(step) == len(before)
        assert all(one <= other for one, other in zip(before, step, strict=True))
        before = list(step)
    audience = demand.clients / found.workers * demand.share
    assert journey.deliveries == pytest.approx(2_000 * audience)
    assert journey.frames <= journey.deliveries * (1 + 1e-9)


def test_the_same_seed_is_the_same_journey() -> None:
    """All chance comes from the seed."""
    demand, found = TIERS[1], fleet(TIERS[1], COSTS)
    assert found is not None

    one, same, other = (
        travel(demand, COSTS, found, seed=seed, count=500) for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_a_single_item_takes_what_was_measured_of_one() -> None:
    """With nobody to wait for, the simulation ends where the measurement did."""
    alone = Demand("alone", 1, 0.1, 1)

    journey = travel(alone, on_one_core(COSTS), ALONE, seed=1, count=100)

    assert journey.quantile_ms(0.5) == pytest.approx(COSTS.path_s * 1e3, rel=0.05)
