"""Deployments under test, and what can be done to each of them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from ops.delivery.programs import Service

Fault = Callable[[random.Random], Awaitable[None]]


class Setup:
    """One running deployment; ``faults`` break it and heal it again, by name."""

    # Polling keeps its session in one process: behind several it needs a balancer.
    has_polling = True
    worker_count = 1

    def __init__(self, service: Service) -> None:
        self.service = service

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


SETUPS = {"single": Single, "workers": Workers}


@asynccontextmanager
async def open_setup(name: str, data_dir: Path) -> AsyncIterator[Setup]:
    """Run the deployment of that name until the end of the block."""
    async with AsyncExitStack() as stack:
        yield await SETUPS[name].start(data_dir, stack)
