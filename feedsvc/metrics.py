"""Figures for Prometheus, read from the parts when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from feedsvc.histogram import Histogram
from feedsvc.net.traffic import Traffic
from feedsvc.relay import Relay
from feedsvc.release import Releaser
from feedsvc.sockjs import SockJSRouter
from feedsvc.sources import figures
from feedsvc.store.sources import SourceState
from feedsvc.webhooks import Webhooks

CONTENT_TYPE = CONTENT_TYPE_LATEST

Part = Callable[[], Iterable[Metric]]


class Revoked(Protocol):
    """The revocations in force, and how old the list of them is."""

    @property
    def age_s(self) -> float: ...

    def __len__(self) -> int: ...


class Metrics:
    """All figures of one process; nothing is counted twice for their sake."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._registry = CollectorRegistry()
        for part in parts:
            self._registry.register(_Part(part))
        ProcessCollector(registry=self._registry)

    def render(self, sources: Sequence[SourceState]) -> bytes:
        """Return the figures of this moment in Prometheus' text format.

        Those of the sources are the deployment's, not this process's own.
        """
        shared = CollectorRegistry()
        shared.register(_Part(partial(figures, sources, datetime.now(UTC))))
        return generate_latest(self._registry) + generate_latest(shared)


class _Part(Collector):
    """A part's figures, as Prometheus' library asks for them."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def collect(self) -> Iterable[Metric]:
        return self._part()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names need no check before there are figures."""
        return ()


def of_relay(relay: Relay) -> Iterator[Metric]:
    """Yield how changes come in and go out, and what is kept of them."""
    for name, value in asdict(relay.counts).items():
        yield CounterMetricFamily(f"feedsvc_relay_{name}", _HELP[name], value)
    for name, value in relay.hub.counts().items():
        yield GaugeMetricFamily(f"feedsvc_hub_{name}", _HELP[name], value)
    ready = int(relay.is_ready)
    yield GaugeMetricFamily("feedsvc_relay_ready", "follows the stream", ready)
    lag = "seconds behind what was committed, at most"
    yield GaugeMetricFamily("feedsvc_relay_lag_seconds", lag, relay.lag_s)
    told = "from the commit to the end of the delivery"
    yield _histogram("feedsvc_delivery_seconds", told, {"": relay.latency_s})
    told = "changes handed to clients"
    yield CounterMetricFamily("feedsvc_deliveries", told, relay.deliveries)
    told = "clients that came with a cursor"
    yield _counter("feedsvc_resumes", told, "outcome", relay.hub.resumes)
    told = "requests for newest items"
    yield _counter("feedsvc_hot_backlog_requests", told, "outcome", relay.hub.asked)


def of_live(live: SockJSRouter) -> Iterator[Metric]:
    """Yield what SockJS clients do."""
    stats = live.stats()
    sessions = GaugeMetricFamily(
        "feedsvc_live_sessions", "open sessions", labels=["transport"]
    )
    for transport, value in stats["sessions"].items():
        sessions.add_metric([transport], value)
    yield sessions
    for name, (label, told) in _LABELLED.items():
        yield _counter(f"feedsvc_live_{name}", told, label, stats[name])
    for name, told in _PLAIN.items():
        yield CounterMetricFamily(f"feedsvc_live_{name}", told, stats[name])


def of_traffic(traffic: Traffic, streams: Collection[object]) -> Iterator[Metric]:
    """Yield what HTTP clients do."""
    requests = CounterMetricFamily(
        "feedsvc_http_requests", "requests answered", labels=["route", "status"]
    )
    for labels, count in traffic.answers.items():
        requests.add_metric(labels, count)
    yield requests
    told = "from a request to the end of its answer"
    yield _histogram("feedsvc_http_seconds", told, traffic.seconds, "route")
    yield GaugeMetricFamily("feedsvc_event_streams", "open event streams", len(streams))
    told = "event streams cut for being too slow"
    yield CounterMetricFamily("feedsvc_event_streams_slow", told, traffic.slow_streams)
    told = "connections turned away, or cut for an answer that is not read"
    yield _counter("feedsvc_http_cut", told, "reason", traffic.cut)


