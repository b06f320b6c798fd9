"""Several processes on one port: ``feedsvc serve --workers N``.

The parent owns the private ``mongod``, if there is one, and serves nothing itself.
Workers share nothing but the port (``SO_REUSEPORT``) and MongoDB, so one that dies
harms only its own connections, which resume on another one.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress

from feedsvc.app import Running, free_port_error
from feedsvc.config import PREFIX, Settings
from feedsvc.errors import ConfigError
from feedsvc.net.tokens import from_settings
from feedsvc.store.embedded import EmbeddedMongod, embedded_mongod
from feedsvc.store.opened import prepare_data_dir

log = logging.getLogger("feedsvc.workers")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
# A worker that lived so long is not in a loop of crashes.
STEADY_S = 60.0
# Beyond the time for draining; then it is killed.
STOP_S = 4.0
READY = b"feedsvc is ready"
_PR_SET_PDEATHSIG = 1


async def serve(settings: Settings, announce: Callable[[Running], None]) -> None:
    """Keep ``settings.server.workers`` workers running until SIGTERM or SIGINT.

    ``announce`` is called once all are ready.  Raise ``ConfigError`` if a worker does
    not start at first; later ones are started again for as long as it takes.
    """
    server = settings.server
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        port = _reserve_port(stack, server.host, server.port)
        prepare_data_dir(server.data_dir)
        from_settings(settings.auth, server.data_dir)  # one secret, made before all
        uri, mongod = server.mongodb_uri, None
        if uri is None:
            mongod = await stack.enter_async_context(embedded_mongod(server.data_dir))
            uri = mongod.uri
        admin_port = server.admin_port
        if admin_port is None:
            admin_port = port + 1 if server.port else 0
        workers = [
            # Beside a free port, free ones too.
            Worker(number, _environment(port, admin_port and admin_port + number, uri))
            for number in range(server.workers)
        ]
        stack.push_async_callback(_stop, workers, server.drain_seconds + STOP_S)
        await asyncio.gather(*(worker.start() for worker in workers))
        for worker in workers:
            stack.callback(asyncio.create_task(worker.keep()).cancel)
        if mongod is not None:
            stack.callback(asyncio.create_task(_follow(mongod, workers)).cancel)
        if not stop.is_set():
            announce(Running(server.host, port, admin_port, uri))
        await stop.wait()
        log.info("stopping workers=%d", len(workers))


class Worker:
    """One serving process, started again whenever it ends."""

    def __init__(self, number: int, environ: Mapping[str, str]) -> None:
        self._number = number
        self._environ = environ
        self._process: Process | None = None

    async def stop(self, timeout_s: float) -> None:
        """Ask it to end, and kill it if it has not in time."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            log.warning("worker killed number=%d pid=%d", self._number, process.pid)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def move(self, uri: str) -> None:
        """Have it start anew, on the database at ``uri``."""
        self._environ = {**self._environ, f"{PREFIX}MONGODB_URI": uri}
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def start(self) -> None:
        """Start it and wait until it is ready; raise ``ConfigError`` if it ends."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "feedsvc", "serve"),
            env={**os.environ, **self._environ},
            stdout=PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # no threads, so it is safe
            start_new_session=True,  # Ctrl-C is ours to hand on
        )
        self._process = process
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        async for line in process.stdout:
            if line.startswith(READY):
                log.info("worker ready number=%d pid=%d", self._number, process.pid)
                return
        code = await process.wait()
        raise ConfigError([f"worker {self._number} does not start (code {code})"])

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled or stopped."""
        wait_s = FIRST_WAIT_S
        loop = asyncio.get_running_loop()
        while (process := self._process) is not None:
            began = loop.time()
            code = await process.wait()
            if self._process is None:
                return
            if loop.time() - began > STEADY_S:
                wait_s = FIRST_WAIT_S
            log.warning(
                "worker ended number=%d code=%d restart_in_s=%.1f",
                *(self._number, code, wait_s),
            )
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            with suppress(ConfigError):
                await self.start()


async def _follow(mongod: EmbeddedMongod, workers: Sequence[Worker]) -> None:
    """Lead the workers to where the private server is."""
    while True:
        await mongod.moved.wait()
        mongod.moved.clear()
        for worker in workers:
            worker.move(mongod.uri)


async def _stop(workers: Sequence[Worker], timeout_s: float) -> None:
    """Stop all side by side: each needs its time for draining."""
    await asyncio.gather(*(worker.stop(timeout_s) for worker in workers))


def _environment(port: int, admin_port: int, uri: str) -> dict[str, str]:
    """Return what makes a worker one of ours, over the parent's own settings."""
    return {
        f"{PREFIX}WORKERS": "1",
        f"{PREFIX}SHARE_PORT": "1",
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}ADMIN_PORT": str(admin_port),
        f"{PREFIX}MONGODB_URI": uri,
    }


def _reserve_port(stack: AsyncExitStack, host: str, port: int) -> int:
    """Return the port, held for workers to share; it takes no connections itself."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    holder = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        holder.bind((host, port))
    except OSError as error:
        raise free_port_error("port", host, port, error) from error
    found: int = holder.getsockname()[1]
    return found


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
