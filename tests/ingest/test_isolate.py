"""Reading in workers: bombs end a worker, bugs are told, the next document is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feedsvc.errors import SourceError
from ingest.isolate import ReaderBug, Readers
from ingest.offers import Reading, Template
from ingest.sources.base import Batch, Source, State
from ingest.sources.feed import FeedSource
from tests.ingest.reading import respond

SOURCE = FeedSource("news", "http://radio.example/feed")
GOOD = "<rss><channel><item><title>Hi</title></item></channel></rss>"


class Broken(Source):
    """A source type that fails as ``url`` says."""

    kind = "broken"

    def request(self, state: State) -> object:  # type: ignore[override] # never asked
        raise NotImplementedError

    def parse(self, response: object, state: State) -> Batch:
        if self.url == "bug":
            raise ZeroDivisionError("a bug of ours")
        if self.url == "hog":
            hoard = []
            while True:
                hoard.append(bytearray(10_000_000))
        if self.url == "exit":
            import os

            os._exit(3)
        while True:
            pass


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(workers=1, time_s=60, memory_mb=200) as pool:
        yield pool


@pytest.fixture
async def impatient() -> AsyncIterator[Readers]:
    async with Readers(workers=1, time_s=1, memory_mb=200) as pool:
        yield pool


def process_of(readers: Readers) -> int:
    """Return the process that waits for the next document."""
    [worker] = readers._idle
    return worker._process.pid


async def read(readers: Readers, body: str, source: Source = SOURCE) -> Reading:
    return await readers.read(
        source, respond(body), {}, Template("radio.news"), backfill=False
    )


async def test_a_worker_is_used_again(readers: Readers) -> None:
    """A new process for each document would cost more than the document."""
    first = await read(readers, GOOD)
    before = process_of(readers)

    second = await read(readers, GOOD)

    assert first.offers == second.offers
    assert process_of(readers) == before


async def test_an_unusable_document_is_a_source_error(readers: Readers) -> None:
    """With the parser's own words, and the worker stays."""
    with pytest.raises(SourceError, match="web page"):
        await read(readers, "<html></html>")

    assert len((await read(readers, GOOD)).offers) == 1


async def test_nested_tags_cost_a_worker_and_nothing_else(
    impatient: Readers, readers: Readers
) -> None:
    """A megabyte of them would keep a process busy for a long time."""
    bomb = f"<rss><channel><item><description>{'<a>' * 400_000}"

    with pytest.raises(SourceError, match="takes more than"):
        await read(impatient, bomb)

    assert impatient._idle == []
    assert len((await read(readers, GOOD)).offers) == 1


async def test_a_memory_bomb_costs_a_worker_and_nothing_else(readers: Readers) -> None:
    """It is stopped at the limit, before the machine feels it."""
    with pytest.raises(SourceError, match="takes more than 200 MB"):
        await read(readers, "", Broken("hog", "hog"))

    assert len((await read(readers, GOOD)).offers) == 1


async def test_a_worker_that_dies_is_replaced(readers: Readers) -> None:
    """Whatever killed it."""
    with pytest.raises(SourceError, match="broke the process"):
        await read(readers, "", Broken("exit", "exit"))

    assert len((await read(readers, GOOD)).offers) == 1


async def test_an_endless_loop_ends_at_the_time_limit(impatient: Readers) -> None:
    """It cannot be asked to stop, so it is killed."""
    with pytest.raises(SourceError, match="takes more than 1 s"):
        await read(impatient, "", Broken("loop", "loop"))

    assert impatient._idle == []


async def test_a_bug_is_told_with_its_traceback(readers: Readers) -> None:
    """It is no fault of the source, and must not pass for one."""
    with pytest.raises(ReaderBug, match="a bug of ours"):
        await read(readers, "", Broken("bug", "bug"))

    assert len((await read(readers, GOOD)).offers) == 1


async def test_secrets_of_the_configuration_do_not_reach_a_worker(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that parses hostile input has no business with them."""
    monkeypatch.setenv("FEEDSVC_SECRET", "secret")
    monkeypatch.setenv("X_TOKEN", "secret")
    await read(readers, GOOD)

    process = Path(f"/proc/{process_of(readers)}")

    environment = (process / "environ").read_bytes()
    assert b"PATH=" in environment
    assert b"secret" not in environment
