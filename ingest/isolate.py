"""Reading in worker processes with hard limits: a document can cost a worker only."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Callable, Sequence, Set
from types import TracebackType
from typing import Any, Self

from feedsvc.errors import SourceError
from ingest import discover, offers
from ingest.discover import Found
from ingest.exchange import Response
from ingest.offers import Reading, Template
from ingest.sources.base import Recheck, Source, State
from ingest.worker import HEADER, Outcome

WORKERS = 2
TIME_S = 10.0
MEMORY_MB = 200
# Until a new process has loaded what it reads with.
START_S = 60.0

# What an interpreter needs to run as its parent does; secrets have any name.
_ENVIRONMENT = frozenset(
    ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")
)

# A worker is replaced after so many documents, before what libraries keep adds up.
MAX_READS = 200


class ReaderBug(RuntimeError):
    """Reading raised what nobody expects; the text is the worker's traceback."""


class Readers:
    """Up to ``workers`` processes, started when needed and used again.

    An asynchronous context manager: no worker outlives it.
    """

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        time_s: float = TIME_S,
        memory_mb: int = MEMORY_MB,
    ) -> None:
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._time_s = time_s
        self._memory_mb = memory_mb

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._idle:
            await self._idle.pop().end()

    async def read(
        self,
        source: Source,
        response: Response,
        state: State,
        template: Template,
        *,
        backfill: bool,
    ) -> Reading:
        """Return what the response holds.

        Raise ``SourceError`` if it is unusable or takes more than the limits, and
        ``ReaderBug`` for a fault of ours.
        """
        reading: Reading = await self._call(
            offers.read, source, response, state, template, backfill
        )
        return reading

    async def gone(
        self, source: Source, asked: Recheck, response: Response
    ) -> Set[str]:
        """Return which items the source says are gone; raise as ``read`` does."""
        found: Set[str] = await self._call(offers.gone, source, asked, response)
        return found

    async def discover(self, response: Response) -> Sequence[Found]:
        """Return what the document offers; raise as ``read`` does."""
        found: Sequence[Found] = await self._call(discover.in_document, response)
        return found

    async def _call(self, function: Callable[..., Any], *arguments: object) -> Any:
        question = pickle.dumps((function, arguments))
        async with self._slots:
            worker = self._idle.pop() if self._idle else await self._start()
            try:
                outcome, answer = await self._ask(worker, question)
            except BaseException:
                await worker.end()
                raise
            if outcome is Outcome.TOO_MUCH_MEMORY or worker.reads >= MAX_READS:
                await worker.end()
            else:
                self._idle.append(worker)
        if outcome is Outcome.TOO_MUCH_MEMORY:
            raise SourceError(f"takes more than {self._memory_mb} MB to read")
        if outcome is Outcome.UNUSABLE:
            raise SourceError(answer)
        if outcome is Outcome.BUG:
            raise ReaderBug(answer)
        return answer

    async def _ask(self, worker: _Worker, question: bytes) -> tuple[Outcome, Any]:
        try:
            async with asyncio.timeout(self._time_s):
                return await worker.ask(question)
        except TimeoutError as error:
            raise SourceError(f"takes more than {self._time_s:g} s to read") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise SourceError("broke the process that read it") from error

    async def _start(self) -> _Worker:
        # Secrets of the configuration are no business of a process that parses.
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in _ENVIRONMENT or name.startswith(("LC_", "PYTHON", "COV"))
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            # Not -m: what is defined in __main__ has another name there than here.
            "from ingest.worker import main; main()",
            str(self._memory_mb),
            str(int(self._time_s) + 1),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            # Out of the terminal's reach: an interrupt is ours to act on.
            start_new_session=True,
        )
        worker = _Worker(process)
        try:
            async with asyncio.timeout(START_S):
                await worker.is_ready()
        except BaseException:
            await worker.end()
            raise
        return worker


class _Worker:
    """Our end of one worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.reads = 0

    async def is_ready(self) -> None:
        """Wait until the process can be asked; raise if it has ended before."""
        await self._answer()

    async def ask(self, question: bytes) -> tuple[Outcome, Any]:
        self.reads += 1
        stdin = self._process.stdin
        if stdin is None:
            raise ConnectionError("the worker has no pipes")
        stdin.write(HEADER.pack(len(question)) + question)
        await stdin.drain()
        answer: tuple[Outcome, Any] = await self._answer()
        return answer

    async def _answer(self) -> Any:
        stdout = self._process.stdout
        if stdout is None:
            raise ConnectionError("the worker has no pipes")
        (size,) = HEADER.unpack(await stdout.readexactly(HEADER.size))
        return pickle.loads(await stdout.readexactly(size))  # noqa: S301 - from our child

    async def end(self) -> None:
        """Kill the process, in whatever state it is, and wait for its end."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()
