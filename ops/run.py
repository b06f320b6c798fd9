"""What ``make run`` starts: the service, a demo station, and the ingest that reads it.

With a configuration of one's own (``FEEDSVC_CONFIG``) there is no demo station, and the
ingest reads the sources of that file.  With ``FEEDSVC_DEMO=0`` it is the service alone.
Each program's output is kept in ``<data_dir>/logs``; all but routine is shown as well.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import re
import signal
import socket
import sys
from asyncio import FIRST_COMPLETED
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NoReturn

from feedsvc.config import Settings, load
from feedsvc.errors import ConfigError
from feedsvc.net.tokens import from_settings

ROOT = Path(__file__).resolve().parent.parent
DEMO_CONFIG = ROOT / "examples" / "station" / "demo.toml"

SERVICE = ("feedsvc", "serve")
STATION = ("examples.station",)
INGEST = ("ingest", "run")
# What is on the air is published by the station itself, with a token.
ON_AIR = "radiomeridian.onair"
TOKEN_LIFETIME = timedelta(days=365)

# Together less than the ten seconds in which everything has to be stopped.
STOP_S = {"ingest": 1.5, "station": 0.5, "service": 7.5}
# What was started by a program that had to be killed may hold its output open.
OUTPUT_S = 0.3
LOG_BYTES = 5_000_000
# No program of ours writes a longer line.
LINE_BYTES = 1_000_000

_ROUTINE = re.compile(r"\S+ \S+ (DEBUG|INFO) ")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ProgramEnded(Exception):
    """A program ended by itself; the text is empty if it has said why."""


def main() -> int:
    """Run everything until SIGINT or SIGTERM and return the exit code."""
    os.chdir(ROOT)
    if "MAKELEVEL" in os.environ:
        end_with_parent()  # a make that is killed can't tell us
    # Who reads our output may leave, as in "make run | head"; then we end as well.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    environ = dict(os.environ)
    is_demo = not environ.get("FEEDSVC_CONFIG")
    try:
        if environ.get("FEEDSVC_DEMO") and not load(None, environ).server.demo:
            python = sys.executable
            os.execv(python, [python, "-m", *SERVICE])  # noqa: S606 - ours
        if is_demo:
            environ["FEEDSVC_CONFIG"] = str(DEMO_CONFIG)
        settings = load(None, environ)
        logs = make_logs(settings.server.data_dir)
    except ConfigError as error:
        for fault in error.faults:
            complain(fault)
        return 1
    return asyncio.run(supervise(run(settings, environ, logs, is_demo=is_demo)))


def end_with_parent() -> None:
    """Have the kernel send us SIGTERM when our parent ends, however it ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def make_logs(data_dir: Path) -> Path:
    """Make the folder of the logs; raise ``ConfigError`` if it can't be written."""
    logs = data_dir / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fault = f"data_dir: {data_dir} cannot be written: {error.strerror}"
        raise ConfigError([fault]) from error
    if not os.access(logs, os.W_OK | os.X_OK):
        raise ConfigError([f"data_dir: {logs} cannot be written"])
    return logs


def complain(fault: str) -> None:
    print(f"feedsvc: {fault}", file=sys.stderr, flush=True)


