"""Backup, restore and retention: commands that work on the database itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feedsvc.cli import main
from feedsvc.core.access import ChannelRule
from feedsvc.core.channel import Channel
from feedsvc.store import connect
from tests.net.clients import Message, RawSocket
from tests.net.station import (
    RULES,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

Run = Callable[..., Awaitable[list[str]]]


@pytest.fixture
async def uri(mongod_uri: str) -> Any:
    """A database of the test's own."""
    async with own_database(mongod_uri) as uri:
        yield uri


@pytest.fixture
def run(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Awaitable[list[str]]]:
    """Run a command on the database; return the lines that it printed."""
    config = tmp_path / "feedsvc.toml"
    config.write_text(
        f'[server]\nmongodb_uri = "{uri}"\n'
        '[[channel]]\npath = "radio"\nretention = "30d"\n'
        '[[channel]]\npath = "radio.news"\nretention = {age = "10d", count = 2}\n'
    )

    async def run_one(*arguments: str, code: int = 0) -> list[str]:
        line = [*arguments, "--config", str(config)]
        assert await asyncio.to_thread(main, line) == code
        told = capsys.readouterr()
        return (told.err if code else told.out).splitlines()

    return run_one


async def fill(station: Station) -> None:
    """Publish what a backup has to keep: changed, removed, private, under embargo."""
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await station.publish("radio.news", post("a"), post("b"), post("gone"))
    await station.publisher.publish("radio.news", post("a", content_text="New."))
    await station.publisher.delete("gone")
    await station.publisher.publish("secret", post("hidden"))
    await station.publisher.publish("radio.news", post("held", publish_at=later))


async def documents(uri: str) -> dict[str, Message]:
    """Return all that is stored of items, apart from what says how it is told."""
    database = connect(uri)
    found = await database["items"].find().to_list()
    await database.client.close()
    return {
        one["_id"]: {name: value for name, value in one.items() if name != "silent"}
        for one in found
    }


class Shown:
    """What a page shows that keeps of each item the highest revision."""

    def __init__(self) -> None:
        self.items: dict[str, Message] = {}

    def apply(self, message: Message) -> None:
        if message["msg"] == "subscribed":
            self.items = {}
        for item in message.get("items") or [message.get("item")]:
            known = self.items.get(item["id"], {"rev": 0}) if item else None
            if item and known and item["rev"] > known["rev"]:
                self.items[item["id"]] = item

    @property
    def revs(self) -> dict[str, int]:
        return {
            item["id"]: item["rev"]
            for item in self.items.values()
            if not item.get("removed")
        }


async def test_what_was_lost_comes_back_to_everybody_who_is_connected(
    uri: str, run: Run, tmp_path: Path
) -> None:
    """All revisions, dates, tombstones and held versions; clients converge."""
    file = str(tmp_path / "backup.jsonl")
    async with serving(make_settings(uri, tmp_path)) as running:
        station = await lived_in(running)
        await fill(station)
        before = await documents(uri)
        reader, shown = await station.open(RawSocket), Shown()
        shown.apply(await reader.subscribe("radio"))
        await run("backup", file)
        await station.drop_items()
        [told] = await run("restore", file)
        await until_shown(reader, shown, {"a": 2, "b": 1})
        late = await station.open(RawSocket)
        fresh = await late.subscribe("radio")
        after = await documents(uri)

    assert told == "6 documents written; 1 were there already, as new or newer"
    assert after == before
    assert {item["id"] for item in fresh["items"]} == {"a", "b"}


async def until_shown(
    reader: RawSocket, shown: Shown, expected: dict[str, int]
) -> None:
    """Take messages until the collection was lost, and all of it is back."""
    was_reset = False
    async with asyncio.timeout(40):
        while not was_reset or shown.revs != expected:
            message = await reader.receive()
            was_reset |= message["msg"] == "subscribed"
            shown.apply(message)


async def test_a_restore_overwrites_nothing_that_is_newer(
    uri: str, run: Run, tmp_path: Path
) -> None:
    """So it can be repeated, and done while people publish."""
    file = str(tmp_path / "backup.jsonl")
    async with serving(make_settings(uri, tmp_path)) as running:
        station = await lived_in(running)
        await fill(station)
        await run("backup", file)
        await station.publisher.publish("radio.news", post("b", content_text="Newer."))
        [told] = await run("restore", file, "--json")
        text = (await station.http.item("b")).json["content_text"]

    assert json.loads(told) == {"written": 0, "kept": 7}
    assert text == "Newer."


async def test_what_is_no_backup_of_this_version_is_refused(
    uri: str, run: Run, tmp_path: Path
) -> None:
    """Before anything is written."""
    file = tmp_path / "backup.jsonl"

    async def told(*lines: str) -> str:
        file.write_text("".join(f"{line}\n" for line in lines))
        return (await run("restore", str(file), code=1))[0]

    head = '{"format":"feedsvc backup","version":1}'
    assert await told('{"format":"feedsvc backup","version":2}') == (
        "feedsvc: backup: must be 'feedsvc backup' version 1,"
        " not feedsvc backup version 2"
    )
    assert "must begin with a line" in await told("[]")
    assert "line 2 is not one of a backup" in await told(head, '{"collection":"x"}')
    assert "is cut off" in await told(head)
    assert await run("restore", str(tmp_path / "none"), code=1) == [
        f"feedsvc: {tmp_path / 'none'}: No such file or directory"
    ]


async def test_retention_tells_what_would_go_and_makes_it_go(
    uri: str, run: Run, tmp_path: Path
) -> None:
    """By rule; a deeper one has an age of its own, and nothing goes in a dry run."""
    now = datetime.now(UTC)
    rules = (*RULES, ChannelRule(Channel("elsewhere")))
    async with serving(make_settings(uri, tmp_path, rules=rules)) as running:
        station = await lived_in(running)
        for channel, days in (
            *[("radio.news", age) for age in (1, 2, 3, 20)],
            *[("radio.events", age) for age in (1, 20, 40)],
        ):
            at = now - timedelta(days=days)
            await station.publish(channel, post(f"{channel}{days}", at))
        would_go = await run("retention", "--dry-run")
        still_there = await station.seen("radio", limit=500)
        done = await run("retention")
        left = await documents(uri)

    assert [line.split() for line in would_go] == [
        ["CHANNEL", "RULE", "WOULD", "GO"],
        ["radio", "age", "30d", "1"],
        ["radio.news", "age", "10d", "1"],
        ["radio.news", "count", "2", "2"],
    ]
    assert len(still_there) == 7
    assert [line.split()[-1] for line in done[1:4]] == ["3", "4", "1"]
    gone = {one["_id"] for one in left.values() if one.get("removed_at")}
    over = {one["_id"] for one in left.values() if one.get("expire_at", now) < now}
    ends_at = left["radio.events20"]["expire_at"] - left["radio.events20"]["date"]
    assert gone == {"radio.news3"}
    # MongoDB looks for these once a minute.
    assert over == {"radio.news20", "radio.events40"}
    assert ends_at == timedelta(days=30)
