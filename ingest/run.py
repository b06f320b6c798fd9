"""One run of one source::

    lease            it is due, and nobody else runs it
    | request        what the source wants to ask for, at the address it has by now
    | fetch          conditionally; "not modified" ends here
    | read           parse and check, in a worker process
    | select         what is kept, and why the rest is not
    | write          to MongoDB: from here on the items exist
    | more?          the next page, if the source wants one
    | finish         keep what was learnt, say when it is due again, free the lease

A source that cannot be read is a value that reaches the end of the pipe.  Anything
else is a traceback and a failed run.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.item import Status
from feedsvc.errors import SourceError
from feedsvc.store.items import ItemStore, Written
from feedsvc.store.sources import Lease, SourceStore
from ingest import decide, identity, pacing
from ingest.config import Job
from ingest.exchange import FetchError, Request, Response
from ingest.fetch import Fetcher, Validators
from ingest.isolate import Readers
from ingest.offers import Reading

log = logging.getLogger("ingest.run")

# The lease outlives the longest run, so that a run need not renew it.
RUN_S = 240.0
LEASE_S = 300.0

# A run reads so many pages at most; the next one goes on where it stopped.
MAX_PAGES = 10

State = Mapping[str, Any]


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOT_MODIFIED = "not modified"
    NOT_DUE = "not due"
    FAILED = "failed"


@dataclass(slots=True)
class Summary:
    """What a run did; ``error`` says why it failed, ``faults`` what it left out."""

    source: str
    outcome: Outcome = Outcome.DONE
    written: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    error: str = ""
    seconds: float = 0.0
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs need and share; ``holder`` names this process in leases."""

    sources: SourceStore
    items: ItemStore
    rules: Rules
    fetcher: Fetcher
    readers: Readers
    holder: str
    clock: Callable[[], datetime]
    lot: Callable[[], float]


async def run(job: Job, tools: Tools, *, even_early: bool = False) -> Summary:
    """Run the source if it is due and free; ``even_early`` also if it is not due.

    Raise ``Unavailable`` if the database does not answer, and whatever a bug raises.
    """
    summary = Summary(job.source.name)
    started = asyncio.get_running_loop().time()
    lease = await tools.sources.lease(
        job.source.name,
        holder=tools.holder,
        now=tools.clock(),
        ttl_s=LEASE_S,
        even_early=even_early,
    )
    if lease is None:
        summary.outcome = Outcome.NOT_DUE
        return summary
    try:
        async with asyncio.timeout(RUN_S):
            state, due = await _collect(job, tools, lease.state, summary)
    except Exception as error:
        summary.outcome, summary.error = Outcome.FAILED, str(error) or "took too long"
        state, due = _failed(job, tools, lease.state, error)
        if not isinstance(error, (SourceError, TimeoutError)):
            await _finish(tools, lease, state, due, summary)
            raise
    summary.seconds = asyncio.get_running_loop().time() - started
    await _finish(tools, lease, state, due, summary)
    _log(summary, state)
    return summary


async def _collect(
    job: Job, tools: Tools, state: State, summary: Summary
) -> tuple[State, datetime]:
    """Take over all that is new; return the state to keep and when it is due."""
    # Of another account or address than before, what was kept means nothing.
    is_same = state.get("wanted") == _wanted(job)
    own: State = state.get("own", {}) if is_same else {}
    learnt: dict[str, Any] = {"wanted": _wanted(job)}
    asked_s: list[float | None] = []
    for page in range(MAX_PAGES):
        request = job.source.request(own)
        response = await _fetch(job, tools, state, request, is_first=page == 0)
        asked_s.append(pacing.max_age_s(response.headers))
        if page == 0:
            learnt |= _recognised(state, request, response)
        if response.status == 304:
            summary.outcome = Outcome.NOT_MODIFIED
            break
        reading = await tools.readers.read(
            job.source,
            response,
            own,
            job.template,
            backfill="own" not in state,
        )
        asked_s.append(reading.poll_after_s)
        await _take(job, tools, reading, summary)
        own = reading.state
        if not reading.more:
            break
    due = decide.next_due(tools.clock(), job.schedule.interval_s or 0, asked_s)
    return {**learnt, "own": dict(own), "failures": 0}, due


