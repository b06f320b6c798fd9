"""``feedsvc serve`` as a process of its own: what it takes from its machine."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from tests.net.station import own_database

PATIENCE_S = 60.0

pytestmark = pytest.mark.mongo


async def test_the_service_takes_as_many_files_as_it_may(
    mongod_uri: str, tmp_path: Path
) -> None:
    """The usual soft limit of 1,024 would turn the thousandth listener away."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with own_database(mongod_uri) as uri:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh"),
            *(sys.executable, "-m", "feedsvc", "serve"),
            env={
                **os.environ,
                "FEEDSVC_PORT": "0",
                "FEEDSVC_DATA_DIR": str(tmp_path),
                "FEEDSVC_MONGODB_URI": uri,
                "FEEDSVC_DRAIN_SECONDS": "0",
            },
            stdout=PIPE,
            stderr=DEVNULL,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            ready = await process.stdout.readline()
            taken = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            process.send_signal(signal.SIGTERM)
            await process.communicate()

    assert b"ready" in ready
    assert taken == (hard, hard)
    assert process.returncode == 0
