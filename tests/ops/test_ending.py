"""Trials and measurements that are told to end leave no program behind."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from tests.processes import ended, processes_of

ROOT = Path(__file__).parent.parent.parent
# Generous, for a busy machine.
START_S, STOP_S = 120.0, 120.0

TRIAL = ("-m", "ops.deploy", "--clients", "9", "--drain", "0", "--balancer")
MEASUREMENT = """
import sys, time
sys.path.insert(0, "ops/bench")
import crowd
crowd.heed_sigterm()
crowd.WORK.mkdir(parents=True, exist_ok=True)
with crowd.service():
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("arguments", "programs"),
    [
        ((*TRIAL, "nginx"), ("mongod", "feedsvc serve", "nginx", "rolling_restart")),
        (
            (*TRIAL, "haproxy"),
            ("mongod", "feedsvc serve", "haproxy", "rolling_restart"),
        ),
        (("-c", MEASUREMENT), ("mongod", "feedsvc serve")),
    ],
    ids=["nginx", "haproxy", "measurement"],
)
async def test_sigterm_ends_all_that_was_started(
    arguments: tuple[str, ...], programs: tuple[str, ...]
) -> None:
    """In the middle of it, when everything runs."""
    trial = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=DEVNULL, stderr=PIPE
    )
    started: dict[int, str] = {}
    async with asyncio.timeout(START_S):
        while not all(name in " ".join(started.values()) for name in programs):
            await asyncio.sleep(0.05)
            assert trial.returncode is None, await trial.communicate()
            started |= processes_of(trial.pid)

    trial.terminate()
    await trial.communicate()

    assert trial.returncode
    await ended(started, STOP_S)
