"""Every command and every metric is written down where people look for it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from feedsvc import cli as service
from ingest import cli as ingest
from tests.net.station import make_settings, own_database, serving

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield each command as it is typed, those within commands too."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield one.prog
                yield from commands(one)


COMMANDS = [*commands(service.parser()), *commands(ingest.parser())]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_named_in_the_documentation(command: str) -> None:
    """As somebody would type it, in the README or on one of the pages."""
    text = "\n".join(page.read_text("utf-8") for page in PAGES)

    assert re.search(rf"{command}\b", text)


def test_there_are_commands_to_look_for() -> None:
    """A walk that finds none would find nothing missing."""
    assert {"feedsvc serve", "feedsvc-ingest once"} <= set(COMMANDS)


async def test_every_metric_stands_in_the_documentation(
    mongod_uri: str, tmp_path: Path
) -> None:
    """With its type, as the running service tells it; and none that is not told."""
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, tmp_path)) as station,
    ):
        client = AsyncHTTPClient(force_instance=True)
        answer = await client.fetch(f"{station.admin_url}/metrics")
        client.close()

    told = re.findall(r"^# TYPE (\S+) (\S+)$", answer.body.decode(), re.M)
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    documented = re.findall(r"^\| `(\S+)` \| (\S+) \|", page, re.M)
    assert dict(documented) == dict(told)
    assert len(documented) == len(set(documented))
