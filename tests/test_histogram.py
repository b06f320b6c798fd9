"""Histograms count what Prometheus expects of them."""

from __future__ import annotations

from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.histogram import Histogram

FIGURES = st.floats(min_value=0, max_value=1e6)


@given(st.sets(FIGURES, min_size=1, max_size=20).map(sorted), st.lists(FIGURES))
def test_a_bucket_holds_what_is_not_above_its_bound(
    bounds: list[float], figures: list[float]
) -> None:
    """Those below it too; the last one holds all."""
    histogram = Histogram(bounds)

    for figure in figures:
        histogram.observe(figure)

    *bounded, (name, count) = histogram.buckets()
    assert [float(bound) for bound, _ in bounded] == bounds
    for bound, held in bounded:
        assert held == sum(figure <= float(bound) for figure in figures)
    assert (name, count) == ("+Inf", len(figures))
    assert isclose(histogram.total, sum(figures))
