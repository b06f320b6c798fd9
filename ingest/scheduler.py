"""Jobs on their schedules; the only importer of apscheduler.

Its job store is memory, filled from the configuration: what has to outlive us is the
source's state in MongoDB.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ingest.config import Job

log = logging.getLogger("ingest.scheduler")

# So many runs at once: more would only wait for the same worker processes.
MAX_RUNS = 10
# Part of the interval by which runs are early or late, so that sources spread.
JITTER = 0.1
# The first runs after a start are spread over so many seconds.
FIRST_WITHIN_S = 3.0


class Scheduler:
    """Calls ``run`` with each job at its times; a job never runs twice at once."""

    def __init__(self, run: Callable[[Job], Awaitable[object]]) -> None:
        self._run = run
        self._slots = asyncio.Semaphore(MAX_RUNS)
        self._scheduler = AsyncIOScheduler()
        self._running: set[asyncio.Task[object]] = set()

    def start(self, jobs: Iterable[Job]) -> None:
        self._scheduler.start()
        self.replace(jobs)

    def replace(self, jobs: Iterable[Job]) -> None:
        """Schedule these jobs and no others; runs under way go on."""
        self._scheduler.remove_all_jobs()
        for job in jobs:
            interval_s = job.schedule.interval_s
            self._scheduler.add_job(
                self._fire,
                _trigger(job),
                args=[job],
                id=job.source.name,
                replace_existing=True,
                coalesce=True,
                max_instances=1,
                # By default a run that is a second late is left out.
                misfire_grace_time=interval_s or 3_600,
                next_run_time=datetime.now(UTC)
                + timedelta(seconds=random.uniform(0, FIRST_WITHIN_S)),  # noqa: S311 - no secret
            )

    async def drain(self, timeout_s: float) -> None:
        """Start no more runs, and wait for those under way; cancel what is late."""
        self._scheduler.remove_all_jobs()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        # Last, since it cancels what it waits for.
        self._scheduler.shutdown(wait=False)

    async def _fire(self, job: Job) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("jobs run in tasks")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        async with self._slots:
            try:
                await self._run(job)
            except Exception:
                # The edge of a task: a bug in one source must not stop the others.
                log.exception("run broke source=%s", job.source.name)


def _trigger(job: Job) -> IntervalTrigger | CronTrigger:
    interval_s = job.schedule.interval_s
    if interval_s:
        return IntervalTrigger(seconds=interval_s, jitter=interval_s * JITTER)
    return CronTrigger(**dict(job.schedule.cron))
