"""The questions that the benchmark asks, and the order in which it asks them."""

from __future__ import annotations

from dataclasses import dataclass

from peers import Server, subscription

MANY = 10_000  # from here on fewer items in flight, else the last one waits for minutes


@dataclass(frozen=True)
class Scenario:
    """One question: what is varied, and for which servers it makes sense."""

    name: str
    clients: tuple[int, ...]
    stalled: float = 0.0
    cohorts: int = 1
    steps: tuple[str, ...] = ()
    fan_out: bool = True
    needs_channels: bool = False


# A second subscription; what {k} stands for decides how many cohorts there are.
OTHER = subscription("bench.c{k}")
SCENARIOS = (
    Scenario("fan-out", clients=(1_000, 3_500, 10_000)),
    Scenario("1 % stalled", clients=(3_500,), stalled=0.01),
    Scenario("1 cohort", clients=(3_500,), steps=OTHER, needs_channels=True),
    Scenario(
        "1,000 cohorts",
        clients=(3_500,),
        cohorts=1_000,
        steps=OTHER,
        needs_channels=True,
    ),
    Scenario("connect", clients=(3_500,), fan_out=False, needs_channels=True),
)


@dataclass(frozen=True)
class Case:
    """One run of one server."""

    round: int
    scenario: Scenario
    clients: int
    server: Server

    def windows(self) -> dict[str, int]:
        """Return the items in flight of each mode."""
        if not self.scenario.fan_out:
            return {}
        return {"one": 1, "fly": 50 if self.clients < MANY else 10}


def plan(
    servers: tuple[Server, ...], scenarios: tuple[Scenario, ...], rounds: int
) -> list[Case]:
    """Return all runs in order: within a round each server once per question."""
    return [
        Case(number, scenario, clients, server)
        for number in range(1, rounds + 1)
        for scenario in scenarios
        for clients in scenario.clients
        for server in servers
        if server.has_channels or not scenario.needs_channels
    ]