async def _fetch(
    job: Job, tools: Tools, state: State, request: Request, *, is_first: bool
) -> Response:
    """Ask at the address that the request has by now, conditionally if we may."""
    is_same = state.get("asked") == request.url and state.get("wanted") == _wanted(job)
    validators = Validators(state.get("etag"), state.get("last_modified"))
    return await tools.fetcher.get(
        Request(decide.address(state.get("moved", {}), request.url), request.headers),
        validators if is_first and is_same else None,
        allow_private=job.allow_private,
        timeout_s=job.timeout_s,
    )


async def _take(job: Job, tools: Tools, reading: Reading, summary: Summary) -> None:
    """Write what is selected of a page, and count what became of each candidate."""
    now = tools.clock()
    selection = decide.select(reading.offers, job.policy, tools.rules, now)
    summary.dropped.update(reading.unwanted)
    summary.dropped.update(selection.dropped)
    summary.fault_count += reading.fault_count
    summary.faults = [*summary.faults, *reading.faults][:20]
    outcomes = await tools.items.write(selection.kept, now=now, revive=False)
    for offer, outcome in zip(selection.kept, outcomes, strict=True):
        if isinstance(outcome, Written):
            summary.written[outcome.status] += 1
        else:
            summary.fault_count += 1
            summary.faults = [*summary.faults, f"{offer.source_id}: {outcome}"][:20]


def _wanted(job: Job) -> str:
    """Return what changes with what the operator wants of the source.

    A digest, since addresses and options may hold secrets.
    """
    options = repr(sorted(job.source.given.items()))
    policy = repr(job.policy)
    return identity.digest(job.source.url, options, job.template.text, policy)


def _recognised(state: State, request: Request, response: Response) -> dict[str, Any]:
    """Return what the next run recognises the first page by, and where it moved."""
    moved = decide.moved(state.get("moved", {}), request.url, response.moved_to)
    if decide.address(state.get("moved", {}), request.url) != request.url:
        moved = state["moved"]
    known = {name: state[name] for name in ("etag", "last_modified") if name in state}
    if response.status != 304:
        found = Validators.of(response.headers)
        known = {"etag": found.etag, "last_modified": found.last_modified}
    return {"asked": request.url, "moved": dict(moved), **known}


def _failed(
    job: Job, tools: Tools, state: State, error: Exception
) -> tuple[State, datetime]:
    failures = int(state.get("failures", 0)) + 1
    told = error if isinstance(error, FetchError) else None
    due = decide.next_try(
        tools.clock(),
        job.schedule.backoff_s,
        failures,
        tools.lot(),
        status=told.status if told else None,
        retry_after_s=told.retry_after_s if told else None,
    )
    if told and told.status == decide.GONE:
        log.warning("source gone for good source=%s", job.source.name)
    # Where it moved to may be what fails: then it is asked at its own place again.
    return {**state, "failures": failures, "moved": {}}, due


async def _finish(
    tools: Tools, lease: Lease, state: State, due: datetime, summary: Summary
) -> None:
    summary.next_due = due
    last = {
        "at": tools.clock(),
        "outcome": summary.outcome.value,
        "written": dict(summary.written),
        "dropped": dict(summary.dropped),
        "faults": summary.fault_count,
        "error": summary.error[:500],
    }
    if not await tools.sources.finish(lease, {**state, "last": last}, due):
        log.warning("lease lost source=%s", summary.source)


def _log(summary: Summary, state: State) -> None:
    """Write the run's one line; a warning once a person should look at the source."""
    level = logging.INFO
    if int(state.get("failures", 0)) >= decide.ALERT_AFTER:
        level = logging.WARNING
    log.log(
        level,
        "run finished source=%s outcome=%s created=%d updated=%d unchanged=%d"
        " dropped=%d faults=%d seconds=%.2f%s",
        summary.source,
        summary.outcome.value.replace(" ", "-"),
        summary.written[Status.CREATED],
        summary.written[Status.UPDATED],
        summary.written[Status.UNCHANGED],
        summary.dropped.total(),
        summary.fault_count,
        summary.seconds,
        f" error={summary.error!r}" if summary.error else "",
    )
