"""The commands, as cron and people call them."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.store import Database
from feedsvc.store.items import ItemStore
from ingest.cli import main
from tests.ingest.commands import CONFIG, Command

FEED = '<rss version="2.0"><channel><item><title>One</title></item></channel></rss>'


async def titles(database: Database) -> list[str]:
    store = ItemStore(database, Rules())
    return [
        one.body["title"] for one in await store.backlog(Scope(Channel("radio")), 9)
    ]


@pytest.mark.mongo
async def test_once_runs_every_source_and_sums_up(
    command: Command, database: Database
) -> None:
    """With exit code 0 if all went well."""
    command.server.put("/feed", FEED)
    command.server.put("/staff", FEED)

    code, out, err = await command("once", "--json")

    summaries = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [one["source"] for one in summaries] == ["news", "staff"]
    assert [one["written"] for one in summaries] == [{"created": 1}] * 2
    assert await titles(database) == ["One", "One"]


@pytest.mark.mongo
async def test_once_fails_if_one_source_failed_and_runs_the_others(
    command: Command, database: Database
) -> None:
    """The reason stands in its line."""
    command.server.put("/feed", FEED)

    code, out, _ = await command("once")

    assert code == 1
    assert "news" in out.splitlines()[0]
    assert "answered 404" in out.splitlines()[1]
    assert "secret" not in out
    assert await titles(database) == ["One"]


@pytest.mark.mongo
async def test_once_of_one_source_runs_it_alone(command: Command) -> None:
    """And twice if asked twice; with --due only if it is due."""
    command.server.put("/feed", FEED)
    command.server.put("/staff", FEED)

    first = await command("once", "news")
    second = await command("once", "news")
    due = await command("once", "news", "--due")
    unknown = await command("once", "weather")

    assert [one[0] for one in (first, second, due, unknown)] == [0, 0, 0, 1]
    assert "1 unchanged" in second[1]
    assert "not due" in due[1]
    assert "weather: is not one of news, staff" in unknown[2]
    assert len(command.server.requests) == 2


@pytest.mark.mongo
async def test_run_goes_on_until_it_is_stopped(
    command: Command, database: Database
) -> None:
    """Taking a changed configuration on SIGHUP, and draining on SIGTERM."""
    asked = asyncio.Event()

    async def feed(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + FEED.encode())
        asked.set()

    command.server.answers["/late"] = feed
    process = await command.start("run")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        announced = await process.stdout.readline()
        text = command.config.read_text()
        command.config.write_text(text.replace("/staff", "/late"))
        process.send_signal(signal.SIGHUP)
        await asked.wait()
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()

    assert announced == b"ingest runs 2 sources\n"
    assert process.returncode == 0
    assert b"configuration taken" in err
    assert b"Traceback" not in err
    assert await titles(database) == ["One"]


def configured(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "feedsvc.toml"
    path.write_text(text)
    return ["--config", str(path)]


def test_check_explains_what_runs_when_and_into_which_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without what may be secret."""
    where = configured(tmp_path, CONFIG.format(url="http://radio.example"))

    code = main(["check", *where])

    news, staff = capsys.readouterr().out.splitlines()[1:]
    assert code == 0
    assert "every 5s" in news
    assert "radio.news (public)" in news
    assert "secret" not in news
    assert "radio.staff (private)" in staff
    assert "not older than 7 d" in staff


def test_check_tells_what_is_wrong_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it, on standard error, with exit code 1."""
    text = CONFIG.format(url="http://radio.example").replace("every 5s", "often")
    where = configured(tmp_path, text.replace("7d", "a week"))

    code = main(["check", *where])

    told = capsys.readouterr().err.splitlines()
    assert code == 1
    assert len(told) == 2
    assert ":11: source news: schedule" in told[0]
    assert ":21: source staff: max_age" in told[1]


def test_check_of_nothing_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is no fault."""
    assert main(["check", *configured(tmp_path, "")]) == 0
    assert "no sources" in capsys.readouterr().out


def test_import_opml_prints_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To be pasted into the configuration, or appended to it."""
    path = tmp_path / "feeds.opml"
    path.write_text(
        '<opml><body><outline text="A" xmlUrl="http://a.example/"/></body></opml>'
    )

    good = main(["import-opml", str(path), "--channel", "world.news"])
    bad = main(["import-opml", str(tmp_path / "missing")])

    printed = capsys.readouterr()
    assert (good, bad) == (0, 1)
    assert 'channel = "world.news"' in printed.out
    assert "missing" in printed.err
