"""Histograms: how long things took, in buckets that Prometheus can add up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """How many of the figures observed were at most as large as each bound.

    It costs the same however many figures there were.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        # The last one is for what is beyond all bounds.
        self._counts = [0] * (len(self._bounds) + 1)
        #: The sum of all figures.
        self.total = 0.0

    def observe(self, figure: float) -> None:
        """Count a figure in its bucket."""
        self._counts[bisect_left(self._bounds, figure)] += 1
        self.total += figure

    def buckets(self) -> list[tuple[str, int]]:
        """Return each bound and how many figures were not above it; the last is all."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))
