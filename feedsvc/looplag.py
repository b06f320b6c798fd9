"""How late the event loop is: the delay that everything in this process has."""

from __future__ import annotations

import asyncio

from feedsvc.histogram import Histogram

PERIOD_S = 0.25
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopLag:
    """Wakes up four times a second and notes how late; ``run`` is the task to keep."""

    def __init__(self) -> None:
        self.seconds = Histogram(BOUNDS_S)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PERIOD_S
            await asyncio.sleep(PERIOD_S)
            self.seconds.observe(max(loop.time() - due, 0.0))
