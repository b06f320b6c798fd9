"""``feedsvc doctor``: each finding, and the command as a whole."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedsvc import doctor
from feedsvc.cli import main
from feedsvc.config import Auth
from feedsvc.core.finding import Finding, Level
from feedsvc.errors import ConfigError
from feedsvc.store import Database, checkup
from feedsvc.store.opened import opened
from feedsvc.store.queries import INDEXES, ITEMS
from feedsvc.store.webhooks import WebhookStore
from tests.net.station import make_settings, own_database, serving

Told = list[dict[str, str]]


@pytest.fixture
def ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Awaitable[tuple[int, Told]]]:
    """Run the command; return its exit code and its findings."""

    async def run(text: str, **environ: str) -> tuple[int, Told]:
        config = tmp_path / "feedsvc.toml"
        config.write_text(text)
        monkeypatch.setenv("FEEDSVC_DATA_DIR", str(tmp_path / "var"))
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        line = ["doctor", "--json", "--config", str(config)]
        code = await asyncio.to_thread(main, line)
        return code, [json.loads(one) for one in capsys.readouterr().out.splitlines()]

    return run


def level_of(told: Told, check: str) -> str:
    return next(one["level"] for one in told if one["check"] == check)


async def test_a_good_installation_has_no_faults(
    mongod_uri: str, tmp_path: Path, ask: Callable[..., Awaitable[tuple[int, Told]]]
) -> None:
    """With the service that runs recognised as our own."""
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, tmp_path)) as station,
    ):
        text = (
            f'[server]\nmongodb_uri = "{uri}"\nport = {station.where.port}\n'
            f"admin_port = {station.where.admin_port}\n"
        )
        code, told = await ask(text)

    assert code == 0
    assert {one["check"] for one in told} >= {
        *("configuration", "data_dir", "disk", "secret", "open_files", "port"),
        *("admin_port", "fan_out", "database", "clock", "indexes", "change_stream"),
        "history",
    }
    assert [one for one in told if one["level"] == "fault"] == []
    assert "already" in next(one["told"] for one in told if one["check"] == "port")


async def test_faults_of_the_configuration_are_findings(
    ask: Callable[..., Awaitable[tuple[int, Told]]],
) -> None:
    """All at once, each with its line."""
    code, told = await ask('[server]\nport = "x"\ncolour = 1\n')

    assert code == 1
    assert [one["level"] for one in told] == ["fault", "fault"]
    assert all("feedsvc.toml:" in one["told"] for one in told)


async def test_a_database_that_does_not_answer_is_a_fault(
    ask: Callable[..., Awaitable[tuple[int, Told]]],
) -> None:
    """It says what was tried, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        uri = f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=100"
        code, told = await ask(f'[server]\nmongodb_uri = "{uri}"\nport = {port}\n')

    assert code == 1
    assert level_of(told, "database") == "fault"
    assert level_of(told, "port") == "fault"
    assert next(one["mend"] for one in told if one["check"] == "database")