async def supervise(work: Coroutine[None, None, NoReturn]) -> int:
    """Do the work until it fails or a signal comes, and return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        print("\nStopping", flush=True)
        working.cancel()
    try:
        await working
    except asyncio.CancelledError:
        print("Stopped", flush=True)
    except ProgramEnded as error:
        if reason := str(error):
            complain(reason)
        return 1
    return 0


async def run(
    settings: Settings, environ: dict[str, str], logs: Path, *, is_demo: bool
) -> NoReturn:
    """Run the service and what feeds it; raise ``ProgramEnded`` when one ends."""
    async with AsyncExitStack() as stack:

        async def start(name: str, *arguments: str) -> Program:
            program = running(name, arguments, environ, logs)
            return await stack.enter_async_context(program)

        programs = [await start("service", *SERVICE)]
        url = (await programs[0].ready()).split()[-1]
        if is_demo:
            environ.setdefault("FEEDSVC_STATION_PORT", str(station_port(url)))
            token = ("--token-file", str(keep_token(settings)))
            programs.append(await start("station", *STATION, "--service", url, *token))
            await programs[-1].ready()
        if settings.sources:
            # Only now: who comes first owns the private mongod, and has to stop it.
            programs.append(await start("ingest", *INGEST))
            await programs[-1].ready()
        print(welcome(url, logs, is_demo=is_demo), flush=True)
        await first_end(programs)


def station_port(url: str) -> int:
    """Return a free port for the station: the same each time, as ids have it in them.

    The one after the service's is its admin listener's.
    """
    for port in (int(url.rpartition(":")[2]) + 2, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            return int(probe.getsockname()[1])
    raise ProgramEnded("there is no free port for the demo station")


def keep_token(settings: Settings) -> Path:
    """Write the token with which the station publishes, and return its file."""
    tokens = from_settings(settings.auth, settings.server.data_dir)
    now = datetime.now(UTC)
    token = tokens.issue("station", publish=[ON_AIR], lifetime=TOKEN_LIFETIME, now=now)
    path = settings.server.data_dir / "station.token"
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")
    return path


class Program:
    """A program of ours that runs; its output goes to its log, and to people."""

    def __init__(self, name: str, process: Process, log: logging.Logger) -> None:
        self._name = name
        self._process = process
        self._log = log
        loop = asyncio.get_running_loop()
        self._first_line: asyncio.Future[str] = loop.create_future()
        self._has_warned = False
        #: Done when the program has ended; the text is as of ``ProgramEnded``.
        self.end = asyncio.create_task(self._follow())

    async def ready(self) -> str:
        """Return the first line that the program prints, once it is ready.

        Raise ``ProgramEnded`` if it ends instead.
        """
        await asyncio.wait({self._first_line, self.end}, return_when=FIRST_COMPLETED)
        if self.end.done():
            raise ProgramEnded(self.end.result())
        return self._first_line.result()

    async def stop(self, timeout_s: float) -> None:
        """Ask the program to stop, and kill it if it does not in time."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        _, running_still = await asyncio.wait({self.end}, timeout=timeout_s)
        if running_still:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self.end

    async def _follow(self) -> str:
        """Copy the output until the program ends, and return what there is to say."""
        copies = [
            asyncio.create_task(self._copy(stream, show))
            for stream, show in (
                (self._process.stdout, self._heed),
                (self._process.stderr, self._warn),
            )
            if stream is not None
        ]
        code = await self._process.wait()
        _, unfinished = await asyncio.wait(copies, timeout=OUTPUT_S)
        for copy in unfinished:
            copy.cancel()
        has_said_why = self._has_warned and code == 1
        return "" if has_said_why else f"the {self._name} ended with code {code}"

    async def _copy(
        self, stream: asyncio.StreamReader, show: Callable[[str], None]
    ) -> None:
        while data := await stream.readline():
            line = data.decode(errors="replace").rstrip()
            self._log.info(line)
            show(line)

    def _heed(self, line: str) -> None:
        """Show a line that the program prints; the first one says that it is ready."""
        print(line, flush=True)
        if not self._first_line.done():
            self._first_line.set_result(line)

    def _warn(self, line: str) -> None:
        """Show a line of the program's log if it is not routine."""
        if not _ROUTINE.match(line):
            self._has_warned = True
            print(line, file=sys.stderr, flush=True)


@asynccontextmanager
async def running(
    name: str, arguments: Sequence[str], environ: Mapping[str, str], logs: Path
) -> AsyncIterator[Program]:
    """Run a module of ours as a program, and stop it in the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        # Ctrl-C at the terminal is for us; we stop the programs in their order.
        start_new_session=True,
        # And a kill -9 of us is not to leave them behind.
        preexec_fn=end_with_parent,
    )
    program = Program(name, process, open_log(logs / f"{name}.log"))
    try:
        yield program
    finally:
        await program.stop(STOP_S[name])


def open_log(path: Path) -> logging.Logger:
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    log = logging.Logger(path.stem)  # noqa: LOG001 - it is not one of this process
    log.addHandler(handler)
    return log


async def first_end(programs: Sequence[Program]) -> NoReturn:
    """Wait until one of the programs ends, and raise ``ProgramEnded``."""
    ends = {program.end for program in programs}
    done, _ = await asyncio.wait(ends, return_when=FIRST_COMPLETED)
    raise ProgramEnded(done.pop().result())


def welcome(url: str, logs: Path, *, is_demo: bool) -> str:
    """Return where to look and what to do next."""
    channel = "radiomeridian" if is_demo else "your.channel"
    return f"""
  Page      {url}/
  Widget    <script type="module" src="{url}/widget.js"></script>
            <feed-widget channel="{channel}"></feed-widget>
  API       {url}/api/channels
  Feeds     {url}/feeds/{channel}.atom  (also .rss, .json, .ics)
  Logs      {logs}
  Stop      Ctrl-C
"""


if __name__ == "__main__":
    sys.exit(main())
