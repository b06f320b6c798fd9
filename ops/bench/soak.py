"""Does the service leak?  Run it while clients come and go, and look at it.

    soak.py                                 for 10 minutes
    SOAK_MINUTES=60 SOAK_CLIENTS=500 soak.py

``feedsvc serve`` with its private MongoDB on one core; on another 3,500 subscribers who
stay, 50 visitors a second who come, listen for some seconds and go, on six transports,
one in nine without a word, and 10 items a second.  At the end everybody leaves, and the
service has to be as it was before the first one came.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from itertools import count

import samples
from crowd import Publisher, Served, crowd, service, set_up
from peers import HERE
from samples import Sample, Slope
from visitors import VANISHED_S, Visitors

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "3500"))
VISITORS_PER_S = 50.0
ITEMS_PER_S = 10.0
IDLE_S = 3.0
# The allocator has found the sizes that it needs after some five minutes.
WARM_UP = 0.5
MOST_MB_PER_H = 1.0
# Shorter runs end before the memory has come to rest.
SHORTEST_FOR_SLOPE = 10.0
# Heartbeat delay, pong time-out, close time-out and a sweep of the session table; the
# idle time-out of kept HTTP connections is not in it, as clients close those.
LONGEST_TIMEOUT_S = 25.0 + 10.0 + 5.0 + 5.0
# What the service keeps on purpose, it has to have before the warm-up ends.
RING_S = max(1, int(MINUTES * 60 * WARM_UP / 2))
HOT_ITEMS = 500
POOL_MOST = 100
SHOWN = (
    "rss_kb",
    "descriptors",
    "pool",
    "sessions",
    "streams",
    "cohorts",
    "hot_backlogs",
)


class Soak:
    """One run: what is sampled, and in which phase."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._began = time.monotonic()
        self.phase = "idle"
        self.taken: list[Sample] = []
        self.published = 0
        self.visitors = Visitors(served.port)
        self.lost_clients = 0

    async def run(self) -> None:
        """Go through all phases."""
        publisher = Publisher(self._served.port)
        await publisher.publish("the first item")
        sampling = asyncio.create_task(self._sample())
        publishing = asyncio.create_task(self._publish(publisher))
        await asyncio.sleep(IDLE_S)
        await self._crowded((sampling, publishing))
        self.phase = "left"
        await asyncio.gather(self.visitors.leave(), asyncio.sleep(LONGEST_TIMEOUT_S))
        self.phase = "empty"
        await asyncio.sleep(IDLE_S)
        for task in (sampling, publishing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        publisher.close()

    async def _crowded(self, beside: tuple[asyncio.Task[None], ...]) -> None:
        self.phase = "coming"
        async with crowd(self._served.port, CLIENTS) as clients:
            self.phase = "busy"
            coming = asyncio.create_task(self.visitors.come(VISITORS_PER_S))
            watched = (coming, *beside)
            ended, _ = await asyncio.wait(
                watched, timeout=MINUTES * 60, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                task.result()
            coming.cancel()
            self.lost_clients = (await clients.leave())["closed"]

    async def _sample(self) -> None:
        for number in count():
            await asyncio.sleep(self._began + number - time.monotonic())
            second = time.monotonic() - self._began
            self.taken.append(await samples.take(self._served, second, self.phase))
            if number % 60 == 0:
                print(_line(self.taken[-1]), flush=True)

    async def _publish(self, publisher: Publisher) -> None:
        began = time.monotonic()
        for number in count():
            await asyncio.sleep(began + number / ITEMS_PER_S - time.monotonic())
            await publisher.publish(f"item {number}")
            self.published += 1


# --- what came of it -----------------------------------------------------------------


def _line(sample: Sample) -> str:
    figures = "".join(f"{getattr(sample, name):>13,}" for name in SHOWN)
    return f"{sample.second:>7.0f} s  {sample.phase:8}{figures}"


def _last(taken: list[Sample], phase: str) -> Sample:
    return [one for one in taken if one.phase == phase][-1]


def judge_slope(fit: Slope, minutes: float) -> tuple[str, str]:
    """Return the verdict on memory, and why."""
    figures = f"memory grows by {fit.value:+.2f} ± {fit.error:.2f} MB/h"
    if minutes < SHORTEST_FOR_SLOPE:
        return "OPEN", f"{figures}; says nothing: the run is too short to come to rest"
    if fit.high < MOST_MB_PER_H:
        return "PASS", f"{figures}, with two errors under {MOST_MB_PER_H:g}"
    if fit.low > MOST_MB_PER_H:
        return "FAIL", f"{figures}, more than {MOST_MB_PER_H:g} by over two errors"
    # The error shrinks with the time to the power of three halves.
    longer = minutes * (2 * fit.error / MOST_MB_PER_H) ** (2 / 3)
    return "OPEN", (
        f"{figures}: can't be told from {MOST_MB_PER_H:g} MB/h. More than"
        f" {fit.high:.1f} is ruled out; to tell takes some {longer:.0f} minutes"
    )


def judge(soak: Soak, fit: Slope) -> list[tuple[str, str]]:
    """Return a verdict a promise."""
    before, after = _last(soak.taken, "idle"), _last(soak.taken, "empty")
    found = [judge_slope(fit, MINUTES)]
    for name in ("sessions", "streams", "cohorts"):
        was, now = getattr(before, name), getattr(after, name)
        found.append((_verdict(now <= was), f"{name}: {was} before, {now} after"))
    text = f"backlogs kept hot: {after.hot_backlogs}, at most {HOT_ITEMS} items"
    found.append((_verdict(after.hot_backlogs <= HOT_ITEMS), text))
    was, now = before.descriptors - before.pool, after.descriptors - after.pool
    text = f"descriptors without MongoDB's: {was} before, {now} after"
    found.append((_verdict(now <= was), text))
    text = f"connections to MongoDB: {before.pool} before, {after.pool} after"
    found.append((_verdict(after.pool <= POOL_MOST), f"{text}, a pool of {POOL_MOST}"))
    failed = sum(n for key, n in soak.visitors.counts.items() if "failed" in key)
    found.append((_verdict(not failed), f"visitors who failed: {failed}"))
    lost = soak.lost_clients
    found.append((_verdict(not lost), f"clients that stay, but were closed: {lost}"))
    text = f"callbacks that failed: {after.errors}"
    found.append((_verdict(not after.errors), text))
    return found


def _verdict(is_kept: bool) -> str:
    return "PASS" if is_kept else "FAIL"


def fit_of(taken: list[Sample]) -> tuple[Slope, float]:
    """Return the slope of memory in MB/h after the warm-up, and when that ended."""
    busy = [one for one in taken if one.phase == "busy"]
    warm_at = busy[0].second + WARM_UP * (busy[-1].second - busy[0].second)
    rest = [one for one in busy if one.second >= warm_at]
    hours = [one.second / 3600 for one in rest]
    return samples.slope(hours, [one.rss_kb / 1024 for one in rest]), warm_at


def report(soak: Soak) -> int:
    """Print the table and the verdicts; return the exit status."""
    samples.write(HERE / "raw" / "soak.csv", soak.taken)
    fit, warm_at = fit_of(soak.taken)
    print("\n" + " " * 19 + "".join(f"{name:>13}" for name in SHOWN))
    for phase in ("idle", "busy", "left", "empty"):
        print(_line(_last(soak.taken, phase)))
    after = soak.taken[-1]
    print(f"\nitems published: {soak.published:,}; clients that stay: {CLIENTS:,}")
    print(f"cut for not answering: {after.dead}, for being too slow: {after.slow}")
    for what, number in sorted(soak.visitors.counts.items()):
        print(f"visitors, {what:28}{number:8,}")
    verdicts = judge(soak, fit)
    print("\n" + "\n".join(f"{verdict}  {text}" for verdict, text in verdicts))
    if not samples.draw(HERE / "soak.png", soak.taken, warm_at, fit):
        print("no picture: matplotlib is not installed")
    return int(any(verdict == "FAIL" for verdict, _ in verdicts))


def main() -> int:
    set_up()
    left_s = max(LONGEST_TIMEOUT_S, VANISHED_S) + 2 * IDLE_S
    print(f"{MINUTES:g} minutes, then about {left_s:.0f} s until all are forgotten")
    kept = {"FEEDSVC_RING_SECONDS": str(RING_S), "FEEDSVC_HOT_ITEMS": str(HOT_ITEMS)}
    with service(**kept) as served:
        soak = Soak(served)
        asyncio.run(soak.run())
    return report(soak)


if __name__ == "__main__":
    sys.exit(main())
