"""Leases of running sources: renewed, lost, overtaken, cut; several hosts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ingest import leasing
from ingest import run as running
from ingest.run import run
from ingest.sources.feed import FeedSource
from ingest.summary import Outcome
from tests.ingest.scene import Scene, rss
from tests.ingest.upstream import Writer, answer

pytestmark = pytest.mark.mongo


class Gate:
    """An answer that is given when the test says so."""

    def __init__(self, body: str) -> None:
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        self._body = body

    async def __call__(self, writer: Writer) -> None:
        self.asked.set()
        await self.open.wait()
        writer.write(answer(200, self._body.encode()))


async def test_a_lease_is_renewed_while_its_run_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-way to its end, so a short lease does for a long run."""
    monkeypatch.setattr(leasing, "LEASE_S", 0.2)
    gate = Gate(rss(("1", "One")))
    scene.server.answers["/feed"] = gate
    scene.job = replace(scene.job, timeout_s=60)
    task = asyncio.create_task(scene.run())
    await gate.asked.wait()
    scene.now += timedelta(hours=1)

    async with asyncio.timeout(30):
        while (await scene.leased_until()) <= scene.now:  # noqa: ASYNC110 - MongoDB
            await asyncio.sleep(0.01)
    gate.open.set()

    assert (await task).outcome is Outcome.DONE


async def test_a_run_that_lost_its_lease_is_cut(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it now does the work; nothing of ours is kept."""
    monkeypatch.setattr(leasing, "LEASE_S", 0.2)
    gate = Gate(rss(("1", "One")))
    scene.server.answers["/feed"] = gate
    scene.job = replace(scene.job, timeout_s=60)
    task = asyncio.create_task(scene.run())
    await gate.asked.wait()

    later = scene.now + timedelta(days=1)
    other = await scene.tools.sources.lease(
        "news", holder="there", now=later, ttl_s=60, even_early=True
    )
    summary = await task

    assert other is not None
    assert summary.outcome is Outcome.LOST
    assert await scene.items() == []
    assert await scene.tools.sources.finish(other, {}, later)


async def test_a_run_that_was_overtaken_changes_nothing(scene: Scene) -> None:
    """Though it still writes: what it read is older than what is stored."""
    gate = Gate(rss(("1", "One"), ("2", "Only in the old document")))
    scene.server.answers["/feed"] = gate
    scene.job = replace(scene.job, timeout_s=60)
    late = asyncio.create_task(scene.run())
    await gate.asked.wait()
    scene.now += timedelta(hours=1)
    there = replace(scene.tools, holder="there")
    scene.server.put("/feed", rss(("1", "One, corrected")))
    overtaking = await run(scene.job, there)

    gate.open.set()
    summary = await late

    assert overtaking.written == {"created": 1}
    assert summary.outcome is Outcome.LOST
    [item] = [one for one in await scene.items() if one.source_id == "1"]
    assert (item.body["title"], item.rev) == ("One, corrected", 1)


async def test_a_run_that_hangs_is_cut_and_the_next_one_happens(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source is free again at once."""
    gate = Gate("")
    scene.server.answers["/feed"] = gate
    scene.job = replace(scene.job, timeout_s=60)
    monkeypatch.setattr(running, "RUN_S", 0.2)
    hanging = await scene.run()
    monkeypatch.setattr(running, "RUN_S", 60)
    scene.server.put("/feed", rss(("1", "One")))

    summary = await scene.run_when_due()

    assert (hanging.outcome, hanging.error) == (Outcome.FAILED, "took too long")
    assert summary.outcome is Outcome.DONE


async def test_several_hosts_fetch_each_source_once(scene: Scene) -> None:
    """Though all of them start all of them at the same moment."""
    paths = [f"/feed{n}" for n in range(5)]
    for path in paths:
        scene.server.put(path, rss((path, path)))
    jobs = [
        scene.job_of(FeedSource(f"news{n}", scene.server.url + path))
        for n, path in enumerate(paths)
    ]
    hosts = [replace(scene.tools, holder=f"host{n}") for n in range(4)]

    summaries = await asyncio.gather(
        *(run(job, host) for host in hosts for job in jobs)
    )

    asked = sorted(request.split(" ")[1] for request in scene.server.requests)
    assert asked == paths
    assert sum(one.outcome is Outcome.DONE for one in summaries) == len(jobs)
    assert len(await scene.items()) == len(jobs)


async def test_a_mended_configuration_is_tried_at_once(scene: Scene) -> None:
    """However long the source as it was had to wait."""
    scene.server.answers["/feed"] = answer(410)
    await scene.run()
    scene.server.put("/mended", rss(("1", "One")))
    same = await scene.run()
    scene.job = scene.job_of(FeedSource("news", f"{scene.server.url}/mended"))

    mended = await scene.run()

    assert same.outcome is Outcome.NOT_DUE
    assert mended.outcome is Outcome.DONE
    assert (await scene.health()).disabled == ""


async def test_a_busy_source_that_falls_quiet_is_told_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, and in its health until something comes."""
    for number in range(25):
        scene.server.put("/feed", rss((str(number), f"Item {number}")))
        scene.now += timedelta(hours=2)
        await scene.run()
    for _ in range(3):
        scene.now += timedelta(hours=3)
        await scene.run()
    quiet = await scene.health()
    scene.server.put("/feed", rss(("new", "Something new")))

    await scene.run_when_due()

    assert caplog.text.count("source quiet source=news") == 1
    assert quiet.quiet_since == scene.now - timedelta(days=1, hours=3)
    assert (await scene.health()).quiet_since is None
