"""The admin listener, on loopback: metrics, and what operators do."""

from __future__ import annotations

from functools import partial
from typing import Any

from tornado.web import Application

from feedsvc.errors import Unavailable
from feedsvc.metrics import (
    CONTENT_TYPE,
    Metrics,
    of_callers,
    of_live,
    of_loop,
    of_relay,
    of_releaser,
    of_traffic,
    of_webhooks,
)
from feedsvc.net.editorial import operator_routes
from feedsvc.net.handler import Handler, NotFoundHandler
from feedsvc.net.health import HealthHandler, ReadyHandler
from feedsvc.net.service import Service
from feedsvc.release import Releaser
from feedsvc.sockjs import SockJSRouter
from feedsvc.webhooks import Webhooks


class MetricsHandler(Handler):
    """``/metrics``: the figures in Prometheus' text format."""

    is_limited = False

    def initialize(self, service: Service, metrics: Metrics) -> None:  # type: ignore[override]  # with the figures
        super().initialize(service)
        self.metrics = metrics

    async def get(self) -> None:
        try:
            sources = await self.service.editorial.sources()
        except Unavailable:
            # The figures of the process are needed most when the database is away.
            sources = []
        self.set_header("Content-Type", CONTENT_TYPE)
        await self.finish(self.metrics.render(sources))


def admin_application(
    service: Service, live: SockJSRouter, releaser: Releaser, webhooks: Webhooks
) -> Application:
    """Return what the admin listener serves."""
    with_service: dict[str, Any] = {"service": service}
    metrics = _metrics(service, live, releaser, webhooks)
    rules: list[Any] = [
        (r"/metrics", MetricsHandler, {"metrics": metrics, **with_service}),
        (r"/healthz", HealthHandler, with_service),
        (r"/readyz", ReadyHandler, with_service),
        *operator_routes(with_service),
    ]
    return Application(
        rules,
        default_handler_class=NotFoundHandler,
        default_handler_args=with_service,
        log_function=service.traffic.of(rules),
    )


def _metrics(
    service: Service, live: SockJSRouter, releaser: Releaser, webhooks: Webhooks
) -> Metrics:
    return Metrics(
        [
            partial(of_relay, service.relay),
            partial(of_live, live),
            partial(of_traffic, service.traffic, service.streams),
            partial(of_callers, service.refusals, service.revoking),
            partial(of_releaser, releaser),
            partial(of_webhooks, webhooks),
            partial(of_loop, service.loop_lag.seconds),
        ]
    )
