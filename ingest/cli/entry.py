"""Where every command begins: its group, and how a failure is told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from feedsvc import __version__
from feedsvc.errors import ConfigError, FeedError
from ingest.cli import configuring, removing, running, trying
from ingest.cli.command import Command, Commands

# Help lists the commands in this order.
GROUPS = (running, trying, configuring, removing)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
    except (FeedError, OSError, ValueError) as error:
        print(f"feedsvc-ingest: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    all_ = argparse.ArgumentParser(
        prog="feedsvc-ingest", description="Fetch sources into MongoDB."
    )
    all_.add_argument("--version", action="version", version=__version__)
    commands = Commands(all_)
    for group in GROUPS:
        group.register(commands)
    return all_
