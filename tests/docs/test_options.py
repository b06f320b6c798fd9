"""Every command has its options and arguments on one page."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedsvc import cli as service
from ingest import cli as ingest

PAGE = (Path(__file__).parents[2] / "docs" / "options.md").read_text("utf-8")
# What so many commands have that the page tells it at its beginning.
COMMON = ("--help", "--config", "--json", "--service", "--token", "--admin")


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield each command that can be called, those within commands too."""
    groups = [
        one for one in parser._actions if isinstance(one, argparse._SubParsersAction)
    ]
    if parser.get_default("command") is not None:
        yield parser
    for group in groups:
        for one in group.choices.values():
            yield from commands(one)


def rows(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return what the page has to say of the command, by what is typed."""
    return {
        typed(one): (one.help or "").replace("%(default)s", str(one.default))
        for one in parser._actions
        if not isinstance(one, argparse._SubParsersAction) and not is_common(one)
    }


def is_common(option: argparse.Action) -> bool:
    # Some commands have an option of such a name that takes nothing, and means more.
    takes_a_value = option.metavar is not None or option.nargs != 0
    return any(
        name in COMMON and (takes_a_value or name != "--admin")
        for name in option.option_strings
    )


def typed(option: argparse.Action) -> str:
    if not option.option_strings:
        return str(option.metavar or option.dest)
    name = option.option_strings[-1]
    if option.nargs == 0:
        return name
    if option.choices is not None:
        return f"{name} {','.join(map(str, option.choices))}"
    return f"{name} {option.metavar or option.dest.upper()}"


COMMANDS = [*commands(service.parser()), *commands(ingest.parser())]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.prog)
def test_every_option_stands_in_the_documentation(
    command: argparse.ArgumentParser,
) -> None:
    """With the text that the command itself has for it; and none that is gone."""
    found = re.search(rf"^## `{command.prog}`\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found

    documented = dict(re.findall(r"^\| `([^`]+)` \| ?(.*?) ?\|$", found[1], re.M))

    assert str(command.description) in found[1]
    assert documented == rows(command)


def test_no_command_is_documented_that_does_not_exist() -> None:
    """A command that was removed is removed here too."""
    assert set(re.findall(r"^## `(.+)`$", PAGE, re.M)) == {one.prog for one in COMMANDS}
