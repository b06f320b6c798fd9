"""A private ``mongod``: a replica set of one node, found or started, and stopped.

One process owns it: starts it, starts it again if it dies, stops it at its own end.
After a ``kill -9`` of the owner the next one takes the running server over.
A second process on the same directory is a guest: it uses the server, nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from feedsvc.errors import ConfigError
from feedsvc.store.binary import find_mongod
from feedsvc.store.home import LOOPBACK, Home
from feedsvc.store.replica import REPLICA_SET, await_primary

log = logging.getLogger("feedsvc.store.embedded")

# Small, for a machine that has other things to do.
CACHE_GB = 0.25
OPLOG_MB = 512

# After a crash the server first replays its journal.
START_S = 120
# Longer than one that runs needs for an answer; one that hangs is replaced then.
ANSWER_S = 30
STOP_S = 8
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 30.0
# So often a guest looks where the server is.
FOLLOW_S = 1.0
# A server that lived so long is not in a loop of crashes.
STEADY_S = 60
_POLL_S = 0.02
_PORT_TAKEN = 48


class EmbeddedMongod:
    """The private server; ``uri`` stays valid when it is started again.

    Unless somebody took its port meanwhile: then ``moved`` is set, and whoever is
    connected has to connect anew.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: asyncio.subprocess.Process | None = None
        self.pid = 0
        self.port = 0
        self.restarts = 0
        self.moved = asyncio.Event()

    @property
    def uri(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    async def start(self) -> None:
        """Take over the server that runs already, or start one."""
        pid = self._home.running_pid()
        if pid is not None:
            if await self._take_over(pid, ANSWER_S):
                return
            await self._end()
        await self._launch()

    async def join(self) -> None:
        """Use the server of another process as soon as that has it ready."""
        deadline = time.monotonic() + ANSWER_S
        while (left_s := deadline - time.monotonic()) > 0:
            pid = self._home.running_pid()
            if pid is not None and await self._take_over(pid, left_s):
                return
            await asyncio.sleep(_POLL_S)
        raise ConfigError(
            [
                f"data_dir: another process owns {self._home.root},"
                " but its mongod does not answer"
            ]
        )

    async def watch(self) -> None:
        """Start the server again whenever it ends; runs until cancelled."""
        wait_s, port = FIRST_WAIT_S, self.port
        while True:
            began = time.monotonic()
            await self._ended()
            if time.monotonic() - began > STEADY_S:
                wait_s = FIRST_WAIT_S
            log.warning("mongod ended pid=%d restart_in_s=%.1f", self.pid, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            self.restarts += 1
            try:
                await self.start()
            except (ConfigError, OSError) as error:
                # A full disk, say, on which our own files find no place either.
                log.error("mongod does not start cause=%s", error)  # noqa: TRY400 expected
                continue
            if self.port != port:
                log.warning("mongod moved from=%d to=%d", port, self.port)
                port = self.port
                self.moved.set()

    async def follow(self) -> None:
        """Note when its owner has started the server at another port, for ever."""
        while self._home.port in (None, self.port):  # noqa: ASYNC110 a file's content
            await asyncio.sleep(FOLLOW_S)
        self.moved.set()

    async def stop(self) -> None:
        await self._end()
        log.info("mongod stopped pid=%d", self.pid)

    async def _take_over(self, pid: int, timeout_s: float) -> bool:
        port = self._home.port
        self._process, self.pid, self.port = None, pid, port or 0
        ready = port is not None and await self._is_ready(timeout_s)
        if ready:
            log.info("mongod found pid=%d port=%d", pid, port)
        return ready

    async def _launch(self) -> None:
        began = time.monotonic()
        for _ in range(3):
            await self._spawn()
            if await self._is_ready(START_S):
                log.info(
                    "mongod started pid=%d port=%d seconds=%.1f",
                    self.pid,
                    self.port,
                    time.monotonic() - began,
                )
                return
            code = self._process.returncode if self._process else None
            await self._end()
            if code != _PORT_TAKEN:
                break
        raise ConfigError([f"mongod does not start: {self._home.last_words()}"])

    async def _spawn(self) -> None:
        self._home.rotate_log()
        self.port = self._home.choose_port()
        self._process = await asyncio.create_subprocess_exec(
            await find_mongod(),
            *("--dbpath", self._home.db),
            *("--port", str(self.port)),
            *("--bind_ip", LOOPBACK),
            "--nounixsocket",
            *("--replSet", REPLICA_SET),
            *("--oplogSize", str(OPLOG_MB)),
            *("--wiredTigerCacheSizeGB", str(CACHE_GB)),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--logpath", self._home.log),
            "--logappend",
            "--quiet",
            stdin=asyncio.subprocess.DEVNULL,
            # A child that held our output would keep its readers waiting for ever.
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C at the terminal is for us; we stop the server when we are done.
            start_new_session=True,
        )
        self.pid = self._process.pid

    async def _is_ready(self, timeout_s: float) -> bool:
        """Wait until the server takes writes; False if it ends or is another one."""
        ended = asyncio.create_task(self._ended())
        ready = asyncio.create_task(await_primary(self.port, self._home.db))
        try:
            await asyncio.wait(
                {ended, ready},
                timeout=timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            return ready.done() and ready.result()
        finally:
            ended.cancel()
            ready.cancel()
            await asyncio.gather(ended, ready, return_exceptions=True)

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()
        else:  # not our child: watch the lock that it holds
            while self._home.running_pid() == self.pid:  # noqa: ASYNC110 a file's lock
                await asyncio.sleep(0.2)

    async def _end(self) -> None:
        """Ask the server to stop, and kill it if it does not, or we can't wait."""
        try:
            self._signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_S):
                await self._ended()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._ended()
        except asyncio.CancelledError:
            self._signal(signal.SIGKILL)
            raise

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
        elif self._home.running_pid() == self.pid:
            os.kill(self.pid, number)


@asynccontextmanager
async def embedded_mongod(data_dir: Path) -> AsyncIterator[EmbeddedMongod]:
    """Run the private server of ``data_dir``, or be a guest of who runs it.

    Raise ``ConfigError``, one sentence, if that is not possible.
    """
    home = Home(data_dir)
    mongod = EmbeddedMongod(home)
    claim = home.claim()
    if claim is None:
        await mongod.join()
        following = asyncio.create_task(mongod.follow(), name="mongod follow")
        try:
            yield mongod
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return
    try:
        async with _running(mongod):
            yield mongod
    finally:
        os.close(claim)


@asynccontextmanager
async def _running(mongod: EmbeddedMongod) -> AsyncIterator[None]:
    watch: asyncio.Task[None] | None = None
    try:
        await mongod.start()
        watch = asyncio.create_task(mongod.watch(), name="mongod watch")
        yield
    finally:
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        await mongod.stop()
