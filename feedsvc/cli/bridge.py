"""``feedsvc bridge redis``: what a site sends through Redis already, published."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from feedsvc.cli.command import Commands
from feedsvc.cli.remote import feed_of
from feedsvc.client import Feed
from feedsvc.config import Settings
from feedsvc.core.channel import STAR
from feedsvc.errors import ConfigError

if TYPE_CHECKING:
    from feedsvc.bridge import Counts

_HELP = {
    "received": "messages that came from Redis",
    "published": "items that the service has taken",
    "refused": "messages and items that are no good",
    "dropped": "items lost because too many waited for the service",
    "reconnects": "times that Redis was lost",
}


def register(commands: Commands) -> None:
    """Add ``bridge redis``."""
    group = commands.group("bridge", "Publish what another system sends.")
    told = "Publish what is sent to channels, or added to a stream, of Redis."
    one = group.add("redis", _redis, told, remote=True, json=False)
    one.add_argument(
        "--redis",
        default=os.environ.get("FEEDSVC_REDIS", "redis://127.0.0.1:6379/0"),
        metavar="URL",
        help="address of Redis (FEEDSVC_REDIS)",
    )
    one.add_argument(
        "--pattern",
        action="append",
        default=[],
        help="channels of Redis such as 'feed:*'; repeatable",
    )
    one.add_argument("--stream", metavar="KEY", help="stream of Redis, instead")
    one.add_argument("--group", default="feedsvc", help="consumer group of the stream")
    one.add_argument("--consumer", default="bridge", help="our name in the group")
    one.add_argument("--under", default="", help="channel to publish below")
    one.add_argument(
        "--metrics-port", type=int, default=0, help="port on loopback for Prometheus"
    )


def _redis(options: argparse.Namespace, settings: Settings) -> int:
    try:
        from feedsvc.bridge import bridge_to
    except ImportError as error:
        missing = "bridge: needs Redis' client: pip install 'feedsvc[redis]'"
        raise ConfigError([missing]) from error
    if bool(options.pattern) == bool(options.stream):
        raise ConfigError(["bridge: must have either --pattern or --stream"])

    def feed() -> Feed:
        return feed_of(options, settings, publish=[STAR])

    async def work() -> None:
        async with bridge_to(options.redis, feed, options.under) as bridge:
            if options.metrics_port:
                _serve_metrics(options.metrics_port, bridge.counts)
            if options.stream:
                await bridge.read(options.stream, options.group, options.consumer)
            else:
                await bridge.follow(options.pattern)

    asyncio.run(work())
    return 0


def _serve_metrics(port: int, counts: Counts) -> None:
    registry = CollectorRegistry()
    registry.register(_Figures(counts))
    try:
        start_http_server(port, "127.0.0.1", registry)
    except OSError as error:
        raise ConfigError([f"metrics_port: {port}: {error.strerror}"]) from error


class _Figures(Collector):
    """The counts of the bridge for Prometheus."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        for name, value in asdict(self._counts).items():
            yield CounterMetricFamily(f"feedsvc_bridge_{name}", _HELP[name], value)
