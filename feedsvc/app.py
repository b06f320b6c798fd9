"""The composition root: builds the service, starts it in order, stops it in reverse."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from socket import socket
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from feedsvc.audience import Stream
from feedsvc.config import Settings
from feedsvc.editorial import Editorial
from feedsvc.errors import ConfigError, Unavailable
from feedsvc.net.admin import admin_application
from feedsvc.net.connection import LiveDoor
from feedsvc.net.revoking import Revoking
from feedsvc.net.routes import public_application
from feedsvc.net.server import PublicServer
from feedsvc.net.service import Service
from feedsvc.net.tokens import from_settings
from feedsvc.net.websub import Publisher
from feedsvc.relay import Relay
from feedsvc.release import Releaser
from feedsvc.retention import keep_counts
from feedsvc.sampling import Sampler
from feedsvc.sockjs import Settings as SockJSSettings
from feedsvc.sockjs import SockJSRouter, fanout
from feedsvc.store import Database, check, connect
from feedsvc.store.audit import AuditLog
from feedsvc.store.changes import ChangeStream
from feedsvc.store.embedded import embedded_mongod
from feedsvc.store.held import HeldStore
from feedsvc.store.items import ItemStore
from feedsvc.store.opened import prepare_data_dir
from feedsvc.store.revocations import RevocationStore
from feedsvc.store.samples import SampleStore
from feedsvc.store.sources import SourceStore
from feedsvc.webhooks import Webhooks

log = logging.getLogger("feedsvc.app")

# A browser opens many connections at once after a restart; the kernel holds them.
LISTEN_BACKLOG = 4_096
LAST_PORT = 65_535
CANCEL_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Running:
    """Where the running service is reached."""

    host: str
    port: int
    admin_port: int
    mongodb_uri: str
    #: Set when the database is elsewhere, and all has to start anew.
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


async def serve(settings: Settings, announce: Callable[[Running], None]) -> None:
    """Run the service until SIGTERM or SIGINT; ``announce`` where it is once it is.

    Raise ``ConfigError`` if it can't be started, with one clear sentence.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    while not stop.is_set():
        async with running(settings, stop) as where:
            if not stop.is_set():
                announce(where)
            await _first(stop.wait(), where.moved.wait())
            log.info("stopping" if stop.is_set() else "starting anew")
        settings = at_ports(settings, where)


@asynccontextmanager
async def running(settings: Settings, stop: asyncio.Event) -> AsyncIterator[Running]:
    """Start everything, and stop it in reverse order; ``stop`` cuts a start short."""
    server = settings.server
    async with AsyncExitStack() as stack:
        # The port first: whoever finds it in use has not started a database for it.
        public = _listen(stack, server.host, server.port, share_port=server.share_port)
        port: int = public[0].getsockname()[1]
        admin = _listen(stack, "127.0.0.1", _admin_port(settings, port), "admin_port")
        admin_port: int = admin[0].getsockname()[1]
        prepare_data_dir(server.data_dir)
        tokens = from_settings(settings.auth, server.data_dir)
        uri, moved = server.mongodb_uri, asyncio.Event()
        if uri is None:
            mongod = await stack.enter_async_context(embedded_mongod(server.data_dir))
            uri, moved = mongod.uri, mongod.moved
        where = Running(server.host, port, admin_port, uri, moved)
        settings = at_ports(settings, where)
        database = await stack.enter_async_context(_database(uri))
        rules = settings.channel_rules
        store = ItemStore(database, rules)
        changes = ChangeStream(database, past_s=settings.limits.ring_seconds)
        stack.push_async_callback(changes.close)
        held = HeldStore(database, rules)
        releaser = Releaser(held, secrets.token_hex(8))
        relay = Relay(store, changes, settings.limits, releaser.expect)
        webhooks = Webhooks(database, settings.webhooks, rules, secrets.token_hex(8))
        revoking = Revoking(RevocationStore(database), tokens)
        draining = asyncio.Event()
        desk = await _desk(database, store, held)
        service = Service(
            *(settings, rules, store, relay, tokens, revoking, draining.is_set, desk)
        )
        if (publisher := Publisher.configured(server, rules, database)) is not None:
            relay.observers.append(publisher.note)
            await _run_beside(stack, publisher.run())
        door = LiveDoor(service)
        live = SockJSRouter(door, "/live", _sockjs_settings(settings))
        samples = SampleStore(database)
        sampler = Sampler(samples, relay, live, service.streams, admin_port)
        await _run_beside(stack, relay.run(), door.run(), keep_counts(store, rules))
        await _run_beside(stack, revoking.run(), service.loop_lag.run())
        await _first(relay.wait_ready(), stop.wait())
        await _first(revoking.wait_ready(), stop.wait())
        await _run_beside(stack, releaser.run(), sampler.run(), *webhooks.work())
        stack.callback(live.close)
        site = public_application(service, live)
        listener = partial(PublicServer, cut=service.traffic.cut)
        _serve(stack, listener, site, public, settings)
        operator = admin_application(service, live, releaser, webhooks, sampler)
        operators = _serve(stack, HTTPServer, operator, admin, settings)
        stack.push_async_callback(
            _drain, draining, live, service.streams, server.drain_seconds
        )
        # Before the drain: workers whose parent was killed must not keep the ports from
        # those of the next one.
        stack.callback(operators.stop)
        log.info("serving port=%d fanout=%s", port, fanout.IMPLEMENTATION)
        yield where


