"""The operators' commands, against the real service."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.cli import main
from tests.net.desk import Operator, submit
from tests.net.station import (
    NOON,
    SECRET,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[..., Awaitable[tuple[int, list[str], str]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """The service that the commands speak to."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir)) as running,
    ):
        yield await lived_in(running)


@pytest.fixture
def feedsvc(
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """Run a command; return its exit code, the lines that it printed, and its fault."""

    async def run(*arguments: str) -> tuple[int, list[str], str]:
        # The service runs in this thread; a command waits for its answers.
        code = await asyncio.to_thread(main, arguments)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    monkeypatch.setenv("FEEDSVC_SECRET", SECRET)
    monkeypatch.setenv("FEEDSVC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FEEDSVC_ADMIN_URL", station.admin_url)
    return run


async def test_the_queue_is_printed_and_worked_off(
    station: Station, feedsvc: Run
) -> None:
    """A line each for people, JSON lines for programs; several at once."""
    items = [post(f"cli-{n}", NOON, content_text=f"Item {n}.") for n in range(3)]
    await submit(station, "cli.press", *items)

    _, listed, _ = await feedsvc("queue")
    _, as_json, _ = await feedsvc("queue", "--json", "--limit", "2")
    approved = await feedsvc("approve", "cli-0", "cli-1")
    rejected = await feedsvc("reject", "cli-2", "--json")
    _, refused, _ = await feedsvc("queue", "--reason", "rejected")

    assert [line[19:].split() for line in listed] == [
        [f"cli-{n}", "cli.press", "Item", f"{n}."] for n in range(3)
    ]
    assert [json.loads(line)["id"] for line in as_json] == ["cli-0", "cli-1"]
    assert approved == (0, ["visible   cli-0 rev 1", "visible   cli-1 rev 1"], "")
    assert json.loads(rejected[1][0])["state"] == "rejected"
    assert [line.split()[2] for line in refused] == ["cli-2"]
    assert await station.seen("cli.press") == ["cli-1", "cli-0"]


async def test_items_are_pinned_unpinned_and_put_back(
    station: Station, feedsvc: Run
) -> None:
    """Each told as what it is then."""
    await station.publish("cli.pins", post("cli-p", NOON), post("cli-q"))

    pinned = await feedsvc("pin", "cli-p")
    first = await station.seen("cli.pins")
    unpinned = await feedsvc("unpin", "cli-p")
    back = await feedsvc("review", "cli-p")

    assert pinned[1] == ["visible   cli-p rev 2"]
    assert first == ["cli-p", "cli-q"]
    assert unpinned[1] == ["visible   cli-p rev 3"]
    assert back[1] == ["review    cli-p rev 4"]
    assert await station.seen("cli.pins") == ["cli-q"]


async def test_sources_are_switched_and_the_record_tells_who_did_it(
    feedsvc: Run,
) -> None:
    """The machine's user; a source that never ran may be misspelt."""
    off = await feedsvc("disable", "cli-source")
    on = await feedsvc("enable", "cli-source")
    _, (newest, before), _ = await feedsvc("audit", "--limit", "2")
    _, [entry], _ = await feedsvc("audit", "--limit", "1", "--json")

    assert off[1] == ["disabled cli-source  (it has never run: is that its name?)"]
    assert on[1] == ["enabled cli-source"]
    who = f"cli:{getpass.getuser()}"
    assert newest.split()[2:] == [who, "enable", "cli-source"]
    assert before.split()[2:] == [who, "disable", "cli-source"]
    assert json.loads(entry)["deed"] == "enable"


async def test_what_cannot_be_done_is_told_and_is_a_failure(
    station: Station, feedsvc: Run
) -> None:
    """No item, no right."""
    unknown = await feedsvc("approve", "no-such-item")
    no_right = await feedsvc("queue", "--token", station.token(read=["*"]))

    assert unknown[0] == no_right[0] == 1
    assert "no item 'no-such-item'" in unknown[2]
    assert "no right to administer" in no_right[2]
    assert await Operator(station).queue("cli.press") == []
