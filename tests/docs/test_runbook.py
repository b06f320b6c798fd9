"""The runbook names what there is to be seen, and leaves no alert without advice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECTIONS: dict[str, str] = dict(
    section.split("\n", 1)
    for section in (DOCS / "runbook.md").read_text("utf-8").split("\n## ")[1:]
)
SOURCES = "\n".join(
    file.read_text("utf-8")
    for package in ("feedsvc", "ingest")
    for file in (ROOT / package).rglob("*.py")
)
ALERTS = set(
    re.findall(
        r"alert: (\w+)", (ROOT / "ops" / "prometheus" / "alerts.yml").read_text("utf-8")
    )
)


def signs(section: str, kind: str) -> set[str]:
    """Return the signs of a kind that stand in the section's line of signs."""
    found = re.search(r"^\*\*Signs:\*\* (.+)\.$", section, re.M)
    assert found
    groups = [re.split(r" (?=`)", one, maxsplit=1) for one in found[1].split("; ")]
    return {
        name
        for what, names in groups
        if what == kind
        for name in re.findall(r"`([^`]+)`", names)
    }


@pytest.mark.parametrize("title", SECTIONS)
def test_every_sign_exists(title: str) -> None:
    """A metric on its page, an event in the code, a check of doctor, an alert."""
    section = SECTIONS[title]
    metrics = (DOCS / "metrics.md").read_text("utf-8")
    commands = (DOCS / "commands.md").read_text("utf-8")

    by_kind = {
        kind: signs(section, kind) for kind in ("alert", "metric", "log", "doctor")
    }

    assert any(by_kind.values())
    assert by_kind["alert"] <= ALERTS
    assert all(f"\n| `{name}` |" in metrics for name in by_kind["metric"])
    assert all(re.search(rf'"{event}[ "]', SOURCES) for event in by_kind["log"])
    checks = re.findall(r"^\| (`.*?) \|", commands, re.M)
    assert all(f"`{name}`" in str(checks) for name in by_kind["doctor"])


def test_every_alert_is_explained() -> None:
    """Who is woken by one finds out what to do."""
    explained = set().union(*(signs(one, "alert") for one in SECTIONS.values()))

    assert ALERTS
    assert explained == ALERTS


def test_the_tests_that_the_documentation_names_exist() -> None:
    """What is said to be tested is."""
    named = {
        name
        for page in DOCS.glob("*.md")
        for name in re.findall(r"`(tests/[\w/.-]+)`", page.read_text("utf-8"))
    }

    assert "tests/net/test_private.py" in named
    assert not [name for name in named if not (ROOT / name).exists()]
