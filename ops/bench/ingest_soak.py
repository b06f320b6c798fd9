"""Does ingest leak?  A day of it by a clock that is turned, 288 rounds of 5 minutes.

    ingest_soak.py                  20 sources, 24 hours
    SOAK_SOURCES=100 SOAK_HOURS=48 ingest_soak.py

Every hour each source has new items, in between it answers 304; one in ten is broken
for an hour now and then.  The resident memory of the process that runs them is looked
at after every round, and has to be flat once the first half is over.  Writes
raw/ingest_soak.md.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest import app
from ingest.config import Job
from ingest.errand import Tools
from ingest.run import run
from ingest.scheduler import MAX_RUNS
from ingest.summary import Outcome

import report
from ingest_scene import database, job, settings_of, upstream
from process import heed_sigterm

RAW = Path(__file__).parent / "raw" / "ingest_soak.md"
SOURCES = int(os.environ.get("SOAK_SOURCES", "20"))
HOURS = int(os.environ.get("SOAK_HOURS", "24"))
ROUND = timedelta(minutes=5)
ROUNDS_PER_HOUR = 12
NEWS = 5
MOST_KB_PER_H = 100.0


def rss_kb() -> int:
    """Return the resident memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def slope(samples: list[int]) -> float:
    """Return by how many kB the samples grow in an hour, by least squares."""
    count = len(samples)
    mean_x, mean_y = (count - 1) / 2, sum(samples) / count
    above = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(samples))
    below = sum((x - mean_x) ** 2 for x in range(count))
    return above / below * ROUNDS_PER_HOUR


class Day:
    """A clock that is turned, and the sources that run by it."""

    def __init__(self, tools: Tools, jobs: list[Job]) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)
        self.samples: list[int] = []
        self.outcomes: dict[Outcome, int] = {}
        self._tools = replace(tools, clock=lambda: self.now)
        self.jobs = jobs
        self._slots = asyncio.Semaphore(MAX_RUNS)

    async def round(self) -> None:
        """Run every source once, five minutes after the last time."""
        self.now += ROUND
        await asyncio.gather(*(self._run(one) for one in self.jobs))
        gc.collect()
        self.samples.append(rss_kb())

    async def _run(self, one: Job) -> None:
        async with self._slots:
            outcome = (await run(one, self._tools)).outcome
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


async def main() -> int:
    began = time.monotonic()
    lot = random.Random(7)  # noqa: S311 - the same faults in every run
    async with database() as (uri, folder):
        with upstream(NEWS) as publisher:
            async with app.tools(settings_of(uri, folder)) as tools:
                sound = [job(publisher, number) for number in range(SOURCES)]
                day = Day(tools, sound)
                for number in range(HOURS * ROUNDS_PER_HOUR):
                    if number % ROUNDS_PER_HOUR == 0:
                        await publisher.publish(NEWS)
                        day.jobs = [
                            replace(one, allow_private=lot.random() > 0.1)
                            for one in sound
                        ]
                        print(f"hour {number // ROUNDS_PER_HOUR}: {rss_kb()} kB")
                    await day.round()
    half = day.samples[len(day.samples) // 2 :]
    growth = slope(half)
    told = ", ".join(f"{count:,} {word}" for word, count in day.outcomes.items())
    text = (
        f"### Ingest, {HOURS} hours by a clock that is turned\n\n"
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {time.monotonic() - began:.0f} s for"
        f" {len(day.samples)} rounds of {SOURCES} sources ({told}).\n"
        f"Resident memory {day.samples[0] / 1024:.1f} MB after the first round,"
        f" {half[0] / 1024:.1f} MB half-way, {half[-1] / 1024:.1f} MB at the end;"
        f" growth in the second half {growth:.1f} kB an hour.\n"
    )
    print(text)
    RAW.write_text(text, "utf-8")
    report.write_all()
    return int(growth > MOST_KB_PER_H)


if __name__ == "__main__":
    heed_sigterm()
    sys.exit(asyncio.run(main()))
