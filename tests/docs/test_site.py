"""The pages as a site: every link and every reference leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """Each page is in the index, each link to a page, heading or picture is good."""
    sphinx = (sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going")

    built = subprocess.run(
        [*sphinx, "--quiet", "docs", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert built.returncode == 0, built.stderr
    assert (tmp_path / "search.html").is_file()
    assert "data-theme" in (tmp_path / "index.html").read_text("utf-8")
