"""What a run does while it holds its source; ``run.py`` draws the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.health import Health
from feedsvc.core.item import Status
from feedsvc.errors import SourceError
from feedsvc.store.items import ItemStore
from feedsvc.store.sourced import SourcedItems
from feedsvc.store.sources import Lease, SourceStore
from ingest import decide, identity, pacing, standing
from ingest.budget import Meter, OverBudget
from ingest.config import Job, OnMissing
from ingest.exchange import FetchError, Request, Response
from ingest.fetch import Fetcher, Validators
from ingest.isolate import Readers
from ingest.offers import Reading
from ingest.recheck import Rechecked, Rechecker
from ingest.sources.base import State
from ingest.summary import Outcome, Summary
from ingest.taking import Taker

# A run reads so many pages at most; the next one goes on where it stopped.
MAX_PAGES = 10
# So many stored items a run asks for again, the newest.
RECHECK_ITEMS = 100
# Sources whose budgets end together come back spread over so long, at most.
SPREAD_S = 300.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs need and share; ``holder`` names this process in leases."""

    sources: SourceStore
    items: ItemStore
    sourced: SourcedItems
    rules: Rules
    fetcher: Fetcher
    readers: Readers
    holder: str
    clock: Callable[[], datetime]
    lot: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is kept of a run: for the next one, and for people."""

    state: State
    due: datetime
    health: Health


@dataclass(slots=True)
class _Pages:
    """What all pages of a run came to."""

    own: State
    learnt: dict[str, Any]
    asked_s: list[float | None] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    faults: int = 0
    is_complete: bool = False

    def add(self, reading: Reading) -> None:
        self.own = reading.state
        self.asked_s.append(reading.poll_after_s)
        self.seen |= reading.seen
        self.faults += reading.fault_count
        # Of an event that could not be read nobody knows that it is missing.
        self.is_complete = reading.is_complete and not self.faults


class Errand:
    """One run of a leased source; ``summary`` is told what happens."""

    def __init__(self, job: Job, tools: Tools, lease: Lease, summary: Summary) -> None:
        self._job = job
        self._tools = tools
        self._state = lease.state
        self._summary = summary
        self._health = replace(
            lease.health,
            kind=job.source.kind,
            schedule=job.schedule.text,
            channel=job.template.text,
            budget=job.budget.requests if job.budget else None,
            budget_text=job.budget.text if job.budget else "",
        )
        self._next_due = lease.next_due
        #: When all that is removed was known to be there.
        self._known_at = lease.health.last_success_at
        self._meter = Meter(
            job.budget, tools.clock, lease.health.used, lease.health.used_since
        )
        self._taker = Taker(
            tools.items,
            tools.sourced,
            tools.rules,
            job.policy,
            lease.fence,
            summary,
            review=job.hold,
        )

    async def collect(self) -> Learnt:
        """Take over all that is new, and find out what is gone."""
        # Of another account or address than before, what was kept means nothing.
        is_same = self._state.get("wanted") == wanted(self._job)
        own: State = self._state.get("own", {}) if is_same else {}
        pages = _Pages(own, {"wanted": wanted(self._job)})
        await self._read_pages(pages)
        if pages.is_complete and self._job.on_missing is not OnMissing.KEEP:
            pages.learnt["missing"] = await self._settle_missing(pages.seen)
        pages.learnt |= await self._recheck_if_time(pages.own)
        now = self._tools.clock()
        due = decide.next_due(now, self._job.schedule.interval_s or 0, pages.asked_s)
        return self._learnt({**pages.learnt, "own": dict(pages.own)}, due)

    async def recheck_all(self, tell: Callable[[Rechecked], None]) -> Learnt:
        """Ask for everything that is stored of the source; remove what is gone."""
        own = self._state.get("own", {})
        self._known_at = self._state.get("rechecked_at")
        async for done in self._rechecker().recheck(own, self._tools.clock):
            tell(done)
        state = {**self._state, "rechecked_at": self._tools.clock()}
        return self._learnt(state, self._next_due)

    async def take(self, reading: Reading) -> Learnt:
        """Take what the source told by itself, between two runs."""
        await self._taker.take(reading, self._tools.clock())
        return self._learnt(self._state, self._next_due)

    def failed(self, error: Exception) -> Learnt:
        """Return what is kept of a run that ended so."""
        self._summary.outcome = Outcome.FAILED
        self._summary.error = str(error) or "took too long"
        now, told = (
            self._tools.clock(),
            error if isinstance(error, FetchError) else None,
        )
        failures = self._health.failures + 1
        is_gone = told is not None and told.status == decide.GONE
        due = decide.next_try(
            now,
            self._job.schedule.backoff_s,
            failures,
            self._tools.lot(),
            status=told.status if told else None,
            retry_after_s=told.retry_after_s if told else None,
        )
        disabled = "gone for good, says its server (410)" if is_gone else ""
        health = standing.failed(
            self._health, now, self._summary.error[:500], failures, disabled
        )
        # Where it moved to may be what fails: then it is asked at its own place again.
        return self._kept({**self._state, "moved": {}}, due, health)

    def waits(self, error: OverBudget) -> Learnt:
        """Return what is kept of a run that the budget stopped: nothing new."""
        self._summary.outcome, self._summary.error = Outcome.OVER_BUDGET, str(error)
        now = self._tools.clock()
        health = standing.waiting(self._health, now, str(error), error.until)
        due = error.until + timedelta(seconds=self._tools.lot() * SPREAD_S)
        return self._kept(self._state, due, health)

    async def _read_pages(self, pages: _Pages) -> None:
        for page in range(MAX_PAGES):
            request = self._job.source.request(pages.own)
            response = await self._fetch(request, is_first=page == 0)
            pages.asked_s.append(pacing.max_age_s(response.headers))
            if page == 0:
                pages.learnt |= recognised(self._state, request, response)
            if response.status == 304:
                self._summary.outcome = Outcome.NOT_MODIFIED
                return
            reading = await self._tools.readers.read(
                self._job.source,
                response,
                pages.own,
                self._job.template,
                backfill=self._is_first,
            )
            # An item whose key changed is seen under the one that it was stored by.
            pages.seen |= await self._taker.take(reading, self._tools.clock())
            pages.add(reading)
            if not reading.more:
                return

    async def _fetch(self, request: Request, *, is_first: bool) -> Response:
        """Ask at the address that the request has by now, conditionally if we may."""
        state = self._state
        may_be_same = state.get("asked") == identity.digest(request.url) and is_first
        # What seems to be missing is missing if a second reading says so too.
        may_be_same = may_be_same and not state.get("missing")
        is_wanted = state.get("wanted") == wanted(self._job)
        validators = Validators(state.get("etag"), state.get("last_modified"))
        self._meter.take()
        return await self._tools.fetcher.get(
            replace(request, url=decide.address(state.get("moved", {}), request.url)),
            validators if may_be_same and is_wanted else None,
            allow_private=self._job.allow_private,
            timeout_s=self._job.timeout_s,
        )

    async def _settle_missing(self, seen: set[str]) -> list[str]:
        """Act on events that are gone; return the ids of those that may be."""
        now = self._tools.clock()
        stored = await self._tools.sourced.events_after(self._job.source.name, now)
        gone, suspects = decide.absent(stored, seen, self._state.get("missing", ()))
        if self._job.on_missing is OnMissing.CANCEL:
            await self._taker.cancel(gone, now)
        else:
            for event in gone:
                await self._taker.remove(event.id, now)
        return suspects

    async def _recheck_if_time(self, own: State) -> State:
        """Ask for the newest of what is stored, if it is time; say when it was."""
        now, before = self._tools.clock(), self._state.get("rechecked_at")
        every_s = self._job.recheck_s
        if every_s is None or (
            before is not None and now < before + timedelta(seconds=every_s)
        ):
            return {"rechecked_at": before}
        if not self._summary.written["removed"]:
            self._known_at = before
        try:
            rechecks = self._rechecker().recheck(
                own, self._tools.clock, newest=RECHECK_ITEMS
            )
            async for _ in rechecks:
                pass
        except (SourceError, OverBudget) as error:
            # What was collected is kept all the same; asked is the next time.
            self._summary.add_faults([f"recheck: {error}"], 1)
            return {"rechecked_at": before}
        return {"rechecked_at": now}

    def _rechecker(self) -> Rechecker:
        tools = self._tools
        return Rechecker(
            self._job,
            tools.sourced,
            tools.fetcher,
            tools.readers,
            self._taker,
            self._meter.take,
        )

    @property
    def _is_first(self) -> bool:
        """True as long as no run has succeeded: what comes is history."""
        return "own" not in self._state

    def _learnt(self, state: State, due: datetime) -> Learnt:
        now, written = self._tools.clock(), self._summary.written
        created = 0 if self._is_first else written[Status.CREATED]
        health = standing.succeeded(self._health, now, created)
        if written["removed"]:
            health = standing.took_down(health, now, written["removed"], self._known_at)
        return self._kept(state, due, health)

    def _kept(self, state: State, due: datetime, health: Health) -> Learnt:
        self._summary.next_due = due
        health = replace(
            health,
            outcome=self._summary.outcome.value,
            used=self._meter.used,
            used_since=self._meter.since,
        )
        return Learnt(state, due, health)


def wanted(job: Job) -> str:
    """Return what changes with what the operator wants of the source.

    A digest, since addresses and options may hold secrets.
    """
    options = repr(sorted(job.source.given.items()))
    policy = repr(job.policy)
    return identity.digest(job.source.url, options, job.template.text, policy)


def recognised(state: State, request: Request, response: Response) -> dict[str, Any]:
    """Return what the next run recognises the first page by, and where it moved."""
    before = state.get("moved", {})
    moved = decide.moved(before, request.url, response.moved_to)
    if decide.address(before, request.url) != request.url:
        moved = before
    known = {name: state[name] for name in ("etag", "last_modified") if name in state}
    if response.status != 304:
        found = Validators.of(response.headers)
        known = {"etag": found.etag, "last_modified": found.last_modified}
    # A digest, for an address may hold a key, and keys are not kept.
    return {"asked": identity.digest(request.url), "moved": dict(moved), **known}
