"""Which mongod is used, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedsvc.errors import ConfigError
from feedsvc.store.binary import find_mongod

OLD = "echo 'db version v4.4.29'"
NEW = "echo 'db version v7.0.2'"
UNLINKED = (
    "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open"
    " shared object file: No such file or directory' >&2; exit 127"
)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that alone is searched for programs, besides the shell's."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    return tmp_path / "mongod"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


async def test_the_one_of_path_comes_first(on_path: Path) -> None:
    """The operator's own is preferred to the wheel's."""
    mine = program(on_path, NEW)

    assert await find_mongod() == mine


@pytest.mark.parametrize("script", [OLD, UNLINKED, "exit 1", "echo hello"])
async def test_the_wheels_is_used_where_that_of_path_is_not_usable(
    on_path: Path, script: str
) -> None:
    """Too old, not linked, or no mongod at all."""
    program(on_path, script)

    found = await find_mongod()

    assert found.parts[-4:] == ("fiftyone", "db", "bin", "mongod")


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (OLD, "is version 4.4.29, older than 6.0"),
        (UNLINKED, "misses the shared library libcurl.so.4 (on Debian: libcurl4)"),
        ("exit 1", "does not tell its version"),
    ],
)
async def test_without_a_usable_one_the_fault_of_each_is_told(
    on_path: Path, script: str, fault: str
) -> None:
    """In one sentence, with the ways out."""
    program(on_path, script)

    with pytest.raises(ConfigError) as caught:
        await find_mongod()

    assert caught.value.text.startswith(f"{on_path} {fault}: install one with")


@pytest.mark.usefixtures("on_path", "no_wheel")
async def test_without_any_the_ways_to_get_one_are_told() -> None:
    """Both of them."""
    with pytest.raises(ConfigError) as caught:
        await find_mongod()

    assert "no mongod on this machine" in caught.value.text
    assert "pip install 'feedsvc[embedded]'" in caught.value.text
    assert "FEEDSVC_MONGODB_URI" in caught.value.text
    assert "\n" not in caught.value.text


@pytest.mark.usefixtures("no_wheel")
async def test_one_that_is_no_program_is_told_so(on_path: Path) -> None:
    """Marked executable, and the system does not know how to run it."""
    on_path.write_bytes(b"\x00\x01\x02")
    on_path.chmod(0o755)

    with pytest.raises(ConfigError, match="does not start"):
        await find_mongod()


@pytest.mark.usefixtures("no_wheel")
async def test_one_that_never_answers_is_not_waited_for(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended, so that nothing is left behind."""
    monkeypatch.setattr("feedsvc.store.binary._VERSION_S", 0.1)
    program(on_path, "exec sleep 60")

    with pytest.raises(ConfigError, match="does not tell its version"):
        await find_mongod()
