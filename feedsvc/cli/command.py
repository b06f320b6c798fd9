"""How commands are declared: what they are called, and the options they share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from feedsvc.config import Settings, duration_s

Command = Callable[[argparse.Namespace, Settings], int]


class Commands:
    """The commands of a parser; each group's module adds its own."""

    def __init__(
        self, parser: argparse.ArgumentParser, *, required: bool = True
    ) -> None:
        """Take the parser; unless ``required`` it is a command by itself too."""
        self._commands = parser.add_subparsers(
            title="commands", required=required, metavar="COMMAND"
        )

    def add(
        self,
        name: str,
        command: Command,
        told: str,
        *,
        remote: bool = False,
        json: bool = True,
    ) -> argparse.ArgumentParser:
        """Add a command and return its parser, for options of its own.

        ``remote`` is for commands that speak to a service, ``json`` for those that
        print data.
        """
        one = self._commands.add_parser(name, help=told, description=told)
        one.set_defaults(command=command)
        one.add_argument("--config", metavar="FILE", help="TOML file (FEEDSVC_CONFIG)")
        if json:
            one.add_argument("--json", action="store_true", help="print JSON lines")
        if remote:
            _add_remote(one)
        return one

    def group(self, name: str, told: str) -> Commands:
        """Add a command that has commands of its own, and return those."""
        return Commands(self._commands.add_parser(name, help=told, description=told))


def lifetime(text: str) -> int:
    """Return the seconds of an option such as ``12h``."""
    try:
        return duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(text: str) -> int:
    """Return the number of an option, of which there has to be at least one."""
    if not text.isascii() or not text.isdecimal() or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(text[:9])


def _add_remote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service",
        dest="url_of_service",
        default=os.environ.get("FEEDSVC_URL"),
        metavar="URL",
        help="address of the service (FEEDSVC_URL)",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("FEEDSVC_TOKEN"),
        help="token to use (FEEDSVC_TOKEN); else one is signed with the secret",
    )
