"""Figures for Prometheus, read from the parts when somebody asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from feedsvc.relay import Relay
from feedsvc.release import Releaser
from feedsvc.sockjs import SockJSRouter
from feedsvc.sources import figures
from feedsvc.store.sources import SourceState
from feedsvc.webhooks import Webhooks

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Revoked(Protocol):
    """The revocations in force, and how old the list of them is."""

    @property
    def age_s(self) -> float: ...

    def __len__(self) -> int: ...


class Metrics:
    """All figures of one process; nothing is counted twice for their sake."""

    def __init__(
        self,
        relay: Relay,
        live: SockJSRouter,
        streams: Collection[object],
        releaser: Releaser,
        webhooks: Webhooks,
        refusals: Mapping[tuple[str, str], int],
        revoking: Revoked,
    ) -> None:
        self._relay = relay
        self._live = live
        self._streams = streams
        self._releaser = releaser
        self._webhooks = webhooks
        self._refusals = refusals
        self._revoking = revoking
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self, sources: Sequence[SourceState]) -> bytes:
        """Return the figures of this moment in Prometheus' text format.

        Those of the sources are the deployment's, not this process's own.
        """
        shared = CollectorRegistry()
        shared.register(_Shared(sources))
        return generate_latest(self._registry) + generate_latest(shared)

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; Prometheus' library calls it."""
        yield from self._of_relay()
        yield from self._of_live()
        yield from self._of_held()
        yield from self._of_webhooks()
        yield from self._of_callers()

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: names need no check before there are figures."""
        yield from ()

    def _of_relay(self) -> Iterator[Metric]:
        for name, value in asdict(self._relay.counts).items():
            yield CounterMetricFamily(f"feedsvc_relay_{name}", _HELP[name], value)
        for name, value in self._relay.hub.counts().items():
            yield GaugeMetricFamily(f"feedsvc_hub_{name}", _HELP[name], value)
        streams = len(self._streams)
        yield GaugeMetricFamily("feedsvc_event_streams", "open event streams", streams)
        ready = int(self._relay.is_ready)
        yield GaugeMetricFamily("feedsvc_relay_ready", "follows the stream", ready)

    def _of_held(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("feedsvc_held_items", "items held", labels=["reason"])
        for reason, count in self._releaser.held.items():
            held.add_metric([reason.value], count)
        yield held
        for name, value in asdict(self._releaser.counts).items():
            yield CounterMetricFamily(f"feedsvc_release_{name}", _HELP[name], value)

    def _of_callers(self) -> Iterator[Metric]:
        errors = CounterMetricFamily(
            "feedsvc_errors", "errors told to callers", labels=["door", "code"]
        )
        for labels, count in self._refusals.items():
            errors.add_metric(labels, count)
        yield errors
        count, age_s = len(self._revoking), self._revoking.age_s
        yield GaugeMetricFamily("feedsvc_revocations", "in force", count)
        yield GaugeMetricFamily(
            "feedsvc_revocations_age_seconds", "since they were read", age_s
        )

    def _of_webhooks(self) -> Iterator[Metric]:
        counts = self._webhooks.counts
        for name, told in _OF_WEBHOOKS.items():
            family = CounterMetricFamily(
                f"feedsvc_webhook_{name}", told, labels=["endpoint"]
            )
            for endpoint, one in counts.items():
                family.add_metric([endpoint], getattr(one, name))
            yield family
        leased = GaugeMetricFamily(
            "feedsvc_webhook_leased", "this process delivers", labels=["endpoint"]
        )
        for endpoint, one in counts.items():
            leased.add_metric([endpoint], int(one.leased))
        yield leased

    def _of_live(self) -> Iterator[Metric]:
        stats = self._live.stats()
        sessions = GaugeMetricFamily(
            "feedsvc_live_sessions", "open sessions", labels=["transport"]
        )
        for transport, value in stats["sessions"].items():
            sessions.add_metric([transport], value)
        yield sessions
        for name, (label, told) in _LABELLED.items():
            family = CounterMetricFamily(f"feedsvc_live_{name}", told, labels=[label])
            for key, value in stats[name].items():
                family.add_metric([str(key)], value)
            yield family
        for name, told in _PLAIN.items():
            yield CounterMetricFamily(f"feedsvc_live_{name}", told, stats[name])


class _Shared(Collector):
    """What every process of the deployment tells alike."""

    def __init__(self, sources: Sequence[SourceState]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        return figures(self._sources, datetime.now(UTC))


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
    "cohorts": "sets of sessions with the same subscriptions",
    "hot_backlogs": "backlogs kept in memory",
    "hot_items": "items in the backlogs kept in memory",
    "ring_changes": "changes that can be resumed from",
    "ring_bytes": "bytes of the changes that can be resumed from",
}
