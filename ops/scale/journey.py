"""An item's way through the queues of a deployment, simulated item by item.

One worker stands for all: they share nothing, and each has the same part of the
clients.  What is random are the instants of publishing and the stations that items are
for, by a seed; all costs are those that were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from ops.scale.costs import Costs
from ops.scale.plan import MEMBER_CORES, Demand, Fleet, Shape
from ops.scale.queues import Service, poisson, quantile, serve

# As many changes as a worker reads at once.
BATCH = 1_000
# What the page shows can be repeated.
SEED = 1
COUNT = 20_000


@dataclass(frozen=True, slots=True)
class Item:
    """When it was published, and which station it is for."""

    published_at: float
    station: int


@dataclass(frozen=True, slots=True)
class Journey:
    """When each item was written, out of the stream, and with the last client."""

    items: Sequence[Item]
    written_at: Sequence[float]
    read_at: Sequence[float]
    delivered_at: Sequence[float]
    frames: float
    deliveries: float

    def quantile_ms(self, share: float) -> float:
        """Return the time from the publisher to the last client."""
        took = [
            done - item.published_at
            for item, done in zip(self.items, self.delivered_at, strict=True)
        ]
        return quantile(took, share) * 1e3


class Worker:
    """What a worker does with a batch: it takes in the items, then sends frames."""

    def __init__(
        self, demand: Demand, costs: Costs, workers: int, items: Sequence[Item]
    ) -> None:
        self._items = items
        self._audience = demand.clients / workers * demand.share
        self._frame_s, self._extra_s = costs.frame_s, costs.extra_s
        # A worker takes its part of the publishers' requests, as they come.
        publish_s = costs.publish_s / demand.at_once / (workers / demand.realms)
        self._read_s, self._item_s = costs.wake_s, costs.item_s + publish_s
        if demand.shape is Shape.TREE:
            self._read_s, self._item_s = costs.frame_s, costs.hub_s + publish_s
        self.frames = self.deliveries = 0.0

    def take(self, first: int, end: int) -> float:
        """Return how long the batch takes; count what it sends."""
        stations = len({self._items[at].station for at in range(first, end)})
        frames = stations * self._audience
        deliveries = (end - first) * self._audience
        self.frames += frames
        self.deliveries += deliveries
        return (
            self._read_s
            + (end - first) * self._item_s
            + frames * self._frame_s
            + (deliveries - frames) * self._extra_s
        )


def travel(
    demand: Demand, costs: Costs, fleet: Fleet, *, seed: int, count: int
) -> Journey:
    """Send so many items on their way; one realm stands for all."""
    random = Random(seed)
    per_s, at_once = demand.read_per_s, demand.at_once
    calls = poisson(random, per_s / at_once, -(-count // at_once))
    stations = max(round(demand.stations / demand.realms), 1)
    items = [
        Item(at, random.randrange(stations)) for at in calls for _ in range(at_once)
    ]
    published_at = [item.published_at for item in items]
    shards = max(fleet.shards // demand.realms, 1)
    written_at = serve(published_at, _writing(demand, costs, shards), at_once)
    streams = fleet.streams / demand.realms / (fleet.members * shards)
    reading = _batches(
        costs.stream_s * streams / MEMBER_CORES,
        costs.stream_item_s * streams / MEMBER_CORES,
    )
    read_at = serve(written_at, reading, BATCH)
    if fleet.relays:
        # A relay encodes each item once and sends it to each worker of its host.
        below = fleet.workers / fleet.relays
        relaying = _batches(costs.wake_s + below * costs.frame_s, costs.item_s)
        read_at = serve(read_at, relaying, BATCH)
    worker = Worker(demand, costs, fleet.workers, items)
    delivered_at = serve(read_at, worker.take, BATCH)
    # The rest of the measured path: waiting for a majority, the network, the loop.
    rest_s = _rest_s(demand, costs)
    return Journey(
        items,
        written_at,
        read_at,
        [at + rest_s for at in delivered_at],
        worker.frames,
        worker.deliveries,
    )


def on_one_core(costs: Costs) -> Costs:
    """Return the costs of a worker that shares its core with its MongoDB."""
    each = costs.publish_s + costs.write_of(1) + costs.stream_item_s
    nothing = dict.fromkeys(
        ("publish_s", "write_s", "write_item_s", "stream_s", "stream_item_s"), 0.0
    )
    return replace(
        costs,
        wake_s=costs.wake_s + costs.stream_s,
        item_s=costs.item_s + each,
        **nothing,
    )


def _writing(demand: Demand, costs: Costs, shards: int) -> Service:
    """Return what the primaries need for a call's items, on all their cores."""
    cores = shards * MEMBER_CORES
    return _batches(costs.write_s / cores, costs.write_item_s / cores)


def _batches(each_s: float, item_s: float) -> Service:
    return lambda first, end: each_s + (end - first) * item_s


def _rest_s(demand: Demand, costs: Costs) -> float:
    """Return what the measured path of one item had beside the work that is here."""
    work = costs.publish_s + costs.write_of(1) + costs.stream_s + costs.stream_item_s
    work += costs.wake_s + costs.item_s + costs.frame_s
    return max(costs.path_s - work, 0.0)
