"""A worker that is told to stop: event streams leave one by one, as sessions do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from ops.deploy.stage import Worker, free_ports
from tests.net.clients import EventStream
from tests.net.station import own_database

DRAIN_S = 4


@pytest.mark.mongo
async def test_event_streams_end_while_the_worker_drains(
    mongod_uri: str, tmp_path: Path
) -> None:
    """When the first has ended, the worker still answers, and says that it drains."""
    async with own_database(mongod_uri) as uri:
        environ = {
            "FEEDSVC_MONGODB_URI": uri,
            "FEEDSVC_DRAIN_SECONDS": str(DRAIN_S),
        }
        worker = Worker(free_ports(1)[0], tmp_path, environ)
        await worker.start()
        await worker.ready()
        streams = [await EventStream.open(worker.url) for _ in range(4)]
        for stream in streams:
            await stream.subscribe("radio")

        stopping = asyncio.create_task(worker.stop())
        ends = [asyncio.create_task(stream.ended()) for stream in streams]
        _, open_still = await asyncio.wait(
            ends, return_when=asyncio.FIRST_COMPLETED, timeout=DRAIN_S * 10
        )
        ready = await AsyncHTTPClient().fetch(f"{worker.url}/readyz", raise_error=False)

        assert open_still
        assert ready.code == 503
        assert b'"draining":true' in ready.body
        await asyncio.gather(*ends, stopping)
        for stream in streams:
            await stream.close()