def of_callers(
    refusals: Mapping[tuple[str, str], int], revoking: Revoked
) -> Iterator[Metric]:
    """Yield the errors that callers were told, and whose tokens are revoked."""
    errors = CounterMetricFamily(
        "feedsvc_errors", "errors told to callers", labels=["door", "code"]
    )
    for labels, count in refusals.items():
        errors.add_metric(labels, count)
    yield errors
    yield GaugeMetricFamily("feedsvc_revocations", "in force", len(revoking))
    yield GaugeMetricFamily(
        "feedsvc_revocations_age_seconds", "since they were read", revoking.age_s
    )


def of_releaser(releaser: Releaser) -> Iterator[Metric]:
    """Yield what is held, and what was released."""
    held = GaugeMetricFamily("feedsvc_held_items", "items held", labels=["reason"])
    for reason, count in releaser.held.items():
        held.add_metric([reason.value], count)
    yield held
    for name, value in asdict(releaser.counts).items():
        yield CounterMetricFamily(f"feedsvc_release_{name}", _HELP[name], value)


def of_webhooks(webhooks: Webhooks) -> Iterator[Metric]:
    """Yield what receivers of web hooks were sent."""
    counts = webhooks.counts
    for name, told in _OF_WEBHOOKS.items():
        found = {endpoint: getattr(one, name) for endpoint, one in counts.items()}
        yield _counter(f"feedsvc_webhook_{name}", told, "endpoint", found)
    leased = GaugeMetricFamily(
        "feedsvc_webhook_leased", "this process delivers", labels=["endpoint"]
    )
    for endpoint, one in counts.items():
        leased.add_metric([endpoint], int(one.leased))
    yield leased


def of_loop(late_s: Histogram) -> Iterator[Metric]:
    """Yield how late the event loop was."""
    told = "by which the event loop was late"
    yield _histogram("feedsvc_loop_late_seconds", told, {"": late_s})


def _counter(
    name: str, told: str, label: str, counts: Mapping[str, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=[label])
    for key, count in counts.items():
        family.add_metric([str(key)], count)
    return family


def _histogram(
    name: str, told: str, found: Mapping[str, Histogram], label: str = ""
) -> HistogramMetricFamily:
    """Return one histogram, or without a label the only one."""
    family = HistogramMetricFamily(name, told, labels=[label] if label else [])
    for key, one in found.items():
        family.add_metric([key] if label else [], one.buckets(), one.total)
    return family


_OF_WEBHOOKS = {
    "delivered": "messages that the receiver has taken",
    "failed": "attempts that failed",
    "given_up": "messages given up, which are dead letters now",
    "gaps": "times that changes could not be told",
}
_LABELLED = {
    "opened": ("transport", "sessions opened"),
    "closed": ("code", "sessions closed"),
    "refused": ("reason", "sessions and requests refused"),
}
_PLAIN = {
    "frames_sent": "frames handed to clients",
    "bytes_sent": "bytes handed to clients",
    "messages_sent": "messages handed to clients: deliveries and answers",
    "messages_received": "messages from clients",
    "heartbeats": "heartbeats sent",
    "slow": "sessions cut for being too slow",
    "dead": "sessions cut for not answering a ping",
    "delayed": "polls put off because they came in a storm",
    "errors": "callbacks that failed unexpectedly",
}
_HELP = {
    "items": "held items made visible by this process",
    "late_seconds": "seconds by which those were late, together",
    "changes": "committed changes taken in",
    "flushes": "ticks in which something was sent",
    "loads": "backlogs read from the database",
    "loads_failed": "backlog reads that failed or came too late",
    "resets": "times that continuity was lost",
    "subscriptions": "subscriptions that are served",
    "cohorts": "sets of sessions with the same subscriptions",
    "hot_backlogs": "backlogs kept in memory",
    "hot_items": "items in the backlogs kept in memory",
    "ring_changes": "changes that can be resumed from",
    "ring_bytes": "bytes of the changes that can be resumed from",
}
