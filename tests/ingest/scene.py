"""Whole runs: from a server on loopback into a real MongoDB, by a clock of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.health import Health
from feedsvc.core.item import Item
from feedsvc.store import Database
from feedsvc.store.items import ItemStore
from feedsvc.store.sourced import SourcedItems
from feedsvc.store.sources import SourceStore
from ingest.config import Job
from ingest.decide import Policy
from ingest.errand import Tools
from ingest.fetch import Fetcher
from ingest.hosts import Hosts
from ingest.isolate import Readers
from ingest.offers import Template
from ingest.run import run
from ingest.schedule import Schedule
from ingest.sources.base import Source
from ingest.sources.feed import FeedSource
from ingest.summary import Summary
from tests.ingest.upstream import Upstream, upstream


class Scene:
    """A server, a database, a clock that the test sets, and runs of one source."""

    def __init__(self, server: Upstream, tools: Tools) -> None:
        self.server = server
        self.tools = tools
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.job = self.feed()

    def feed(self, **changed: Any) -> Job:
        source = FeedSource("news", f"{self.server.url}/feed")
        return self.job_of(source, **changed)

    def job_of(self, source: Source, **changed: Any) -> Job:
        values = {
            "template": Template("radio.news"),
            "schedule": Schedule.parse("every 5m"),
            "policy": Policy(),
            "allow_private": True,
            "timeout_s": 5,
            **changed,
        }
        return Job(source, **values)

    async def run(self, **options: Any) -> Summary:
        return await run(self.job, self.tools, **options)

    async def run_when_due(self) -> Summary:
        self.now += timedelta(days=1)
        return await self.run()

    async def items(self) -> list[Item]:
        return await self.tools.items.backlog(Scope(Channel("radio")), 500)

    async def state(self) -> Any:
        (found,) = await self.tools.sources.all()
        return found.state

    async def leased_until(self) -> datetime:
        (found,) = await self.tools.sources.all()
        assert found.leased_until is not None
        return found.leased_until

    async def health(self) -> Health:
        (found,) = await self.tools.sources.all()
        return found.health


@asynccontextmanager
async def open_scene(database: Database) -> AsyncIterator[Scene]:
    rules = Rules()
    items = ItemStore(database, rules)
    await items.prepare()
    fetcher = Fetcher(Hosts(), chance=lambda: 1.0)
    async with upstream() as server, Readers(workers=1) as readers:
        scene: Scene

        def clock() -> datetime:
            return scene.now

        tools = Tools(
            sources=SourceStore(database),
            items=items,
            sourced=SourcedItems(database, rules),
            rules=rules,
            fetcher=fetcher,
            readers=readers,
            holder="here",
            clock=clock,
            lot=lambda: 1.0,
        )
        scene = Scene(server, tools)
        yield scene
    fetcher.close()


def rss(*entries: tuple[str, str]) -> str:
    items = "".join(
        f'<item><guid isPermaLink="false">{guid}</guid><title>{title}</title></item>'
        for guid, title in entries
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'
