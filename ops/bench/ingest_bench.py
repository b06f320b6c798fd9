"""How fast is ingest?  ``ingest_bench.py`` measures and writes raw/ingest.md.

Ingest and its workers on one core; MongoDB, the publisher and the service on another.
100,000 items are stored before anything is measured.

    unchanged    1,000 sources are asked, and every one answers 304
    new          100 sources have 100 new items each: stored, streamed by a running
                 service to a reader, and in the backlog that it answers
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from feedsvc.store import connect
from feedsvc.store.items import ItemStore
from ingest import app
from ingest.config import Job
from ingest.summary import Outcome, Summary

import report
from ingest_scene import OTHERS_CORE, database, job, settings_of, upstream
from process import free_ports, heed_sigterm

RAW = Path(__file__).parent / "raw" / "ingest.md"
STORED, SOURCES, SOURCES_WITH_NEWS, NEWS = 100_000, 1_000, 100, 100
UNCHANGED_MOST_S, NEW_MOST_S = 60.0, 20.0
PATIENCE_S = 120.0


async def fill(uri: str, count: int) -> None:
    """Store so many items that have nothing to do with the sources."""
    source = connect(uri)
    items = ItemStore(source, Rules())
    await items.prepare()
    now = datetime.now(UTC)
    for start in range(0, count, 1_000):
        offers = [
            Candidate(
                f"old-{number}",
                ItemType.ARTICLE,
                Channel(f"press.feed-{number % 50}"),
                {"title": f"Old item {number}", "content_text": "x" * 250},
                now - timedelta(days=30, minutes=number),
            )
            for number in range(start, start + 1_000)
        ]
        await items.write(offers, now=now, revive=True)
    await source.client.close()


@asynccontextmanager
async def service(uri: str, folder: Path) -> AsyncIterator[int]:
    """Run the service beside the others; yield its port."""
    port, admin_port = free_ports(2)
    environment = {
        **os.environ,
        "FEEDSVC_MONGODB_URI": uri,
        "FEEDSVC_DATA_DIR": str(folder),
        "FEEDSVC_PORT": str(port),
        "FEEDSVC_ADMIN_PORT": str(admin_port),
    }
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(OTHERS_CORE), sys.executable, "-m", "feedsvc", "serve"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise RuntimeError("the service does not start")
        yield port
    finally:
        process.terminate()
        await process.communicate()


async def run_all(
    uri: str, folder: Path, jobs: Sequence[Job], expected: Outcome
) -> tuple[float, list[Summary]]:
    """Run the jobs as ``feedsvc-ingest once`` does; return how long it took."""
    began = time.perf_counter()
    summaries = await app.run_once(
        settings_of(uri, folder), jobs, lambda summary: None, even_early=True
    )
    took_s = time.perf_counter() - began
    wrong = [one for one in summaries if one.outcome is not expected]
    # One request in a hundred is unconditional on purpose.
    if len(wrong) > len(summaries) / 20:
        raise RuntimeError(f"{len(wrong)} of {len(summaries)}: {wrong[0]}")
    return took_s, summaries


async def count_events(port: int, wanted: int, ready: asyncio.Event) -> float:
    """Read the live stream until so many items have come; return when."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(
        b"GET /api/channels/press/events?backlog=0 HTTP/1.1\r\nHost: bench\r\n\r\n"
    )
    seen = 0
    async for line in reader:
        if line.startswith(b"event: subscribed"):
            ready.set()
        seen += line.startswith(b"event: item")
        if seen == wanted:
            break
    else:
        raise RuntimeError(f"the stream ended after {seen} items")
    at = time.perf_counter()
    writer.close()
    return at


def backlog(port: int, limit: int) -> int:
    """Return how many of the newest items are new ones."""
    url = f"http://127.0.0.1:{port}/api/channels/press/items?limit={limit}"
    with urllib.request.urlopen(url) as answer:
        items = json.load(answer)["items"]
    return sum(not item["id"].startswith("old-") for item in items)


async def measure_new(uri: str, folder: Path, jobs: Sequence[Job]) -> tuple[float, ...]:
    """Return when all was stored, streamed, and seen in a backlog, in seconds."""
    async with service(uri, folder) as port:
        ready = asyncio.Event()
        reading = asyncio.create_task(count_events(port, len(jobs) * NEWS, ready))
        await ready.wait()
        began = time.perf_counter()
        stored_s, summaries = await run_all(uri, folder, jobs, Outcome.DONE)
        streamed_s = await asyncio.wait_for(reading, PATIENCE_S) - began
        found = await asyncio.to_thread(backlog, port, 500)
        visible_s = time.perf_counter() - began
    created = sum(one.written["created"] for one in summaries)
    if (created, found) != (len(jobs) * NEWS, 500):
        raise RuntimeError(f"{created} created, {found} of 500 visible")
    return stored_s, streamed_s, visible_s


async def main() -> int:
    load = os.getloadavg()[0]
    async with database() as (uri, folder):
        with upstream(1) as publisher:
            print(f"stores {STORED:,} items", flush=True)
            await fill(uri, STORED)
            jobs = [job(publisher, number) for number in range(SOURCES)]
            print("runs 1,000 sources for the first time", flush=True)
            first_s, _ = await run_all(uri, folder, jobs, Outcome.DONE)
            unchanged_s, _ = await run_all(uri, folder, jobs, Outcome.NOT_MODIFIED)
            print(f"unchanged round: {unchanged_s:.1f} s", flush=True)
            await publisher.publish(NEWS)
            news = jobs[:SOURCES_WITH_NEWS]
            stored_s, streamed_s, visible_s = await measure_new(uri, folder, news)
            print(f"10,000 new items visible: {visible_s:.1f} s", flush=True)
    rows = [
        ["first run of 1,000 sources, one item each", f"{first_s:.1f} s", ""],
        ["1,000 sources, all unchanged (304)", f"{unchanged_s:.1f} s", "60 s"],
        ["10,000 new items of 100 sources stored", f"{stored_s:.1f} s", ""],
        ["the same streamed to a reader", f"{streamed_s:.1f} s", ""],
        ["the same seen in a backlog", f"{visible_s:.1f} s", "20 s"],
    ]
    RAW.write_text(_rendered(rows, load), "utf-8")
    report.write_all()
    return int(unchanged_s > UNCHANGED_MOST_S or visible_s > NEW_MOST_S)


def _rendered(rows: list[list[str]], load: float) -> str:
    at = datetime.now(UTC)
    about = (
        f"{at:%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores, Linux {platform.release()},"
        f" Python {platform.python_version()}; load average at the start {load:.2f}."
        " Ingest and its workers on one core, MongoDB, the publisher and the service on"
        f" another; {STORED:,} items stored before."
    )
    table = report.table([["what", "took", "at most"], *rows])
    return f"## Ingest\n\n{about}\n\n{table}\n"


if __name__ == "__main__":
    heed_sigterm()
    sys.exit(asyncio.run(main()))
