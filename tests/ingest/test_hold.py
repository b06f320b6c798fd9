"""Sources whose items an editor sees first, and sources that are switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.summary import Outcome
from tests.ingest.scene import Scene, rss

pytestmark = pytest.mark.mongo


async def test_what_a_source_with_hold_brings_waits_for_an_editor(
    scene: Scene,
) -> None:
    """Its edits wait too, and nothing that was rejected comes again."""
    scene.job = scene.feed(hold=True)
    scene.server.put("/feed", rss(("1", "One"), ("2", "Two")))
    first = await scene.run()
    before = await scene.items()
    one, two = sorted((await held(scene)), key=lambda item_id: item_id)
    await scene.tools.items.change(one, lambda record: record.approve(scene.now))
    await scene.tools.items.change(two, lambda record: record.reject(scene.now))
    scene.server.put("/feed", rss(("1", "One, corrected"), ("2", "Two, corrected")))

    second = await scene.run_when_due()

    assert (first.written, before) == ({"created": 2}, [])
    assert second.written == {"updated": 1, "gone": 1}
    [shown] = await scene.items()
    record = await scene.tools.items.record(one)
    assert (shown.id, shown.backfill) == (one, False)
    assert shown.body["title"] in ("One", "Two")
    assert record is not None
    assert record.waiting is not None
    assert record.waiting.item.body["title"] == f"{shown.body['title']}, corrected"


async def test_a_source_that_is_switched_off_is_not_asked(scene: Scene) -> None:
    """Not by a person either, until it is switched on again."""
    scene.server.put("/feed", rss(("1", "One")))
    await scene.tools.sources.disable("news", "the operator", scene.now)

    off = await scene.run(even_early=True)
    await scene.tools.sources.enable("news")
    scene.now += timedelta(days=1)
    on = await scene.run()

    assert (off.outcome, on.outcome) == (Outcome.DISABLED, Outcome.DONE)
    assert len(await scene.items()) == 1


async def held(scene: Scene) -> list[str]:
    """Return the ids of what is stored of the source and shown to nobody."""
    found = [page async for page in scene.tools.sourced.stored("news")]
    return [record.id for page in found for record in page if record.held]
