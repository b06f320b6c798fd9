"""The files for systemd and containers: they call what there is, and wait for it."""

from __future__ import annotations

import re
import shlex
from configparser import RawConfigParser
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from feedsvc.cli import parser
from feedsvc.config import GROUPS, PREFIX, Server, load
from feedsvc.workers import STOP_S

ROOT = Path(__file__).parents[2]
UNITS = (
    ROOT / "ops" / "systemd" / "feedsvc.service",
    ROOT / "ops" / "systemd" / "feedsvc@.service",
)
DEPLOY = ROOT / "ops" / "deploy"
VARIABLES = {
    PREFIX + key.name.upper() for group in GROUPS.values() for key in fields(group)
} | {f"{PREFIX}CONFIG"}


def service(path: Path) -> RawConfigParser:
    """Read a unit; keys that stand there several times keep their last value."""
    unit = RawConfigParser(strict=False, interpolation=None)
    unit.read(path, "utf-8")
    return unit


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_calls_a_command_that_there_is(path: Path) -> None:
    """By its path in the virtual environment, with options that it has."""
    words = shlex.split(service(path)["Service"]["ExecStart"])
    at = words.index("/opt/feedsvc/bin/feedsvc")

    assert parser().parse_args(words[at + 1 :])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_waits_until_the_service_has_drained(path: Path) -> None:
    """Before it kills what is left."""
    found = re.search(r"FEEDSVC_DRAIN_SECONDS=(\d+)", path.read_text("utf-8"))
    drain_s = int(found[1]) if found else Server().drain_seconds

    stop_s = int(service(path)["Service"]["TimeoutStopSec"])

    assert stop_s > drain_s + STOP_S + 10


@pytest.mark.parametrize(
    "path",
    [*UNITS, DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"],
    ids=lambda path: path.name,
)
def test_variables_that_are_set_are_those_of_the_service(path: Path) -> None:
    """A mistyped one would do nothing, and nobody would know."""
    text = re.sub(r"^\s*#.*", "", path.read_text("utf-8"), flags=re.M)
    assigned = set(re.findall(r"\b(FEEDSVC_\w+)(?:=|: )", text))

    assert assigned
    assert assigned <= VARIABLES


def test_containers_are_given_the_time_to_drain() -> None:
    """Compose kills after ten seconds, if it is not told otherwise."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    live = compose["services"]["live"]

    grace_s = int(live["stop_grace_period"].removesuffix("s"))

    assert grace_s > int(live["environment"]["FEEDSVC_DRAIN_SECONDS"]) + 10


def test_the_image_copies_what_there_is() -> None:
    """And the file beside it lets all of that through."""
    docker = (DEPLOY / "Dockerfile").read_text("utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", docker, re.M)
    names = [name for line in copies for name in line.split()]
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split("\n")

    for name in names:
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in let_through


def test_the_configuration_to_begin_with_has_no_faults() -> None:
    """And believes what balancers on this machine say."""
    settings = load(DEPLOY / "feedsvc.toml", {})

    assert settings.server.proxies == ("127.0.0.1",)
