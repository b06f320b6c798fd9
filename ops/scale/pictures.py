"""Two pictures of the page: what one worker can do, and a million clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from ops.scale.costs import Costs
from ops.scale.journey import COUNT, SEED, travel
from ops.scale.plan import ALONE, GOAL, TICK_S, Demand, Shape, fleet

ONE_WORKER = (1, 3, 10, 30, 100, 300, 1_000, 2_000, 4_000, 6_000, 8_000, 12_000)
A_MILLION = (100, 300, 1_000, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000)
SHAPES = {
    Shape.FLAT: replace(GOAL, shape=Shape.FLAT),
    Shape.REALMS: replace(GOAL, shape=Shape.REALMS, realms=10),
    Shape.TREE: replace(GOAL, shape=Shape.TREE),
}


def draw_all(costs: Costs, folder: Path) -> None:
    """Write both pictures into the folder."""
    folder.mkdir(exist_ok=True)
    _save(folder / "scale-worker.png", lambda axes: _one_worker(costs, axes[0]), 1)
    _save(folder / "scale-million.png", lambda axes: _a_million(costs, axes), 2)


def _save(path: Path, draw: Callable[[Sequence[Axes]], None], count: int) -> None:
    picture = Figure(figsize=(5.5 * count, 3.8), layout="constrained")
    draw(picture.subplots(1, count, squeeze=False)[0])
    picture.savefig(path, dpi=90, metadata={"Software": None})


def _one_worker(costs: Costs, axes: Axes) -> None:
    """Draw how long items need to 3,500 clients of one worker, by their number.

    Others publish them: here is only what relaying takes.
    """
    costs = replace(costs, publish_s=0.0)
    for stations, colour in ((1, "tab:red"), (10, "tab:orange"), (100, "tab:blue")):
        demands = [Demand("", 3_500, rate, stations, 10) for rate in ONE_WORKER]
        for share, line in ((0.5, "-"), (0.99, ":")):
            took = [
                travel(one, costs, ALONE, seed=SEED, count=COUNT).quantile_ms(share)
                for one in demands
            ]
            name = f"{3_500 // stations:,} clients each, p{share * 100:.0f}"
            axes.plot(ONE_WORKER, took, line, color=colour, label=name)
    axes.set(xscale="log", yscale="log", ylim=(1, 10_000))
    axes.set_xlabel("items a second, one worker, 3,500 clients")
    axes.set_ylabel("ms to the last client, simulated")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _a_million(costs: Costs, axes: Sequence[Axes]) -> None:
    """Draw cores and latency of each shape, as far as it goes."""
    for shape, goal in SHAPES.items():
        demands = [replace(goal, items_per_s=rate) for rate in A_MILLION]
        fleets = [(one, fleet(one, costs)) for one in demands]
        there = [(one, found) for one, found in fleets if found and found.is_possible]
        rates = [one.items_per_s for one, _ in there]
        axes[0].plot(rates, [found.cores for _, found in there], "o-", label=shape)
        took = [
            travel(one, costs, found, seed=SEED, count=COUNT).quantile_ms(0.99)
            for one, found in there
        ]
        axes[1].plot(rates, took, "o-", label=shape)
    axes[0].set(xscale="log", yscale="log", ylabel="cores in all")
    axes[1].set(xscale="log", ylim=(0, None), ylabel="p99 ms to the last client")
    axes[1].axhline(TICK_S * 1e3, color="grey", linewidth=0.5)
    for one in axes:
        one.set_xlabel("items a second, a million clients, 1,000 stations")
        one.grid(alpha=0.3)
        one.legend()
