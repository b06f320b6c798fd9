"""Laws of a queue: nothing is lost, nobody overtakes, and theory is met."""

from __future__ import annotations

from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.scale.queues import Service, md1_wait_s, poisson, serve

gaps = st.lists(st.floats(0, 10), max_size=50)
services = st.floats(0.001, 5)
batches = st.integers(1, 7)


def chance(seed: int = 7) -> Random:
    return Random(seed)  # noqa: S311 - it is to be repeated


def linear(each_s: float, item_s: float = 0.0) -> Service:
    return lambda first, end: each_s + (end - first) * item_s


@settings(max_examples=60, deadline=None)
@given(gaps, services, services, batches)
def test_each_job_leaves_once_in_order_and_after_its_own_service(
    gaps: list[float], each_s: float, item_s: float, most: int
) -> None:
    """Whatever comes: as many leave, none before it was served, none overtakes."""
    arrivals = list(accumulate(gaps))

    done = serve(arrivals, linear(each_s, item_s), most)

    assert len(done) == len(arrivals)
    assert done == sorted(done)
    least = each_s + item_s
    assert all(
        end - start >= least - 1e-9 for start, end in zip(arrivals, done, strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(gaps, services, services, batches)
def test_the_server_rests_only_when_nobody_waits(
    gaps: list[float], each_s: float, item_s: float, most: int
) -> None:
    """No batch begins later than when its first job is there and the server free."""
    arrivals = list(accumulate(gaps))
    begun: list[tuple[int, int]] = []

    def service(first: int, end: int) -> float:
        begun.append((first, end))
        return each_s + (end - first) * item_s

    done = serve(arrivals, service, most)

    free_at = 0.0
    for first, end in begun:
        assert 0 < end - first <= most
        took = each_s + (end - first) * item_s
        assert done[first] == pytest.approx(max(arrivals[first], free_at) + took)
        free_at = done[first]
    assert [at for first, end in begun for at in range(first, end)] == list(
        range(len(arrivals))
    )


@settings(max_examples=60, deadline=None)
@given(gaps, services, st.floats(0, 5))
def test_a_slower_server_is_done_with_nobody_earlier(
    gaps: list[float], service_s: float, more_s: float
) -> None:
    """One at a time, more work for each job never helps any."""
    arrivals = list(accumulate(gaps))

    fast = serve(arrivals, linear(service_s))
    slow = serve(arrivals, linear(service_s + more_s))

    assert all(one <= other for one, other in zip(fast, slow, strict=True))


@pytest.mark.parametrize("used", [0.2, 0.5, 0.8])
def test_waits_are_those_of_theory(used: float) -> None:
    """Equal jobs at random instants wait as long as M/D/1 says, within 5 %."""
    service_s = 0.01
    arrivals = poisson(chance(), used / service_s, 50_000)

    done = serve(arrivals, linear(service_s))

    waits = [end - at - service_s for at, end in zip(arrivals, done, strict=True)]
    assert sum(waits) / len(waits) == pytest.approx(
        md1_wait_s(used / service_s, service_s), rel=0.05
    )


def test_batches_hold_where_one_by_one_would_never_end() -> None:
    """With a price for each batch, twice what one by one allows is still served."""
    arrivals = poisson(chance(), 200, 10_000)

    single = serve(arrivals, linear(0.01))
    together = serve(arrivals, linear(0.01), 1_000)

    assert md1_wait_s(200, 0.01) == float("inf")
    assert single[-1] - arrivals[-1] > 10
    longest = max(end - at for at, end in zip(arrivals, together, strict=True))
    assert longest <= 2 * 0.01 + 1e-9


def test_chance_can_be_repeated() -> None:
    """The same seed gives the same instants, another one others."""
    assert poisson(chance(), 10, 100) == poisson(chance(), 10, 100)
    assert poisson(chance(), 10, 100) != poisson(chance(4), 10, 100)
