"""The commands: each as a process of its own, against the real service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from feedsvc.cli import main
from feedsvc.net.tokens import Tokens
from tests.net.station import (
    NOON,
    SECRET,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS = ["serve", "publish", "tail", "backlog", "channels", "token"]
PATIENCE_S = 20.0


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


@asynccontextmanager
async def process(arguments: Sequence[str], **environ: str) -> AsyncIterator[Process]:
    """Run ``feedsvc`` with this environment and no other setting of ours."""
    own = {key: value for key, value in os.environ.items() if "FEEDSVC" not in key}
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "feedsvc", *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**own, "FEEDSVC_LOG_LEVEL": "ERROR", **environ},
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.communicate()


class Result(NamedTuple):
    """What a command said, and its exit code."""

    code: int | str | None
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command to its end in this process, with this environment alone."""

    def end(arguments: Sequence[str]) -> int | str | None:
        try:
            return main(arguments)
        except SystemExit as ended:
            return ended.code

    async def run_one(
        *arguments: str, given: str | None = None, **environ: str
    ) -> Result:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("FEEDSVC")]:
                patch.delenv(name)
            environ.setdefault("FEEDSVC_DATA_DIR", str(tmp_path / "own"))
            for name, value in environ.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", StringIO(given))
            # The service runs in this thread; a command waits for its answers.
            code = await asyncio.to_thread(end, arguments)
        return Result(code, *capsys.readouterr())

    return run_one


@pytest.fixture
def feedsvc(station: Station, run: Run) -> Run:
    """Run a command that speaks to the station and has its secret."""
    return partial(run, FEEDSVC_URL=station.url, FEEDSVC_SECRET=SECRET)


