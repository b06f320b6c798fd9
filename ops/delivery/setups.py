"""Deployments under test, and what can be done to each of them."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ops.delivery.programs import Service
from ops.delivery.replicas import ReplicaSet
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

# Enough for a new database, its journal and a minute of items.
DISK_MB = 600
# Within so many seconds every process has looked at the clock again.
CLOCK_S = 2

Fault = Callable[[random.Random], Awaitable[None]]


class Setup:
    """One running deployment; ``faults`` break it and heal it again, by name."""

    # Polling keeps its session in one process: behind several it needs a balancer.
    has_polling = True
    worker_count = 1

    def __init__(self, service: Service) -> None:
        self.service = service

    @classmethod
    def lacks(cls) -> str | None:
        """Return what this machine lacks to run it."""
        return None

    @classmethod
    async def start(cls, data_dir: Path, stack: AsyncExitStack) -> Setup:
        """Start it and have the stack stop it; most have a private MongoDB."""
        service = Service(data_dir, {}, workers=cls.worker_count)
        stack.push_async_callback(service.stop)
        await service.restart()
        return cls(service)

    @property
    def faults(self) -> Mapping[str, Fault]:
        return {
            "service killed": self._kill_service,
            "mongod killed": self._kill_mongod,
            "service and mongod killed": self._kill_both,
        }

    @property
    def mongodb_uri(self) -> str:
        """Where the truth is read at the end."""
        return self.service.mongod_uri

    async def heal(self) -> None:
        """Wait until all is well again."""
        await self.service.wait_ready()

    async def _kill_service(self, rng: random.Random) -> None:
        await self.service.kill()
        await asyncio.sleep(rng.uniform(0, 1))
        await self.service.restart()

    async def _kill_mongod(self, rng: random.Random) -> None:
        """The service starts it again by itself."""
        self.service.kill_mongod()
        await asyncio.sleep(rng.uniform(1, 2))
        await self.service.wait_ready()

    async def _kill_both(self, rng: random.Random) -> None:
        """As when the power goes."""
        await self.service.kill()
        self.service.kill_mongod()
        await asyncio.sleep(rng.uniform(0, 1))
        await self.service.restart()


class Single(Setup):
    """One process with its private MongoDB: what ``make run`` starts."""


class Workers(Setup):
    """Two workers on one port, and the private MongoDB of their parent."""

    has_polling = False
    worker_count = 2

    @property
    def faults(self) -> Mapping[str, Fault]:
        return {
            "worker killed": self._kill_worker,
            "parent of workers killed": self._kill_service,
            "mongod killed": self._kill_mongod,
        }

    async def _kill_worker(self, rng: random.Random) -> None:
        """Its parent starts another one."""
        workers = self.service.workers()
        if workers:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)
        await asyncio.sleep(rng.uniform(1, 3))


class Replicated(Setup):
    """One process on a replica set of three; every way there is a proxy's."""

    def __init__(self, service: Service, replicas: ReplicaSet) -> None:
        super().__init__(service)
        self._replicas = replicas

    @classmethod
    async def start(cls, data_dir: Path, stack: AsyncExitStack) -> Setup:
        """Start the replica set first."""
        replicas = ReplicaSet(data_dir)
        stack.push_async_callback(replicas.stop)
        await replicas.start()
        service = Service(data_dir, {}, uri=replicas.uri)
        stack.push_async_callback(service.stop)
        await service.restart()
        return cls(service, replicas)

    @property
    def mongodb_uri(self) -> str:
        """The whole set: its primary has the truth."""
        return self._replicas.uri

    @property
    def faults(self) -> Mapping[str, Fault]:
        return {
            "service killed": self._kill_service,
            "primary killed": self._kill_primary,
            "primary stepped down": self._step_down,
            "primary cut off": self._cut_primary,
            "primary stalled": self._stall_primary,
            "database cut off": self._cut_all,
        }

    async def heal(self) -> None:
        """Wait for a primary too."""
        await self._replicas.primary()
        await super().heal()

    async def _kill_primary(self, rng: random.Random) -> None:
        primary = await self._replicas.primary()
        await primary.kill()
        await asyncio.sleep(rng.uniform(2, 5))
        await primary.start()

    async def _step_down(self, rng: random.Random) -> None:
        """As before an upgrade: all at once, with writes under way."""
        primary = await self._replicas.primary()
        with suppress(PyMongoError):
            await primary.command("replSetStepDown", 5, force=True)
        await asyncio.sleep(rng.uniform(1, 3))

    async def _cut_primary(self, rng: random.Random) -> None:
        """Nobody reaches it, while it still reaches the others."""
        proxy = (await self._replicas.primary()).proxy
        await proxy.cut()
        await asyncio.sleep(rng.uniform(2, 6))
        await proxy.heal()

    async def _stall_primary(self, rng: random.Random) -> None:
        """What is sent to it stays on the way, and comes late."""
        proxy = (await self._replicas.primary()).proxy
        proxy.stall()
        await asyncio.sleep(rng.uniform(2, 6))
        await proxy.heal()

    async def _cut_all(self, rng: random.Random) -> None:
        """The service alone on one side, and on the other no two members together."""
        proxies = [node.proxy for node in self._replicas.nodes]
        for proxy in proxies:
            await proxy.cut()
        await asyncio.sleep(rng.uniform(1, 5))
        for proxy in proxies:
            await proxy.heal()


