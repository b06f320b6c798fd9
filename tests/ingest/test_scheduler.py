"""Jobs at their times, and an end that waits for those under way."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ingest.config import Job
from ingest.decide import Policy
from ingest.offers import Template
from ingest.schedule import Schedule
from ingest.scheduler import Scheduler
from ingest.sources.feed import FeedSource


def job(name: str, schedule: str = "every 1h") -> Job:
    return Job(
        FeedSource(name, "http://radio.example/feed"),
        Template("radio.news"),
        Schedule.parse(schedule),
        Policy(),
    )


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.scheduler.FIRST_WITHIN_S", 0.05)


async def test_every_job_runs_soon_after_the_start() -> None:
    """Whatever its schedule; what is not due the lease refuses."""
    ran: asyncio.Queue[str] = asyncio.Queue()

    async def run(one: Job) -> None:
        ran.put_nowait(one.source.name)

    scheduler = Scheduler(run)
    crons = [
        "0 7 * * 0",
        "*/5 1-2/2 1,15 jan-mar */2",
        "* * * * 7",
        "59 23 31 12 fri-7",
    ]
    scheduler.start([job("a"), *(job(f"c{n}", cron) for n, cron in enumerate(crons))])
    async with asyncio.timeout(5):
        names = {await ran.get() for _ in range(5)}
    await scheduler.drain(1)

    assert names == {"a", "c0", "c1", "c2", "c3"}


async def test_a_job_that_breaks_is_logged_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With its traceback."""
    bad, good = asyncio.Event(), asyncio.Event()

    async def run(one: Job) -> None:
        if one.source.name == "bad":
            bad.set()
            raise ZeroDivisionError
        good.set()

    scheduler = Scheduler(run)
    with caplog.at_level(logging.ERROR):
        scheduler.start([job("bad"), job("good")])
        async with asyncio.timeout(5):
            await asyncio.gather(bad.wait(), good.wait())
        await scheduler.drain(1)

    assert "run broke source=bad" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_an_end_waits_for_runs_under_way() -> None:
    """What they are writing is written."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def run(one: Job) -> None:
        started.set()
        await asyncio.sleep(0.1)
        ended.set()

    scheduler = Scheduler(run)
    scheduler.start([job("a")])
    await started.wait()

    await scheduler.drain(5)

    assert ended.is_set()


async def test_an_end_does_not_wait_for_ever() -> None:
    """A run that hangs is cancelled."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def run(one: Job) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    scheduler = Scheduler(run)
    scheduler.start([job("a")])
    await started.wait()

    await scheduler.drain(0.05)

    assert cancelled.is_set()


async def test_new_jobs_replace_the_old_ones() -> None:
    """As after a change of the configuration."""
    ran: asyncio.Queue[str] = asyncio.Queue()

    async def run(one: Job) -> None:
        ran.put_nowait(one.source.name)

    scheduler = Scheduler(run)
    scheduler.start([job("a")])
    async with asyncio.timeout(5):
        first = await ran.get()
        scheduler.replace([job("b")])
        second = await ran.get()
    await scheduler.drain(1)

    assert (first, second) == ("a", "b")