@pytest.mark.parametrize("command", COMMANDS)
async def test_each_command_explains_itself(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every option that it has."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"usage: feedsvc {command}" in told
    assert "--config FILE" in told
    assert ("--json" in told) is (command != "serve")


async def test_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """And without one, what is missing is told."""
    with pytest.raises(SystemExit) as listed:
        main(["--help"])
    told = capsys.readouterr().out
    with pytest.raises(SystemExit) as missing:
        main([])

    assert listed.value.code == 0
    assert all(f"    {command} " in told for command in COMMANDS)
    assert missing.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


async def test_publishing_an_item_by_its_text(station: Station, feedsvc: Run) -> None:
    """Told what became of it."""
    item = ("--id", "cli-1", "--title", "News", "--text", "On air.")

    created = await feedsvc("publish", "cli.news", *item)
    again = await feedsvc("publish", "cli.news", *item, "--json")

    assert (created.code, created.err) == (0, "")
    assert created.lines == ["created    cli-1 rev 1"]
    assert json.loads(again.out) == {"id": "cli-1", "status": "unchanged", "rev": 1}
    stored = (await station.http.item("cli-1")).json
    assert (stored["type"], stored["title"]) == ("post", "News")


async def test_publishing_a_list_from_a_file_or_a_pipe(
    tmp_path: Path, feedsvc: Run
) -> None:
    """One line for each; a bad item makes the exit code 1."""
    items = [post("cli-2"), {"type": "post", "colour": "red"}]
    path = tmp_path / "items.json"
    path.write_text(json.dumps(items))

    from_file = await feedsvc("publish", "cli.list", str(path))
    from_pipe = await feedsvc("publish", "cli.list", given=json.dumps(items))

    assert from_file.code == from_pipe.code == 1
    assert from_file.lines == [
        "created    cli-2 rev 1",
        "refused    colour: is not a field of an item",
    ]
    assert from_pipe.lines[0] == "unchanged  cli-2 rev 1"


async def test_the_backlog_is_printed_newest_first(
    station: Station, feedsvc: Run
) -> None:
    """A line each for people, JSON lines for programs."""
    track = {"type": "track", "id": "cli-t", "title": "Tide", "artist": "Ada Fern"}
    await station.publish(
        "cli.backlog",
        {**track, "date": "2026-11-24T12:05:00Z"},
        post("cli-3", NOON, content_text="Two\nlines."),
    )

    plain = await feedsvc("backlog", "cli.backlog")
    as_json = await feedsvc("backlog", "cli.backlog", "--json", "--limit", "1")
    of_type = await feedsvc("backlog", "cli.backlog", "--types", "post,event")

    assert plain.lines == [
        "2026-11-24 12:05:00  cli.backlog  [track] Ada Fern – Tide",
        "2026-11-24 12:00:00  cli.backlog  [post] Two lines.",
    ]
    assert [json.loads(line)["id"] for line in as_json.lines] == ["cli-t"]
    assert len(of_type.lines) == 1


async def test_who_has_the_secret_reads_everything(
    station: Station, feedsvc: Run, run: Run
) -> None:
    """Private channels, and patterns that begin with a star."""
    await station.publish("secret.cli", post("cli-secret", NOON))

    private = await feedsvc("backlog", "secret")
    pattern = await feedsvc("backlog", "*.cli")
    tree = await feedsvc("channels", "--json")
    anyone = await run("backlog", "secret", FEEDSVC_URL=station.url)

    assert private.code == pattern.code == 0
    assert "cli-secret" not in private.out
    assert "secret.cli" in private.out
    assert "secret.cli" in pattern.out
    assert '"secret.cli"' in tree.out
    assert anyone.code == 1
    assert anyone.err == "feedsvc: no such channel: secret (not_found)\n"


async def test_the_channels_are_printed_as_a_tree(
    station: Station, feedsvc: Run
) -> None:
    """With their own and all items; they are counted about once a second."""
    await station.publish("clitree.news.local", post(), post())
    await station.publish("clitree.news", post())

    async def found() -> list[str]:
        lines = (await feedsvc("channels")).lines
        starts = [at for at, line in enumerate(lines) if line.startswith("clitree")]
        return lines[starts[0] : starts[0] + 3] if starts else []

    told = await until(found, "the new channels")

    assert [line.split() for line in told] == [
        ["clitree", "0", "3"],
        ["news", "1", "3"],
        ["local", "2", "2"],
    ]
    assert told[2].startswith("    local ")


async def test_tail_prints_the_backlog_and_then_what_happens(station: Station) -> None:
    """Oldest first, so that the newest line is the last one."""
    await station.posts("cli.tail", 3)
    arguments = ["tail", "cli.tail", "--backlog", "2"]
    environ = {"FEEDSVC_URL": station.url}

    async with process(arguments, **environ) as tail, asyncio.timeout(PATIENCE_S):
        assert tail.stdout is not None
        backlog = [await tail.stdout.readline() for _ in range(2)]
        await station.publisher.publish("cli.tail.x", post("t", NOON, title="Now"))
        created = await tail.stdout.readline()
        await station.publisher.delete("t")
        removed = await tail.stdout.readline()

    assert b"12:01:00" in backlog[0]
    assert b"12:02:00" in backlog[1]
    assert created == b"created  2026-11-24 12:00:00  cli.tail.x  [post] Now\n"
    assert removed == b"removed  cli.tail.x  t removed\n"


async def test_tail_goes_on_after_a_restart_of_the_service(
    mongod_uri: str, tmp_path: Path
) -> None:
    """From where it was: nothing is missed, and nothing printed twice."""
    async with own_database(mongod_uri) as uri, AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        station = await first.enter_async_context(serving(make_settings(uri, tmp_path)))
        await lived_in(station)
        tail = await stack.enter_async_context(
            process(["tail", "radio", "--json"], FEEDSVC_URL=station.url)
        )
        assert tail.stdout is not None
        await station.publish("radio", post("one"))
        async with asyncio.timeout(PATIENCE_S):
            lines = [await tail.stdout.readline()]
            await first.aclose()
            server = {"port": station.where.port}
            station = await stack.enter_async_context(
                serving(make_settings(uri, tmp_path, server=server))
            )
            await station.publish("radio", post("two", NOON), post("three", NOON))
            lines += [await tail.stdout.readline() for _ in range(2)]

    assert [json.loads(line)["id"] for line in lines] == ["one", "two", "three"]


async def test_a_secret_of_this_machine_is_not_used_elsewhere(
    station: Station, tmp_path: Path, run: Run
) -> None:
    """A kept secret belongs to the service of its data directory."""
    (tmp_path / "secret").write_text("the secret of some other service")
    own = {"FEEDSVC_DATA_DIR": str(tmp_path), "FEEDSVC_URL": station.url}

    reading = await run("backlog", "past", **own)
    publishing = await run("publish", "radio", "--text", "x", **own)
    with_token = await run(
        *("publish", "cli.token", "--text", "x"),
        **own,
        FEEDSVC_TOKEN=station.token(publish=["cli"]),
    )

    assert reading.code == 0
    assert publishing.code == 1
    assert publishing.err == (
        "feedsvc: a bearer token is needed to publish (unauthorized)\n"
    )
    assert with_token.code == 0


async def test_an_unreachable_service_is_told_in_one_sentence(run: Run) -> None:
    """With its address; exit code 1."""
    told = await run("backlog", "radio", FEEDSVC_URL="http://127.0.0.1:9")

    assert told.code == 1
    assert told.err == (
        "feedsvc: no answer from http://127.0.0.1:9:"
        " [Errno 111] Connection refused (unreachable)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["backlog", "Radio News"], "channel: each segment must start with a-z or 0-9"),
        (["backlog", "nobody"], "no such channel: nobody (not_found)"),
        (
            ["backlog", "past", "--limit", "-1"],
            "limit: must be 0 or more (bad_message)",
        ),
        (["tail", "past", "--backlog", "-1"], "backlog: must be 0 or more (bad_mess"),
        (
            ["publish", "radio", "/nowhere.json"],
            "/nowhere.json: cannot be read: No such",
        ),
        (["publish", "radio.*", "--text", "x"], "channel: '*' is allowed in"),
        (
            ["publish", "radio", "--text", "x", "--type", "tweet"],
            "type: must be one of",
        ),
        (["token", "--read", "Radio News"], "token: read: each segment must start"),
        (
            ["backlog", "past", "--service", "ftp://x"],
            "url: must be http or https: ftp",
        ),
        (
            ["channels", "--config", "/nowhere.toml"],
            "/nowhere.toml: cannot be read: No",
        ),
    ],
)
async def test_a_mistake_is_told_in_one_sentence(
    station: Station, arguments: list[str], text: str, feedsvc: Run
) -> None:
    """On standard error, with exit code 1 and no traceback."""
    told = await feedsvc(*arguments)

    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(f"feedsvc: {text}"), told.err
    assert told.err.count("\n") == 1