class Crowded(Single):
    """One process whose private MongoDB runs out of disk: a small one, in memory."""

    @classmethod
    def lacks(cls) -> str | None:
        return None if os.geteuid() == 0 else "the right to mount a disk: be root"

    @classmethod
    async def start(cls, data_dir: Path, stack: AsyncExitStack) -> Setup:
        """Mount the disk first."""
        disk = data_dir / "data"
        disk.mkdir()
        mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "feedsvc", disk)
        subprocess.run(mount, check=True)  # noqa: ASYNC221 nothing runs yet
        stack.callback(subprocess.run, ("umount", disk), check=True)
        return await super().start(data_dir, stack)

    @property
    def faults(self) -> Mapping[str, Fault]:
        return {"disk full": self._fill_disk}

    async def _fill_disk(self, rng: random.Random) -> None:
        """Until MongoDB has met it: by the journal, or a checkpoint asked for."""
        pid = self.service.home.running_pid()
        ballasts: list[Path] = []
        end = time.monotonic() + rng.uniform(4, 8)
        try:
            while time.monotonic() < end:
                if self.service.home.running_pid() == pid:
                    ballasts.append(self.service.data_dir / f"ballast{len(ballasts)}")
                    _fill(ballasts[-1])
                    await self._ask_for_checkpoint()
                await asyncio.sleep(0.5)
        finally:
            for ballast in ballasts:
                ballast.unlink()
        await self.service.wait_ready()

    async def _ask_for_checkpoint(self) -> None:
        with suppress(PyMongoError):
            async with AsyncMongoClient[dict[str, Any]](
                self.mongodb_uri, timeoutMS=2_000
            ) as client:
                await client.admin.command("fsync")


def _fill(ballast: Path) -> None:
    """Take all that is left on the disk."""
    with ballast.open("wb") as file:
        free = shutil.disk_usage(ballast.parent).free
        if free:
            os.posix_fallocate(file.fileno(), 0, free)


class Shifted(Single):
    """One process and its private MongoDB on a clock that jumps."""

    @classmethod
    def lacks(cls) -> str | None:
        return None if _libfaketime() else "libfaketime: apt-get install libfaketime"

    @classmethod
    async def start(cls, data_dir: Path, stack: AsyncExitStack) -> Setup:
        """Start both with a clock that is read from a file."""
        (data_dir / "clock").write_text("+0\n")
        environ = {
            "LD_PRELOAD": str(_libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(data_dir / "clock"),
            "FAKETIME_CACHE_DURATION": str(CLOCK_S // 2),
            # No machine's clock of uptime jumps.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        service = Service(data_dir, environ)
        stack.push_async_callback(service.stop)
        await service.restart()
        return cls(service)

    @property
    def faults(self) -> Mapping[str, Fault]:
        return {**super().faults, "clock jumps": self._jump}

    async def _jump(self, rng: random.Random) -> None:
        """To some hour between yesterday and tomorrow, forth or back."""
        offset_s = rng.choice([-86_000, -3_600, -30, 0, 30, 3_600, 86_000])
        draft = self.service.data_dir.parent / "clock.new"
        draft.write_text(f"{offset_s:+d}\n")
        draft.replace(draft.with_suffix(""))
        await asyncio.sleep(rng.uniform(CLOCK_S, 2 * CLOCK_S))


def _libfaketime() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


SETUPS: dict[str, type[Setup]] = {
    "single": Single,
    "workers": Workers,
    "replicated": Replicated,
    "crowded": Crowded,
    "shifted": Shifted,
}


@asynccontextmanager
async def open_setup(name: str, data_dir: Path) -> AsyncIterator[Setup]:
    """Run the deployment of that name until the end of the block."""
    async with AsyncExitStack() as stack:
        yield await SETUPS[name].start(data_dir, stack)
