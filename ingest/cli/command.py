"""What the commands share: their options, the configuration, ways to tell."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from feedsvc import logs
from feedsvc.config import Settings, from_environment
from feedsvc.errors import ConfigError
from ingest.config import Job, jobs

Command = Callable[[argparse.Namespace], int]


class Commands:
    """The commands of a parser; each group's module adds its own."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(
            title="commands", required=True, metavar="COMMAND"
        )

    def add(
        self, name: str, command: Command, told: str, *, json: bool = True
    ) -> argparse.ArgumentParser:
        """Add a command and return its parser, for options of its own.

        ``json`` is for those that print data.
        """
        one = self._commands.add_parser(name, help=told, description=told)
        one.set_defaults(command=command)
        one.add_argument("--config", metavar="FILE", help="TOML file (FEEDSVC_CONFIG)")
        if json:
            one.add_argument("--json", action="store_true", help="print JSON lines")
        return one


class Progress:
    """One line on a terminal that changes; elsewhere nothing."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()

    def tell(self, text: str) -> None:
        if self._is_shown:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def end(self) -> None:
        self.tell("")


def configured(
    options: argparse.Namespace, *, log: bool = False
) -> tuple[Settings, list[Job]]:
    """Return the settings and the jobs of all enabled sources.

    Only commands that go on for long ``log`` all; what the others print tells the
    same.
    """
    settings = from_environment(options.config)
    server = settings.server
    logs.set_up(server.log_level if log else "WARNING", server.log_format)
    return settings, jobs(settings, os.environ)


def named(found: Sequence[Job], name: str) -> Job:
    """Return the job of the source; raise ``ConfigError`` if there is none."""
    for job in found:
        if job.source.name == name:
            return job
    known = ", ".join(job.source.name for job in found) or "none at all"
    raise ConfigError([f"source {name}: is not one of {known}"])
