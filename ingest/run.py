"""One run of one source::

    lease            it is due, and nobody else runs it; renewed while it runs
    | request        what the source wants to ask for, at the address it has by now
    | fetch          conditionally; "not modified" ends here
    | read           parse and check, in a worker process
    | recognise      an item whose guid changed is still the same item
    | select         what is kept, and why the rest is not
    | write          to MongoDB: from here on the items exist
    | more?          the next page, if the source wants one
    | missing?       what a complete calendar no longer has
    | recheck        whether stored posts are still there, now and then
    | finish         keep what was learnt, say when it is due again, free the lease

A source that cannot be read is a value that reaches the end of the pipe.  Anything
else is a traceback and a failed run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from feedsvc.core.health import ALERT_AFTER, Health
from feedsvc.errors import SourceError
from feedsvc.store.sources import Lease
from ingest import leasing
from ingest.budget import OverBudget
from ingest.config import Job
from ingest.errand import Errand, Learnt, Tools, wanted
from ingest.exchange import Response
from ingest.leasing import LeaseLost
from ingest.recheck import Rechecked
from ingest.summary import Outcome, Summary

log = logging.getLogger("ingest.run")

# A run that takes longer is cut; the next one happens at its time.
RUN_S = 240.0
# What is told while a run is under way waits so long, and looks so often.
TURN_S, TURN_AGAIN_S = 10.0, 0.25


async def run(job: Job, tools: Tools, *, even_early: bool = False) -> Summary:
    """Run the source if it is due and free; ``even_early`` also if it is not due.

    Raise ``Unavailable`` if the database does not answer, and whatever a bug raises.
    """
    return await _perform(job, tools, Errand.collect, RUN_S, even_early=even_early)


async def reconcile(
    job: Job, tools: Tools, tell: Callable[[Rechecked], None]
) -> Summary:
    """Ask for everything that is stored of the source; remove what is gone.

    It takes as long as it takes, and ``tell`` is told how far it is.  Raise as
    ``run`` does.
    """

    async def recheck_all(errand: Errand) -> Learnt:
        return await errand.recheck_all(tell)

    return await _perform(job, tools, recheck_all, None, even_early=True)


async def told(job: Job, tools: Tools, response: Response) -> Summary:
    """Take what the source itself sent, as a run would have; it stays due as it was.

    A run under way comes first; the outcome is ``NOT_DUE`` if it takes too long, or
    if the source is disabled.  Raise ``SourceError`` if the document is unusable.
    """
    reading = await tools.readers.read(
        job.source, response, {}, job.template, backfill=False
    )

    async def take(errand: Errand) -> Learnt:
        return await errand.take(reading)

    # Under another name, for our own runs hold the source against it too.
    apart = replace(tools, holder=f"{tools.holder}:told")
    until = asyncio.get_running_loop().time() + TURN_S
    while True:
        summary = await _perform(job, apart, take, RUN_S, even_early=True)
        if summary.outcome is not Outcome.NOT_DUE:
            return summary
        if asyncio.get_running_loop().time() >= until:
            return summary
        await asyncio.sleep(TURN_AGAIN_S)


async def _perform(
    job: Job,
    tools: Tools,
    work: Callable[[Errand], Awaitable[Learnt]],
    limit_s: float | None,
    *,
    even_early: bool,
) -> Summary:
    summary = Summary(job.source.name)
    started = asyncio.get_running_loop().time()
    lease = await tools.sources.lease(
        job.source.name,
        holder=tools.holder,
        now=tools.clock(),
        ttl_s=leasing.LEASE_S,
        even_early=even_early,
        wanted=wanted(job),
    )
    if lease is None:
        is_off = await tools.sources.is_disabled(job.source.name)
        summary.outcome = Outcome.DISABLED if is_off else Outcome.NOT_DUE
        return summary
    errand = Errand(job, tools, lease, summary)
    broken: Exception | None = None
    try:
        async with leasing.held(lease, tools.sources, tools.clock, limit_s=limit_s):
            learnt = await work(errand)
    except LeaseLost:
        return _lost(summary)
    except OverBudget as error:
        learnt = errand.waits(error)
    except Exception as error:
        learnt = errand.failed(error)
        if not isinstance(error, (SourceError, TimeoutError)):
            broken = error
    summary.seconds = asyncio.get_running_loop().time() - started
    if not await tools.sources.finish(lease, learnt.state, learnt.due, learnt.health):
        return _lost(summary)
    if broken is not None:
        raise broken
    _tell(summary, lease, learnt.health)
    return summary


def _lost(summary: Summary) -> Summary:
    """Whoever has the source now does all of it; what we wrote late was refused."""
    log.warning("lease lost source=%s", summary.source)
    summary.outcome = Outcome.LOST
    return summary


def _tell(summary: Summary, lease: Lease, health: Health) -> None:
    """Write the run's line, and an alarm when something has begun."""
    if health.disabled and not lease.health.disabled:
        log.warning("source gone for good source=%s", summary.source)
    if health.quiet_since and not lease.health.quiet_since:
        log.warning(
            "source quiet source=%s last_item_at=%s usual_pause_s=%.0f",
            summary.source,
            health.last_item_at,
            (health.quiet_after_s() or 0.0) / 2,
        )
    summary.log(needs_a_person=health.failures >= ALERT_AFTER)
