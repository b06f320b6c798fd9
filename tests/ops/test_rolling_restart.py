"""Three workers restarted one after the other under clients: nothing is lost."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ops.deploy import rolling_restart
from ops.deploy.listeners import DRAINING
from ops.deploy.roll import each_second, peak, roll
from ops.deploy.stage import BALANCERS, free_ports, running_balancer, running_workers
from tests.net.station import own_database

CLIENTS = 120


@pytest.mark.mongo
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_rolling_restart_loses_nothing(mongod_uri: str, tmp_path: Path) -> None:
    """Every client is told to leave, comes back with its cursor, and has every item.

    Half of them are behind nginx, half behind HAProxy.
    """
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(own_database(mongod_uri))
        workers = await stack.enter_async_context(
            running_workers(uri, tmp_path, FEEDSVC_DRAIN_SECONDS="1")
        )
        ports = [worker.port for worker in workers]
        fronts = [
            await stack.enter_async_context(
                running_balancer(balancer, "path", ports, tmp_path)
            )
            for balancer in BALANCERS
        ]

        outcome = await roll(
            fronts, workers, clients=CLIENTS, spread_s=1.0, pause_s=1.0, every_s=0.1
        )

    assert outcome.published > 3
    assert (outcome.missed, outcome.doubled, outcome.not_resumed) == (0, 0, 0)
    # Each of them was on a worker that was restarted, some more than once.
    assert outcome.closed[DRAINING] >= CLIENTS
    assert set(outcome.closed) == {DRAINING}


def test_a_worker_that_does_not_get_ready_ends_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The others are left as they are."""
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho systemctl $*\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    first, second = free_ports(2)

    code = rolling_restart.main([str(first), str(second), "--patience", "0.3"])

    out, err = capfd.readouterr()
    assert code == 1
    assert out == f"restarting {first}\nsystemctl restart feedsvc@{first}\n"
    assert err.startswith(f"{first} does not get ready")


def test_the_peak_is_the_most_within_a_second() -> None:
    """Wherever the second begins."""
    assert peak([]) == 0
    assert peak([0.0, 0.9, 1.0, 1.1, 1.8, 5.0]) == 4


def test_instants_are_counted_by_the_second() -> None:
    """Empty seconds in between count as well."""
    assert each_second([], 10.0) == []
    assert each_second([12.9, 10.0, 10.9], 10.0) == [2, 0, 1]
