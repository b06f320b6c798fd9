"""Every setting is documented, with its variable and its default."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from feedsvc.config import GROUPS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
SETTINGS = [(name, one) for name, group in GROUPS.items() for one in fields(group)]


@pytest.mark.parametrize(
    ("group", "setting"), SETTINGS, ids=[f"{name}.{one.name}" for name, one in SETTINGS]
)
def test_a_setting_stands_in_the_documentation(group: str, setting: object) -> None:
    """With the text that the code has for it."""
    name = setting.name  # type: ignore[attr-defined]
    doc = setting.metadata["doc"]  # type: ignore[attr-defined]
    rows = PAGE.read_text("utf-8").split(f"## `[{group}]`")[1].split("\n## ")[0]
    row = next((row for row in rows.splitlines() if row.startswith(f"| `{name}` ")), "")

    assert f"`FEEDSVC_{name.upper()}`" in row
    assert doc in row


def test_no_setting_is_documented_that_does_not_exist() -> None:
    """A key that was removed is removed here too."""
    known = {f"FEEDSVC_{one.name.upper()}" for _, one in SETTINGS}
    text = PAGE.read_text("utf-8")

    documented = {
        row.split("`")[3]
        for row in text.splitlines()
        if row.startswith("| `") and "`FEEDSVC_" in row
    }

    assert documented == known
