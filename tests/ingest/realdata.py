"""Recorded payloads that lie beside the project; without them tests have no cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2].parent / "shared" / "realdata"


def cases(*patterns: str, without: tuple[str, ...] = ()) -> list[object]:
    """Return a pytest parameter for each file, or one that says there are none."""
    found = list(_files(patterns, without))
    if not found:
        return [pytest.param(None, id="no-recorded-payloads-here")]
    return [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in found]


def _files(patterns: tuple[str, ...], without: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if not any(word in path.name for word in without):
                yield path
