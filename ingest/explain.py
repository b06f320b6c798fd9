"""What a job does, in the words of a table that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator

from feedsvc.core.access import Rules
from ingest.config import Job, OnMissing
from ingest.exchange import shown

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def explained(job: Job, rules: Rules) -> dict[str, str]:
    """Return what a job does, in words; of the URL without what may be secret."""
    fixed = job.template.text.partition("{")[0].rstrip(".")
    access = "private" if fixed and rules.is_private(fixed) else "public"
    return {
        "source": job.source.name,
        "type": job.source.kind,
        "runs": job.schedule.text,
        "channel": f"{job.template.text} ({access})",
        "from": shown(job.source.url),
        "limits": ", ".join(_limits(job)),
    }


def notes(job: Job) -> Iterator[str]:
    """Yield what is allowed and yet is probably not meant."""
    budget, interval_s = job.budget, job.schedule.interval_s
    if budget is not None and interval_s:
        wanted = budget.window_s // interval_s
        if wanted > budget.requests:
            unit = budget.text.partition("/")[2]
            yield (
                f"{job.schedule.text} makes {wanted} requests a {unit} or more, its"
                f" budget is {budget.requests}: it will wait for the rest of the {unit}"
            )


def _filters(job: Job) -> Iterator[str]:
    filters = job.source.filters
    if filters.include:
        yield f"only with one of {len(filters.include)} texts"
    if filters.exclude:
        yield f"without {len(filters.exclude)} texts"
    if filters.languages:
        yield f"in {' '.join(filters.languages)}"
    if filters.replies:
        yield "replies too"
    if not filters.reposts:
        yield "no reposts"


def span(seconds: float) -> str:
    """Return a span of time as people write it: ``90 s``, ``7 d``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _limits(job: Job) -> Iterator[str]:
    yield f"{job.policy.max_items} items"
    yield f"{job.timeout_s:g} s"
    if job.policy.max_age_s is not None:
        yield f"not older than {span(job.policy.max_age_s)}"
    if job.budget is not None:
        yield f"{job.budget.text} requests"
    if job.on_missing is not OnMissing.KEEP:
        yield f"{job.on_missing} what is missing"
    if job.recheck_s is not None:
        yield f"asks again every {span(job.recheck_s)}"
    yield from _filters(job)
    if job.hold:
        yield "held for an editor"
    if job.allow_private:
        yield "private networks too"
