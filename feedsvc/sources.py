"""How the sources of ingest fare: told as JSON, as a table, and in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from feedsvc.core.health import Health, Standing
from feedsvc.core.item import wire_time
from feedsvc.store.sources import SourceState

# More sources than this have no figures of their own: a monitor has its bounds too.
MAX_LABELLED = 200

NUMBERS = frozenset({"failures", "today", "usual", "requests"})

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def standing(state: SourceState, now: datetime) -> Standing:
    """Return the worst that is to be said of a source."""
    return Standing.DISABLED if state.disabled_by else state.health.standing(now)


def as_json(state: SourceState, now: datetime) -> dict[str, Any]:
    """Return all that a program may want to know of a source."""
    health = state.health
    is_held = state.leased_until is not None and state.leased_until > now
    return {
        "source": state.source,
        "standing": standing(state, now),
        "why": why(state, now),
        "type": health.kind,
        "schedule": health.schedule,
        "channel": health.channel,
        "running": is_held and state.holder is not None,
        "next_due": wire_time(state.next_due),
        "last_run_at": _time(health.last_run_at),
        "last_success_at": _time(health.last_success_at),
        "last_item_at": _time(health.last_item_at),
        "quiet_since": _time(health.quiet_since),
        "outcome": health.outcome,
        "failures": health.failures,
        "runs": health.runs,
        "failed_runs": health.failed_runs,
        "items": health.items,
        "items_today": health.today(now),
        "items_usual": health.usual(now),
        "requests": health.used,
        "requests_since": _time(health.used_since),
        "budget": health.budget_text or None,
        "takedowns": health.takedowns,
        "takedown_seconds": health.takedown_s,
        "disabled_by": state.disabled_by,
    }


def as_row(state: SourceState, now: datetime) -> dict[str, str]:
    """Return what a person wants to see first, in words."""
    health, usual = state.health, state.health.usual(now)
    return {
        "source": state.source,
        "type": health.kind,
        "standing": standing(state, now),
        "last_success": _ago(health.last_success_at, now),
        "next_due": _ahead(state, now),
        "failures": str(health.failures),
        "today": str(health.today(now)),
        "usual": "" if usual is None else f"{usual:g}",
        "requests": _requests(health),
        "why": why(state, now),
    }


def why(state: SourceState, now: datetime) -> str:
    """Return why the source does not stand as it should; "" if it does."""
    health = state.health
    if state.disabled_by:
        return f"switched off by {state.disabled_by}"
    if health.disabled:
        return health.disabled
    if health.error:
        return health.error
    if health.quiet_since is not None:
        return f"nothing new since {_ago(health.last_item_at, now)}"
    return ""


def figures(states: Sequence[SourceState], now: datetime) -> Iterator[Metric]:
    """Yield the figures of all sources: sums of all, and each of the first ones."""
    counts = Counter(standing(state, now) for state in states)
    sums = GaugeMetricFamily(
        "feedsvc_sources", "sources, by how they stand", labels=["standing"]
    )
    for one in Standing:
        sums.add_metric([one], counts[one])
    yield sums
    for name, (told, kind, read) in _FIGURES.items():
        family = kind(f"feedsvc_source_{name}", told, labels=["source"])
        for state in states[:MAX_LABELLED]:
            value = read(state, now)
            if value is not None:
                family.add_metric([state.source], value)
        yield family


def _requests(health: Health) -> str:
    if not health.budget_text:
        return str(health.used)
    return f"{health.used} of {health.budget_text}"


def _time(at: datetime | None) -> str | None:
    return None if at is None else wire_time(at)


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    return f"{_span(seconds)} ago"


def _ahead(state: SourceState, now: datetime) -> str:
    if state.disabled_by:
        return "never"
    if state.holder is not None and state.leased_until and state.leased_until > now:
        return "running"
    seconds = (state.next_due - now).total_seconds()
    return f"in {_span(seconds)}" if seconds > 0 else "now"


def _span(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _epoch(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


Read = Callable[[SourceState, datetime], float | None]
Family = type[CounterMetricFamily] | type[GaugeMetricFamily]

_FIGURES: dict[str, tuple[str, Family, Read]] = {
    "items": (
        "items that the source brought, its history aside",
        CounterMetricFamily,
        lambda state, now: state.health.items,
    ),
    "runs": (
        "runs of the source",
        CounterMetricFamily,
        lambda state, now: state.health.runs,
    ),
    "failed_runs": (
        "runs that could not read the source",
        CounterMetricFamily,
        lambda state, now: state.health.failed_runs,
    ),
    "failures": (
        "failures in a row",
        GaugeMetricFamily,
        lambda state, now: state.health.failures,
    ),
    "last_success_timestamp_seconds": (
        "when the source was last read",
        GaugeMetricFamily,
        lambda state, now: _epoch(state.health.last_success_at),
    ),
    "next_due_timestamp_seconds": (
        "when it is due again",
        GaugeMetricFamily,
        lambda state, now: (
            None
            if standing(state, now) is Standing.DISABLED
            else _epoch(state.next_due)
        ),
    ),
    "quiet": (
        "1 while a busy source brings nothing",
        GaugeMetricFamily,
        lambda state, now: int(state.health.quiet_since is not None),
    ),
    "items_today": (
        "items since midnight, UTC",
        GaugeMetricFamily,
        lambda state, now: state.health.today(now),
    ),
    "items_usual": (
        "median of items a day",
        GaugeMetricFamily,
        lambda state, now: state.health.usual(now),
    ),
    "requests_used": (
        "requests in the window of the budget",
        GaugeMetricFamily,
        lambda state, now: state.health.used,
    ),
    "requests_budget": (
        "requests that the budget allows",
        GaugeMetricFamily,
        lambda state, now: state.health.budget,
    ),
    "takedowns": (
        "items removed because their source no longer has them",
        CounterMetricFamily,
        lambda state, now: state.health.takedowns,
    ),
    "takedown_seconds": (
        "of the last removal, the most that can have passed since the source's own",
        GaugeMetricFamily,
        lambda state, now: state.health.takedown_s,
    ),
}