def test_a_directory_that_is_none_or_not_ours_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not exist yet, if it can be made."""
    (tmp_path / "file").write_text("")

    assert doctor.data_dir(tmp_path / "new" / "var").level is Level.OK
    assert doctor.data_dir(tmp_path / "file").level is Level.FAULT
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert doctor.data_dir(tmp_path).level is Level.FAULT


def test_a_disk_that_fills_up_is_told_in_time() -> None:
    """First as a warning."""
    levels = [doctor.free_disk(free).level for free in (10**10, 500 * 10**6, 10**8)]

    assert levels == [Level.OK, Level.WARNING, Level.FAULT]


def test_a_secret_is_long_and_nobody_else_reads_it(tmp_path: Path) -> None:
    """Whether it was given or made."""
    kept = tmp_path / "secret"

    def level(value: str | None) -> Level:
        return doctor.secret(value, kept).level

    assert level("short") is Level.WARNING
    assert level("x" * 32) is Level.OK
    assert level(None) is Level.OK
    kept.write_text("x" * 32)
    kept.chmod(0o644)
    assert level(None) is Level.WARNING
    kept.chmod(0o600)
    assert level(None) is Level.OK
    kept.write_text("\n")
    assert level(None) is Level.FAULT
    kept.unlink()
    kept.mkdir()
    assert level(None) is Level.FAULT


def test_a_file_of_keys_without_any_is_a_fault(tmp_path: Path) -> None:
    """One that is not there, too; without a file there is nothing to say."""
    empty = tmp_path / "keys.json"
    empty.write_text("{}")
    auth = Auth(public_key=str(tmp_path / "none.pem"), jwks=str(empty))

    found = list(doctor.public_keys(auth))

    assert [one.level for one in found] == [Level.FAULT, Level.FAULT]
    assert "auth.public_key: " in found[0].told
    assert "auth.jwks: " in found[1].told
    assert list(doctor.public_keys(Auth())) == []


async def test_a_directory_that_cannot_be_made_is_told_in_a_sentence() -> None:
    """Where even root makes none."""
    with pytest.raises(ConfigError, match="/proc/feedsvc cannot be made"):
        async with opened(None, Path("/proc/feedsvc")):
            pass


def test_few_open_files_are_a_warning_with_the_way_to_mend_it() -> None:
    """As many as the sessions that are allowed, and some more."""
    few = doctor.open_files(1_024, 50_000)

    assert few.level is Level.WARNING
    assert "room for about 824 connections" in few.told
    assert "LimitNOFILE=50200" in few.mend
    assert doctor.open_files(20_000, 50_000).level is Level.OK
    assert doctor.open_files(1_024, 500).level is Level.OK
    assert doctor.open_files(resource.RLIM_INFINITY, 1).level is Level.OK


def test_a_port_of_somebody_else_is_a_fault() -> None:
    """One that is free, or to be any, is not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        found = doctor.port("port", "127.0.0.1", number)

    assert found.level is Level.FAULT
    assert "FEEDSVC_PORT" in found.mend
    assert doctor.port("port", "127.0.0.1", number).level is Level.OK
    assert doctor.port("port", "127.0.0.1", 0).level is Level.OK


def test_the_slow_way_of_sending_is_a_warning() -> None:
    """Everything works, at half the speed."""
    assert doctor.fan_out("python").level is Level.WARNING
    assert doctor.fan_out("send").level is Level.OK


def test_clocks_that_disagree_are_told() -> None:
    """Tokens forgive a few seconds."""
    levels = [checkup.skew(by).level for by in (0.1, -3.0, 40.0)]

    assert levels == [Level.OK, Level.WARNING, Level.FAULT]


async def test_indexes_that_are_missing_or_others_are_told(database: Database) -> None:
    """By name, with the command that drops a wrong one."""

    async def found() -> Finding:
        return checkup.indexes(await database[ITEMS].index_information())

    await database[ITEMS].create_indexes(INDEXES)
    good = await found()
    await database[ITEMS].drop_index("subtree")
    missing = await found()
    await database[ITEMS].create_index([("lineage", 1)], name="subtree")
    wrong = await found()

    assert good.level is Level.OK
    assert (missing.level, "subtree" in missing.told) == (Level.WARNING, True)
    assert (wrong.level, wrong.mend.split(";")[0]) == (
        Level.FAULT,
        "db.items.dropIndex('subtree')",
    )


async def test_a_change_stream_that_cannot_be_opened_is_a_fault(
    database: Database,
) -> None:
    """A time series has none, for one."""
    await database.create_collection(ITEMS, timeseries={"timeField": "date"})

    found = await checkup._change_stream(database)

    assert found.level is Level.FAULT


def test_a_short_history_is_a_warning_once_the_oplog_is_full() -> None:
    """A new deployment has a short one too, and nothing is wrong."""
    assert checkup.history(600, 600, False).level is Level.OK
    assert checkup.history(600, 600, True).level is Level.WARNING
    assert checkup.history(90_000, 600, True).level is Level.OK


def test_a_receiver_that_fails_is_a_warning() -> None:
    """With since when; and so is one that is well and did not get everything."""
    since = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert checkup.webhook("site", None, 0).level is Level.OK
    assert "2026-11-24T12:00:00" in checkup.webhook("site", since, 0).told
    assert checkup.webhook("site", since, 2).level is Level.WARNING
    assert "never got 2 messages" in checkup.webhook("site", None, 2).told
    assert checkup.webhook("site", None, 2).level is Level.WARNING


async def test_a_receiver_that_is_not_configured_any_more_is_no_matter(
    database: Database,
) -> None:
    """It may have failed on its last day."""
    store, now = WebhookStore(database), datetime.now(UTC)
    for name in ("gone", "site"):
        await store.lease(name, "test", now, 30)
        await store.mark_failing(name, now)

    found = [one async for one in checkup.checkup(database, 600, {"site"})]

    assert [one.told.split()[0] for one in found if one.check == "webhook"] == ["site"]
