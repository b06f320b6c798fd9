"""The admin listener, on loopback: metrics, what operators do, and their page."""

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
from feedsvc.net.admin_watch import watch_routes
from feedsvc.net.editorial import operator_routes
from feedsvc.net.embed import HTML_TYPE, PageHandler
from feedsvc.net.handler import Handler, NotFoundHandler
from feedsvc.net.health import HealthHandler, ReadyHandler
from feedsvc.net.pages import FileHandler, web_directory
from feedsvc.net.service import Service
from feedsvc.pages import render_admin
from feedsvc.release import Releaser
from feedsvc.sampling import Sampler
from feedsvc.sockjs import SockJSRouter
from feedsvc.webhooks import Webhooks

# The page shows what sources write, and holds a token that may do everything.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

FILES = r"/admin/(admin\.js|admin\.css)"


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


class AdminHandler(PageHandler):
    """``/admin``: the operator's page, empty until a token is shown to it."""

    up = "admin/"

    async def get(self) -> None:
        document = render_admin(self.asset)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", POLICY)
        await self.send_whole(document, HTML_TYPE)


def admin_application(
    service: Service,
    live: SockJSRouter,
    releaser: Releaser,
    webhooks: Webhooks,
    sampler: Sampler,
) -> Application:
    """Return what the admin listener serves."""
    with_service: dict[str, Any] = {"service": service}
    metrics = _metrics(service, live, releaser, webhooks)
    rules: list[Any] = [
        (r"/metrics", MetricsHandler, {"metrics": metrics, **with_service}),
        (r"/healthz", HealthHandler, with_service),
        (r"/readyz", ReadyHandler, with_service),
        *operator_routes(with_service),
        *watch_routes(service, sampler),
        *_page_routes(service, live),
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


def _page_routes(service: Service, live: SockJSRouter) -> list[Any]:
    """Return the operator's page, if it has been built, and what it lives on.

    It reads live items here too, so that one port is all that has to be forwarded to
    a machine elsewhere.
    """
    web = web_directory()
    files = web and web / "admin"
    if files is None or not files.is_dir():
        return []
    return [
        *live.urls,
        (r"/admin", AdminHandler, {"service": service, "path": files}),
        (FILES, FileHandler, {"service": service, "path": str(files)}),
    ]
