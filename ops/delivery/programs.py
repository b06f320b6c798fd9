"""The programs under test, started and killed as processes of their own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from feedsvc.store.home import Home
from ops.delivery.channels import RULES
from tests.net.clients import Http
from tornado.httpclient import HTTPError

SECRET = "known to the check and to its service"  # noqa: S105 guards nothing
START_S, STOP_S = 60.0, 15.0
# So little that a client that stops reading is found out within seconds.
QUEUED_BYTES = 131_072


class NotReady(Exception):
    """The service did not come back, though all that was broken is whole again."""


class Service:
    """``feedsvc serve`` in a directory of its own, on one port for its whole life."""

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str],
        *,
        uri: str | None = None,
        workers: int = 1,
    ) -> None:
        self.data_dir = data_dir / "data"
        self.data_dir.mkdir(exist_ok=True)
        self.home = Home(self.data_dir)
        # The workers' admin listeners are in a row.
        self.port = free_port(1 + workers)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir / "service.log"
        self._workers = workers
        self._process: Process | None = None
        rules = data_dir / "feedsvc.toml"
        rules.write_text(RULES)
        self._environ = {
            **os.environ,
            "FEEDSVC_CONFIG": str(rules),
            "FEEDSVC_PORT": str(self.port),
            "FEEDSVC_ADMIN_PORT": str(self.port + 1),
            "FEEDSVC_DATA_DIR": str(self.data_dir),
            "FEEDSVC_SECRET": SECRET,
            "FEEDSVC_MONGODB_URI": uri or "",
            "FEEDSVC_QUEUED_BYTES": str(QUEUED_BYTES),
            "FEEDSVC_DRAIN_SECONDS": "1",
            **environ,
        }

    @property
    def mongod_uri(self) -> str:
        """The private MongoDB, as long as it runs."""
        return f"mongodb://127.0.0.1:{self.home.port}/?directConnection=true"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "feedsvc", "serve"),
                *("--workers", str(self._workers)),
                env=self._environ,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def wait_ready(self) -> None:
        """Wait until it serves; raise ``NotReady`` if it never does."""
        http = Http(self.url)
        try:
            async with asyncio.timeout(START_S):
                while True:
                    with suppress(OSError, HTTPError):
                        if (await http.ask("GET", "/readyz")).status == 200:
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise NotReady(f"not ready within {START_S:.0f} s") from None
        finally:
            http.close()

    async def kill(self) -> None:
        """Kill it; what it started lives on."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def restart(self) -> None:
        """Start it again as a supervisor does: until it stays."""
        await self.start()
        await self.wait_ready()

    def kill_mongod(self) -> None:
        """Kill the private MongoDB, if it runs at the moment."""
        pid = self.home.running_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Return the processes of the workers."""
        assert self._process is not None
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [int(pid) for pid in children if int(pid) != self.home.running_pid()]

    async def stop(self) -> None:
        """Stop it, and its MongoDB if that was left over."""
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self.kill_mongod()
        while self.home.running_pid() is not None:  # noqa: ASYNC110 a file's lock
            await asyncio.sleep(0.05)


def free_port(count: int = 1) -> int:
    """Return the first of so many ports in a row that nobody uses at the moment.

    They lie below those that the kernel gives to outgoing connections: one of those
    must not take the port of a program that is just being restarted.
    """
    while True:
        first = random.randrange(20_000, 32_000)
        with suppress(OSError), ExitStack() as probes:
            for port in range(first, first + count):
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
