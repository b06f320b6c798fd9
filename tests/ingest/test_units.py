"""The files for systemd and cron: what they call exists and does its work."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from feedsvc.store import Database
from ingest import app
from ingest.cli import parser
from tests.ingest.commands import Command
from tests.ingest.test_cli import FEED, titles
from tests.ingest.upstream import answer

OPS = Path(__file__).parents[2] / "ops"
UNITS = sorted((OPS / "systemd").glob("feedsvc-ingest*.service"))


class Unit(RawConfigParser):
    """A unit file; keys that stand there several times keep their last value."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign] # keys have capitals
        self.read(path, "utf-8")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_calls_a_command_that_there_is(path: Path) -> None:
    """With options that it has."""
    program, *arguments = shlex.split(Unit(path)["Service"]["ExecStart"])

    assert Path(program).name == "feedsvc-ingest"
    assert parser().parse_args(arguments)


def test_the_daemon_has_the_time_to_drain() -> None:
    """Before it is killed."""
    [path] = [path for path in UNITS if path.stem == "feedsvc-ingest"]

    assert int(Unit(path)["Service"]["TimeoutStopSec"]) > app.DRAIN_S + 10


def test_the_timer_starts_the_unit_of_its_name() -> None:
    """Systemd takes the service that is called as the timer."""
    [timer] = (OPS / "systemd").glob("feedsvc-ingest*.timer")

    assert timer.with_suffix(".service") in UNITS


async def run_as_cron_does(command: Command) -> tuple[int, str]:
    """Run the line of the crontab by the shell; return its code and its mail."""
    text = (OPS / "cron" / "feedsvc-ingest").read_text("utf-8")
    [line] = re.findall(r"^\* \* \* \* \*  feedsvc  (.*)$", text, re.M)
    given = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    environment = {
        **given,
        "PATH": f"{Path(sys.executable).parent}:{given['PATH']}",
        "FEEDSVC_CONFIG": str(command.config),
        "FEEDSVC_MONGODB_URI": command.environment["FEEDSVC_MONGODB_URI"],
    }
    process = await asyncio.create_subprocess_exec(
        *(given["SHELL"], "-c", line),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.mark.mongo
async def test_the_crontab_runs_what_is_due_and_mails_failures_only(
    command: Command, database: Database
) -> None:
    """Its line is run as it stands there."""
    command.server.put("/feed", FEED)
    command.server.put("/staff", FEED)
    well = await run_as_cron_does(command)
    stored = await titles(database)
    text = command.config.read_text()
    command.config.write_text(text.replace("/staff", "/broken"))
    command.server.answers["/broken"] = answer(500)

    broken = await run_as_cron_does(command)

    assert well == (0, "")
    assert stored == ["One", "One"]
    assert broken[0] == 0
    assert "answered 500" in broken[1]
