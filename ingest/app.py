"""The composition root of ingest: builds everything, stops it in reverse order."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import random
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from feedsvc.config import Settings
from feedsvc.errors import ConfigError, Unavailable
from feedsvc.store.audit import AuditLog
from feedsvc.store.items import ItemStore
from feedsvc.store.opened import opened
from feedsvc.store.sourced import SourcedItems
from feedsvc.store.sources import SourceStore
from ingest.config import Job
from ingest.errand import Tools
from ingest.fetch import Fetcher
from ingest.hosts import Hosts
from ingest.isolate import Readers
from ingest.purge import Kind, Purge, Target
from ingest.recheck import Rechecked
from ingest.run import reconcile as recheck_all
from ingest.run import run, told
from ingest.scheduler import MAX_RUNS, Scheduler
from ingest.summary import Outcome, Summary
from ingest.trial import Explorer, Findings
from ingest.webhook import Webhooks

log = logging.getLogger("ingest.app")

# What a stop waits for runs under way.
DRAIN_S = 30.0


@asynccontextmanager
async def tools(settings: Settings) -> AsyncIterator[Tools]:
    """Build what runs need; raise ``ConfigError`` if the database will not do."""
    async with AsyncExitStack() as stack:
        server = settings.server
        database = await stack.enter_async_context(
            opened(server.mongodb_uri, server.data_dir)
        )
        rules = settings.channel_rules
        items = ItemStore(database, rules)
        await items.prepare()
        fetcher = Fetcher(Hosts())
        stack.callback(fetcher.close)
        yield Tools(
            sources=SourceStore(database),
            items=items,
            sourced=SourcedItems(database, rules),
            rules=rules,
            fetcher=fetcher,
            readers=await stack.enter_async_context(Readers()),
            holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            clock=lambda: datetime.now(UTC),
            lot=random.random,
        )


async def run_until_stopped(
    settings: Settings,
    jobs: Sequence[Job],
    reload: Callable[[], Sequence[Job]],
    announce: Callable[[], None],
) -> None:
    """Run the jobs until SIGTERM or SIGINT; SIGHUP takes the jobs of ``reload``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with tools(settings) as shared:
        scheduler = Scheduler(lambda job: _run_or_wait(job, shared))
        webhooks = Webhooks(
            settings.server.host,
            settings.server.ingest_port,
            lambda job, response: told(job, shared, response),
        )

        def take_new_jobs() -> None:
            try:
                found = reload()
                webhooks.replace(found)
                scheduler.replace(found)
            except ConfigError as error:
                log.error("configuration not taken cause=%s", error)  # noqa: TRY400 - no bug
            else:
                log.info("configuration taken")

        loop.add_signal_handler(signal.SIGHUP, take_new_jobs)
        webhooks.replace(jobs)
        scheduler.start(jobs)
        try:
            announce()
            await stop.wait()
            log.info("stopping")
        finally:
            await webhooks.close()
            await scheduler.drain(DRAIN_S)


async def run_once(
    settings: Settings,
    jobs: Sequence[Job],
    tell: Callable[[Summary], None],
    *,
    even_early: bool,
) -> list[Summary]:
    """Run each job once, those that are due or all; return their summaries.

    ``tell`` is told each of them as it ends.
    """
    slots = asyncio.Semaphore(MAX_RUNS)

    async def one(job: Job, shared: Tools) -> Summary:
        async with slots:
            summary = await _run_to_the_end(job, shared, even_early=even_early)
            tell(summary)
            return summary

    async with tools(settings) as shared, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job, shared)) for job in jobs]
    return [task.result() for task in tasks]


async def explore(
    settings: Settings,
    text: str,
    tell: Callable[[str], None],
    *,
    environ: Mapping[str, str],
    channel: str | None,
    allow_private: bool,
) -> Findings:
    """Try out what an address offers; without a database, since nothing is kept."""
    fetcher = Fetcher(Hosts())
    try:
        async with Readers(workers=1) as readers:
            explorer = Explorer(
                settings,
                fetcher,
                readers,
                tell,
                environ=environ,
                channel=channel,
                allow_private=allow_private,
            )
            return await explorer.explore(text)
    finally:
        fetcher.close()


async def reconcile(
    settings: Settings, job: Job, tell: Callable[[Rechecked], None]
) -> Summary:
    """Ask the source for all that is stored of it; remove what is gone."""
    async with tools(settings) as shared:
        return await recheck_all(job, shared, tell)


async def purge(
    settings: Settings,
    name: str,
    kinds: Sequence[Kind],
    choose: Callable[[list[Target]], Target | None],
    tell: Callable[[int], None],
) -> tuple[Target, int] | None:
    """Remove what ``choose`` says of all that has the name; None if it says no.

    Return it, and how many items were removed.
    """
    server, rules = settings.server, settings.channel_rules
    async with opened(server.mongodb_uri, server.data_dir) as database:
        items, audit = ItemStore(database, rules), AuditLog(database)
        await items.prepare()
        await audit.prepare()
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        removing = Purge(items, SourcedItems(database, rules), audit, who)
        target = choose(await removing.find(name, kinds))
        if target is None:
            return None
        return target, await removing.remove(target, tell)


async def _run_or_wait(job: Job, shared: Tools) -> None:
    try:
        await run(job, shared)
    except Unavailable as error:
        # The lease ends by itself, and offering the same items again is safe.
        log.warning("run lost source=%s cause=%s", job.source.name, error)


async def _run_to_the_end(job: Job, shared: Tools, *, even_early: bool) -> Summary:
    try:
        return await run(job, shared, even_early=even_early)
    except Unavailable as error:
        return Summary(job.source.name, Outcome.FAILED, error=str(error))
    except Exception as error:
        # The edge of a task: the others are run all the same, and all are summed up.
        log.exception("run broke source=%s", job.source.name)
        return Summary(job.source.name, Outcome.FAILED, error=str(error))
