"""The commands of ingest in processes of their own, and what they are configured by."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from pathlib import Path

import pytest

from ingest.cli import main
from tests.ingest.upstream import Upstream

ROOT = Path(__file__).parents[2]

CONFIG = """
[[channel]]
path = "radio.staff"
access = "private"

[[source]]
name = "news"
type = "feed"
url = "{url}/feed?key=secret"
channel = "radio.news"
schedule = "every 5s"
allow_private = true

[[source]]
name = "staff"
type = "feed"
url = "{url}/staff"
channel = "radio.staff"
schedule = "0 7 * * 1"
allow_private = true
max_age = "7d"
"""


class Command:
    """Runs ``feedsvc-ingest``: in a thread, or by ``start`` in a process of its own."""

    def __init__(self, server: Upstream, uri: str, config: Path) -> None:
        self.server = server
        self.config = config
        self.environment = {**os.environ, "FEEDSVC_MONGODB_URI": uri}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingest", *arguments, "--config", str(self.config)),
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit code and what went to standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            code = await asyncio.to_thread(
                main, [*arguments, "--config", str(self.config)]
            )
        return code, out.getvalue(), err.getvalue()
