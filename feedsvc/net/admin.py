"""The admin listener, on loopback: metrics, and what operators do."""

from __future__ import annotations

from typing import Any

from tornado.web import Application

from feedsvc.errors import Unavailable
from feedsvc.metrics import CONTENT_TYPE, Metrics
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
    metrics = Metrics(
        service.relay,
        live,
        service.streams,
        releaser,
        webhooks,
        service.refusals,
        service.revoking,
    )
    return Application(
        [
            (r"/metrics", MetricsHandler, {"metrics": metrics, **with_service}),
            (r"/healthz", HealthHandler, with_service),
            (r"/readyz", ReadyHandler, with_service),
            *operator_routes(with_service),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=with_service,
        log_function=lambda handler: None,
    )
