"""What the ingest benchmarks share: a database, a publisher, and many sources."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from feedsvc.config import Settings, load
from feedsvc.store.embedded import embedded_mongod
from ingest.config import Job
from ingest.decide import Policy
from ingest.offers import Template
from ingest.schedule import Schedule
from ingest.sources.feed import FeedSource

HERE = Path(__file__).parent

# The sources are spread over so many hosts; each is asked two at a time.
HOSTS = 250
INGEST_CORE, OTHERS_CORE = 0, 1


@asynccontextmanager
async def database() -> AsyncIterator[tuple[str, Path]]:
    """Run a ``mongod`` beside the others; yield its URI and a data directory."""
    os.sched_setaffinity(0, {OTHERS_CORE})
    with TemporaryDirectory(prefix="feedsvc-bench-") as folder:
        async with embedded_mongod(Path(folder)) as mongod:
            # Ours, and that of the worker processes.
            os.sched_setaffinity(0, {INGEST_CORE})
            yield mongod.uri, Path(folder)


class Upstream:
    """The publisher's process."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, number: int) -> str:
        return f"http://127.0.1.{number % HOSTS + 1}:{self.port}/feed/{number}"

    async def publish(self, items: int) -> None:
        """Let every feed have so many items, all of them new."""
        url = f"http://127.0.0.1:{self.port}/publish/{items}"
        await asyncio.to_thread(lambda: urllib.request.urlopen(url).close())


@contextmanager
def upstream(items: int) -> Iterator[Upstream]:
    """Run a publisher whose feeds have so many items."""
    command = ["taskset", "-c", str(OTHERS_CORE), sys.executable]
    process = subprocess.Popen(
        [*command, str(HERE / "ingest_upstream.py"), str(items)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the publisher has no output")
        yield Upstream(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


def settings_of(uri: str, data_dir: Path) -> Settings:
    environment = {"FEEDSVC_MONGODB_URI": uri, "FEEDSVC_DATA_DIR": str(data_dir)}
    return load(None, environment)


def job(publisher: Upstream, number: int) -> Job:
    """Return the job of the publisher's feed of that number."""
    return Job(
        FeedSource(f"feed-{number}", publisher.url(number)),
        Template(f"press.feed-{number % 50}"),
        Schedule.parse("every 5m"),
        Policy(),
        allow_private=True,
    )