async def test_what_is_no_json_is_told(feedsvc: Run) -> None:
    """With the name of the file, or what comes in its place."""
    told = await feedsvc("publish", "radio", given="{")

    assert told.code == 1
    assert told.err.startswith("feedsvc: standard input: is not JSON: ")


async def test_a_token_is_made_with_the_rights_asked_for(run: Run) -> None:
    """And taken by every service with the same secret."""
    arguments = ["--read", "Radio.Staff", "--publish", "radio", "--publish", "tv"]

    plain = await run(
        *("token", "--subject", "ada", *arguments, "--expires", "2h"),
        FEEDSVC_SECRET=SECRET,
    )
    as_json = await run("token", "--admin", "--json", FEEDSVC_SECRET=SECRET)

    rights = Tokens(SECRET).verify(plain.out.strip())
    assert rights.subject == "ada"
    assert [str(one) for one in rights.read] == ["radio.staff"]
    assert [str(one) for one in rights.publish] == ["radio", "tv"]
    assert rights.expires_at is not None
    assert 7_100 < (rights.expires_at - datetime.now(UTC)).total_seconds() <= 7_200
    assert Tokens(SECRET).verify(json.loads(as_json.out)["token"]).admin


async def test_a_token_is_revoked_by_itself_or_by_its_subject(
    station: Station, feedsvc: Run, run: Run
) -> None:
    """What is revoked is told; what can't be is, too."""
    token = station.token(read=["secret"])

    told = await feedsvc("token", "revoke", token)
    subject = await feedsvc("token", "revoke", "--sub", "eve", "--json")
    nothing = await run("token", "revoke", "nonsense", FEEDSVC_URL=station.url)

    assert (await station.http.items("secret", token=token)).status == 401
    assert told.out.startswith("jti=")
    assert json.loads(subject.out)["sub"] == "eve"
    assert (nothing.code, nothing.out) == (1, "")
    assert nothing.err.startswith("feedsvc: token: is not valid")


async def test_a_lifetime_that_is_none_is_told(run: Run) -> None:
    """With examples of good ones."""
    told = await run("token", "--expires", "soon", FEEDSVC_SECRET=SECRET)

    assert told.code == 2
    assert "argument --expires: must be a duration such as 90s, 5m" in told.err


@pytest.mark.parametrize(
    ("command", "option"), [("serve", "--workers"), ("queue", "--limit")]
)
async def test_a_number_below_one_is_no_number_of_anything(
    run: Run, command: str, option: str
) -> None:
    """Told at once, with the name of the option."""
    for given in ("0", "-3", "many"):
        told = await run(command, option, given)

        assert told.code == 2
        assert f"argument {option}: must be a whole number, 1 or more" in told.err


async def test_all_faults_of_the_configuration_are_told(
    tmp_path: Path, run: Run
) -> None:
    """A line for each; nothing is started."""
    path = tmp_path / "feed.toml"
    path.write_text("[server]\nprot = 1\nport = 'x'\n")

    told = await run("serve", "--config", str(path))

    assert told.code == 1
    assert told.err.splitlines() == [
        f"feedsvc: {path}:2: server.prot: is not a key of [server]",
        f"feedsvc: {path}:3: server.port: must be a whole number",
    ]


async def test_a_reader_that_has_seen_enough_ends_the_command(station: Station) -> None:
    """As in ``feedsvc backlog … | head``: no traceback."""
    await station.posts("cli.pipe", 200)
    arguments = ["backlog", "cli.pipe", "--limit", "200", "--json"]
    environ = {"FEEDSVC_URL": station.url}
    shell = f"{sys.executable} -m feedsvc {' '.join(arguments)} | head -1"
    own = {key: value for key, value in os.environ.items() if "FEEDSVC" not in key}

    running = await asyncio.create_subprocess_shell(
        shell, stdout=PIPE, stderr=PIPE, env={**own, **environ}
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await running.communicate()

    assert out.count(b"\n") == 1
    assert err == b""
