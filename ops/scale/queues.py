"""A queue with one server: when jobs that arrive then are done.

Queues that follow each other are worked out one after the other, since nothing flows
back: the departures of one are the arrivals of the next.  That is a discrete-event
simulation without a list of events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

#: Seconds for the jobs of a batch, which are those from one place up to another.
Service = Callable[[int, int], float]


def serve(arrivals: Sequence[float], service: Service, most: int = 1) -> list[float]:
    """Return when each job is done, first come first served.

    Whenever the server is free it takes all that wait, up to ``most``, and is done
    with all of them at once.
    """
    done: list[float] = []
    free_at, first, count = -math.inf, 0, len(arrivals)
    while first < count:
        starts = max(arrivals[first], free_at)
        end = first + 1
        while end < min(count, first + most) and arrivals[end] <= starts:
            end += 1
        free_at = starts + service(first, end)
        done += [free_at] * (end - first)
        first = end
    return done


def poisson(random: Random, per_s: float, count: int) -> list[float]:
    """Return instants that nothing connects, so many a second in the mean."""
    now, instants = 0.0, []
    for _ in range(count):
        now += random.expovariate(per_s)
        instants.append(now)
    return instants


def md1_wait_s(per_s: float, service_s: float) -> float:
    """Return the mean wait that theory has for equal jobs that nothing connects."""
    used = per_s * service_s
    return used * service_s / (2 * (1 - used)) if used < 1 else math.inf


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the others does not exceed."""
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * share)]
