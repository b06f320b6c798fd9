"""Where every command begins: its group, its settings, and how a failure is told."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from feedsvc import __version__, logs
from feedsvc.cli import (
    backup,
    bridge,
    doctor,
    editorial,
    publishing,
    reading,
    retention,
    serve,
    sources,
    tokens,
    webhooks,
)
from feedsvc.cli.command import Command, Commands
from feedsvc.config import Settings, from_environment
from feedsvc.errors import ConfigError, FeedError

# Help lists the commands in this order.
GROUPS = (
    serve,
    publishing,
    reading,
    editorial,
    sources,
    tokens,
    webhooks,
    bridge,
    doctor,
    retention,
    backup,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except (FeedError, ValueError) as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough, as in "feedsvc tail … | head"; what is left for it
        # goes nowhere, else the interpreter would complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if isinstance(settings, int):
        return settings
    logs.set_up(settings.server.log_level, settings.server.log_format)
    command: Command = options.command
    code = command(options, settings)
    sys.stdout.flush()  # here, where a reader that has gone is expected
    return code


def _settings(options: argparse.Namespace) -> Settings | int:
    """Return the settings, or the exit code of a command that tells what is wrong."""
    try:
        return from_environment(options.config)
    except ConfigError as error:
        tell = getattr(options, "on_bad_settings", None)
        if tell is None:
            raise
        code: int = tell(options, error)
        return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    all_ = argparse.ArgumentParser(
        prog="feedsvc", description="A live feed over MongoDB and SockJS."
    )
    all_.add_argument("--version", action="version", version=__version__)
    commands = Commands(all_)
    for group in GROUPS:
        group.register(commands)
    return all_


def _complain(error: Exception) -> None:
    faults = error.faults if isinstance(error, ConfigError) else [str(error)]
    for fault in faults:
        print(f"feedsvc: {fault}", file=sys.stderr)
