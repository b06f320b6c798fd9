"""How much of everything a number of clients and items needs: the arithmetic.

Three shapes.  **flat**: each worker has a change stream of all items.  **realms**: the
stations are split over deployments with a database of their own, so that a worker
reads only its realm's items.  **tree**: one relay on each host reads the stream and
hands the encoded items on to the workers of that host.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from ops.scale.costs import Costs

# So much of a core is planned to be busy; the rest is for peaks and for what dies.
BUSY = 0.6
# Longer than this nobody is to wait for the clients before him.
TICK_S = 0.1
# Open files of a process, as usual systems allow them.
MAX_CLIENTS = 20_000
# Of a host: its cores, each for a worker; and of a server of MongoDB.
HOST_CORES = 16
MEMBER_CORES = 16
# What a replica set may have, and what its majority needs.
MAX_MEMBERS, MIN_MEMBERS = 50, 3
STAYS_S = 600.0  # a visit
ITEM_BYTES = 430  # on the wire: the benchmark's item, its envelope, not compressed


class Shape(StrEnum):
    FLAT = "flat"
    REALMS = "realms"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Demand:
    """Clients of a number of stations, and items; each client hears one station."""

    name: str
    clients: int
    items_per_s: float
    stations: int
    #: Items that are written together: 1 as published one by one.
    at_once: int = 1
    shape: Shape = Shape.FLAT
    realms: int = 1

    @property
    def heard_per_s(self) -> float:
        """Items that a client gets."""
        return self.items_per_s / self.stations

    @property
    def read_per_s(self) -> float:
        """Items that a worker is told of."""
        return self.items_per_s / self.realms

    @property
    def share(self) -> float:
        """The part of a worker's clients that one item is for."""
        return self.realms / self.stations


@dataclass(frozen=True, slots=True)
class Fleet:
    """What it takes; ``members`` are the servers of MongoDB in each shard."""

    #: The processes that clients are connected to, and the relays above them.
    workers: int
    relays: int
    hosts: int
    streams: int
    members: int
    shards: int
    worker_busy: float
    database_cores: float
    memory_gb: float
    gbit_per_s: float

    @property
    def cores(self) -> float:
        """All cores that are busy, and the part that is kept free beside them."""
        return self.workers + self.relays + self.database_cores / BUSY

    @property
    def is_possible(self) -> bool:
        """False if one replica set can't have as many members as its streams need."""
        return self.members <= MAX_MEMBERS


#: The smallest there is.
ALONE = Fleet(
    workers=1,
    relays=0,
    hosts=1,
    streams=1,
    members=1,
    shards=1,
    worker_busy=0.0,
    database_cores=0.0,
    memory_gb=0.0,
    gbit_per_s=0.0,
)


def worker_busy(demand: Demand, costs: Costs, workers: int) -> float:
    """Return the part of its core that each of so many workers uses.

    What comes within a tick leaves together, so nobody gets more frames than ticks.
    """
    clients = demand.clients / workers
    heard = demand.heard_per_s
    frames = (1 - math.exp(-heard * TICK_S)) / TICK_S
    sending = frames * costs.frame_s + (heard - frames) * costs.extra_s
    coming = costs.connect_s / STAYS_S
    reads = min(demand.read_per_s, 1 / TICK_S)
    read_s, item_s = costs.wake_s, costs.item_s
    if demand.shape is Shape.TREE:
        read_s, item_s = costs.frame_s, costs.hub_s
    taking_in = reads * read_s + demand.read_per_s * item_s
    publishing = costs.publish_s * demand.items_per_s / demand.at_once / workers
    return clients * (sending + coming) + taking_in + publishing


def workers_needed(demand: Demand, costs: Costs) -> int:
    """Return the fewest workers that keep clients from waiting for each other.

    0 if no number will do: taking in the items alone is too much for one.
    """
    if worker_busy(demand, costs, 10**9) > BUSY:
        return 0
    by_tick = demand.clients * demand.share * costs.frame_s / TICK_S
    least = max(demand.realms, by_tick, demand.clients / MAX_CLIENTS, 1)
    workers = math.ceil(least)
    while worker_busy(demand, costs, workers) > BUSY:
        workers += max(1, workers // 100)
    return workers


def fleet(demand: Demand, costs: Costs) -> Fleet | None:
    """Return what the demand takes, or None if this shape can't meet it."""
    workers = workers_needed(demand, costs)
    if not workers:
        return None
    tree = demand.shape is Shape.TREE  # a relay takes one core of its host
    hosts = math.ceil(workers / (HOST_CORES - tree))
    relays = hosts if tree else 0
    streams = relays or workers
    stream_cores = streams * stream_busy(demand, costs)
    write_cores = demand.items_per_s * costs.write_of(demand.at_once)
    usable = MEMBER_CORES * BUSY
    # All members of a shard apply its writes, which are to leave half for the streams.
    shards = max(demand.realms, math.ceil(write_cores / (usable / 2)))
    left = usable - write_cores / shards
    members = max(MIN_MEMBERS, math.ceil(stream_cores / shards / left))
    processes, clients = workers + relays, demand.clients
    memory = processes * costs.worker_bytes + clients * costs.connection_bytes
    return Fleet(
        workers=workers,
        relays=relays,
        hosts=hosts,
        streams=streams,
        members=members,
        shards=shards,
        worker_busy=worker_busy(demand, costs, workers),
        database_cores=write_cores * members + stream_cores,
        memory_gb=memory / 1e9,
        gbit_per_s=demand.clients * demand.heard_per_s * ITEM_BYTES * 8 / 1e9,
    )


def stream_busy(demand: Demand, costs: Costs) -> float:
    """Return the part of a core that MongoDB needs for one stream."""
    reads = min(demand.read_per_s, 1 / TICK_S)
    return reads * costs.stream_s + demand.read_per_s * costs.stream_item_s


GOAL = Demand("the goal, flat", 1_000_000, 10_000, 1_000, at_once=100)

#: From one station to a million clients, the last one in all three shapes.
TIERS = (
    Demand("a station", 3_500, 1, 1),
    Demand("ten stations", 35_000, 10, 10),
    Demand("a hundred", 350_000, 100, 100),
    Demand("a million clients", 1_000_000, 1_000, 1_000, at_once=10),
    GOAL,
    replace(GOAL, name="the goal, realms", shape=Shape.REALMS, realms=10),
    replace(GOAL, name="the goal, tree", shape=Shape.TREE),
)
