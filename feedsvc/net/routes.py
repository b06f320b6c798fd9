"""The URL table of the public listener."""

from __future__ import annotations

from typing import Any

from tornado.web import Application

from feedsvc.net.api import (
    ChannelItemHandler,
    ChannelsHandler,
    ItemHandler,
    ItemsHandler,
)
from feedsvc.net.builder import BuilderHandler
from feedsvc.net.embed import EmbedHandler
from feedsvc.net.events import EventsHandler
from feedsvc.net.feeds import FeedHandler
from feedsvc.net.handler import NotFoundHandler
from feedsvc.net.health import HealthHandler, ReadyHandler
from feedsvc.net.oembed import OEmbedHandler
from feedsvc.net.openapi_page import DocumentHandler, PageHandler
from feedsvc.net.pages import DemoHandler, FileHandler, web_directory
from feedsvc.net.revocations import RevocationsHandler
from feedsvc.net.service import Service
from feedsvc.sockjs import SockJSRouter

# The widget, the client, and what they load when it is needed.
SCRIPTS = r"/([a-z][a-z0-9.-]*\.(?:js|css))"


def public_application(service: Service, live: SockJSRouter) -> Application:
    """Return what the public listener serves."""
    with_service: dict[str, Any] = {"service": service}
    rules: list[Any] = [
        *live.urls,
        (r"/api/", PageHandler, with_service),
        (r"/api/openapi\.json", DocumentHandler, with_service),
        (r"/api/channels", ChannelsHandler, with_service),
        (r"/api/channels/([^/]+)/items", ItemsHandler, with_service),
        (r"/api/channels/([^/]+)/items/([^/]+)", ChannelItemHandler, with_service),
        (r"/api/channels/([^/]+)/events", EventsHandler, with_service),
        (r"/api/items/([^/]+)", ItemHandler, with_service),
        (r"/api/revocations", RevocationsHandler, with_service),
        (r"/feeds/([^/]+)", FeedHandler, with_service),
        (r"/healthz", HealthHandler, with_service),
        (r"/readyz", ReadyHandler, with_service),
    ]
    if (web := web_directory()) is not None:
        files = {**with_service, "path": str(web)}
        pages = {**with_service, "path": web}
        rules += [
            (r"/embed/([^/]+)", EmbedHandler, pages),
            (r"/oembed", OEmbedHandler, with_service),
            (r"/builder", BuilderHandler, pages),
            (SCRIPTS, FileHandler, files),
        ]
        if service.settings.server.demo:
            demo = {**with_service, "path": str(web / "demo")}
            rules += [(r"/()", DemoHandler, demo), (r"/demo/(.+)", DemoHandler, demo)]
    return Application(
        rules,
        default_handler_class=NotFoundHandler,
        default_handler_args=with_service,
        log_function=service.traffic.of(rules),
    )