def at_ports(settings: Settings, where: Running) -> Settings:
    """Return the settings with the ports that were taken, where any would have done."""
    server = replace(settings.server, port=where.port, admin_port=where.admin_port)
    return replace(settings, server=server)


def free_port_error(key: str, host: str, port: int, error: OSError) -> ConfigError:
    """Return the sentence that tells why the port can't be listened on."""
    if error.errno == errno.EADDRINUSE:
        variable = f"FEEDSVC_{key.upper()}"
        fault = f"{key}: {port} of {host} is in use; set {variable} to a free one"
    else:
        reason = error.strerror or error
        fault = f"host: cannot listen on {host} port {port}: {reason}"
    return ConfigError([fault])


def _listen(
    stack: AsyncExitStack,
    host: str,
    port: int,
    key: str = "port",
    *,
    share_port: bool = False,
) -> list[socket]:
    try:
        sockets = bind_sockets(
            port, host, backlog=LISTEN_BACKLOG, reuse_port=share_port
        )
    except OSError as error:
        raise free_port_error(key, host, port, error) from error
    for one in sockets:
        stack.callback(one.close)
    return sockets


def _admin_port(settings: Settings, port: int) -> int:
    if settings.server.admin_port is not None:
        return settings.server.admin_port
    return port + 1 if 0 < settings.server.port < LAST_PORT else 0


@asynccontextmanager
async def _database(uri: str) -> AsyncIterator[Database]:
    database = connect(uri)
    try:
        await check(database.client)
        yield database
    finally:
        await database.client.close()


async def _desk(database: Database, store: ItemStore, held: HeldStore) -> Editorial:
    audit = AuditLog(database)
    # Without its indexes the record works too; the next start makes them.
    with suppress(Unavailable):
        await audit.prepare()
    return Editorial(store, held, SourceStore(database), audit)


async def _run_beside(stack: AsyncExitStack, *work: Coroutine[Any, Any, None]) -> None:
    """Run the coroutines until the end; one that fails takes the service down."""
    tasks = await stack.enter_async_context(asyncio.TaskGroup())
    for coroutine in work:
        stack.push_async_callback(_cancel, tasks.create_task(coroutine))


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel the task until it has ended.

    Once may not do: Python 3.11's ``wait_for``, which PyMongo sends with, swallows a
    cancellation that comes in the moment in which its result does.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)


async def _first(*work: Coroutine[Any, Any, Any]) -> None:
    """Wait until the first of the coroutines is done."""
    tasks = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _serve(
    stack: AsyncExitStack,
    kind: Callable[..., HTTPServer],
    application: Application,
    sockets: list[socket],
    settings: Settings,
) -> HTTPServer:
    server = kind(
        application,
        # Somewhat above what the API itself refuses with a clear answer.
        max_body_size=settings.limits.publish_bytes * 2,
        body_timeout=30.0,
        idle_connection_timeout=75.0,
    )
    server.add_sockets(sockets)
    stack.push_async_callback(server.close_all_connections)
    stack.callback(server.stop)
    return server


async def _drain(
    draining: asyncio.Event, live: SockJSRouter, streams: set[Stream], seconds: int
) -> None:
    """Close what is open spread over the time; at once if nothing is."""
    draining.set()
    if streams or any(live.stats()["sessions"].values()):
        await asyncio.gather(live.drain(seconds), _end_streams(list(streams), seconds))


async def _end_streams(streams: list[Stream], seconds: int) -> None:
    began = monotonic()
    for number, stream in enumerate(streams, 1):
        stream.end()
        await asyncio.sleep(began + number * seconds / len(streams) - monotonic())


def _sockjs_settings(settings: Settings) -> SockJSSettings:
    limits = settings.limits
    # Well above what a session refuses with an error and goes on: who sends that much
    # is cut.
    return SockJSSettings(
        origins=settings.server.admitted_origins,
        proxy_header="X-Forwarded-For" if settings.server.proxies else "",
        trusted_proxies=settings.server.proxies,
        max_sessions=limits.sessions,
        max_sessions_per_address=limits.sessions_per_address,
        max_message_bytes=limits.message_bytes * 2,
        max_request_bytes=limits.message_bytes * 4,
        max_messages_per_s=limits.messages_per_second * 10,
        max_queued_bytes=limits.queued_bytes,
        max_queued_messages=limits.queued_messages,
    )
