"""Whole runs: from a server on loopback into a real MongoDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decide import Policy
from ingest.isolate import ReaderBug
from ingest.offers import Template
from ingest.sources.base import Batch
from ingest.sources.feed import FeedSource
from ingest.sources.mastodon import PAGE, MastodonSource
from ingest.summary import Outcome
from tests.ingest.scene import Scene, rss
from tests.ingest.upstream import answer

pytestmark = pytest.mark.mongo


async def test_a_run_stores_what_the_source_has(scene: Scene) -> None:
    """And says what it did."""
    scene.server.put("/feed", rss(("1", "One"), ("2", "Two")))

    summary = await scene.run()

    assert summary.outcome is Outcome.DONE
    assert summary.written == {"created": 2}
    assert {item.body["title"] for item in await scene.items()} == {"One", "Two"}
    assert {item.source for item in await scene.items()} == {"news"}


async def test_only_the_first_run_is_backfill(scene: Scene) -> None:
    """A widget announces what comes later, not what was there."""
    scene.server.put("/feed", rss(("1", "One")))
    await scene.run()
    scene.server.put("/feed", rss(("2", "Two"), ("1", "One")))
    await scene.run_when_due()

    marks = {item.body["title"]: item.backfill for item in await scene.items()}

    assert marks == {"One": True, "Two": False}


async def test_a_changed_entry_is_an_update_of_its_item(scene: Scene) -> None:
    """With the next revision; what did not change is not written."""
    scene.server.put("/feed", rss(("1", "One"), ("2", "Two")))
    await scene.run()
    scene.server.put("/feed", rss(("1", "One, corrected"), ("2", "Two")))

    summary = await scene.run_when_due()

    assert summary.written == {"updated": 1, "unchanged": 1}
    assert sorted((one.body["title"], one.rev) for one in await scene.items()) == [
        ("One, corrected", 2),
        ("Two", 1),
    ]


async def test_a_removed_item_does_not_come_back(scene: Scene) -> None:
    """Though the source still shows it."""
    scene.server.put("/feed", rss(("1", "One")))
    await scene.run()
    (item,) = await scene.items()
    await scene.tools.items.remove(item.id, now=scene.now)

    summary = await scene.run_when_due()

    assert summary.written == {"gone": 1}
    assert await scene.items() == []


async def test_not_modified_ends_the_run(scene: Scene) -> None:
    """The validators of the last run are asked with."""
    scene.server.put("/feed", rss(("1", "One")), 'ETag: "v1"')
    await scene.run()
    scene.server.answers["/feed"] = answer(304, b"", 'ETag: "v1"')

    summary = await scene.run_when_due()
    again = await scene.run_when_due()

    assert summary.outcome is Outcome.NOT_MODIFIED
    assert again.outcome is Outcome.NOT_MODIFIED
    assert scene.server.header("If-None-Match") == '"v1"'


async def test_another_channel_in_the_configuration_reads_everything_anew(
    scene: Scene,
) -> None:
    """Else nothing would arrive there until the document changes."""
    scene.server.put("/feed", rss(("1", "One")), 'ETag: "v1"')
    await scene.run()
    scene.job = scene.feed(policy=Policy(max_items=7))

    await scene.run_when_due()

    assert scene.server.header("If-None-Match") is None


async def test_a_source_is_not_run_before_it_is_due(scene: Scene) -> None:
    """Except by a person who says so."""
    scene.server.put("/feed", rss(("1", "One")), "Cache-Control: max-age=3600")
    await scene.run()
    scene.now += timedelta(minutes=30)

    early = await scene.run()
    forced = await scene.run(even_early=True)
    scene.now += timedelta(minutes=61)
    later = await scene.run()

    assert early.outcome is Outcome.NOT_DUE
    assert forced.outcome is Outcome.DONE
    assert later.outcome is Outcome.DONE


async def test_two_holders_never_run_one_source_at_once(scene: Scene) -> None:
    """Whatever their schedules say."""
    scene.server.put("/feed", rss(("1", "One")))
    other = await scene.tools.sources.lease(
        "news", holder="there", now=scene.now, ttl_s=60
    )

    summary = await scene.run(even_early=True)

    assert other is not None
    assert summary.outcome is Outcome.NOT_DUE


async def test_a_failure_is_a_value_and_waits_longer_each_time(scene: Scene) -> None:
    """What was learnt before is kept; a success forgets the failures."""
    scene.server.put("/feed", rss(("1", "One")), 'ETag: "v1"')
    await scene.run()
    scene.server.answers["/feed"] = answer(500)

    first = await scene.run_when_due()
    first_wait = first.next_due - scene.now
    second = await scene.run_when_due()
    second_wait = second.next_due - scene.now
    failures = (await scene.health()).failures
    scene.server.put("/feed", rss(("1", "One")))
    await scene.run_when_due()

    assert first.outcome is Outcome.FAILED
    assert "500" in first.error
    assert second_wait == 2 * first_wait
    assert failures == 2
    assert (await scene.health()).failures == 0


async def test_a_broken_document_fails_the_run_and_not_the_caller(scene: Scene) -> None:
    """The lease is free again."""
    scene.server.put("/feed", "<html>Sorry</html>")

    summary = await scene.run()
    again = await scene.run(even_early=True)

    assert "not a feed" in summary.error
    assert again.outcome is Outcome.FAILED


class Buggy(FeedSource):
    """A source type with a bug."""

    def parse(self, response: object, state: object) -> Batch:
        raise ZeroDivisionError


async def test_a_bug_is_raised_and_counts_as_a_failure(scene: Scene) -> None:
    """So that it is not asked again at once, for ever."""
    scene.server.put("/feed", "x")
    scene.job = scene.job_of(Buggy("news", f"{scene.server.url}/feed"))

    with pytest.raises(ReaderBug, match="ZeroDivisionError"):
        await scene.run()

    assert (await scene.health()).failures == 1


async def test_retry_after_is_kept_until_the_time_has_come(scene: Scene) -> None:
    """By every process, since it is in the database."""
    scene.server.answers["/feed"] = answer(429, b"", "Retry-After: 7200")

    summary = await scene.run()

    assert summary.next_due >= scene.now + timedelta(seconds=7_190)


async def test_a_source_that_moved_is_asked_at_its_new_place(scene: Scene) -> None:
    """After three equal answers."""
    scene.server.answers["/feed"] = answer(301, b"", "Location: /new")
    scene.server.put("/new", rss(("1", "One")))

    for _ in range(4):
        await scene.run_when_due()

    paths = [request.split(" ")[1] for request in scene.server.requests]
    assert paths == ["/feed", "/new"] * 3 + ["/new"]


async def test_a_place_that_fails_is_left_for_the_old_one(scene: Scene) -> None:
    """A move may have been a mistake."""
    scene.server.answers["/feed"] = answer(301, b"", "Location: /new")
    scene.server.put("/new", rss(("1", "One")))
    for _ in range(3):
        await scene.run_when_due()
    scene.server.answers["/new"] = answer(404)
    await scene.run_when_due()
    scene.server.put("/feed", rss(("1", "One")))

    summary = await scene.run_when_due()

    assert summary.outcome is Outcome.DONE


async def test_a_source_that_is_gone_is_told_at_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """And left alone for a month."""
    scene.server.answers["/feed"] = answer(410)

    summary = await scene.run()

    assert "source gone for good source=news" in caplog.text
    assert summary.next_due == scene.now + timedelta(days=30)


async def test_all_pages_of_a_gap_are_read_in_one_run(scene: Scene) -> None:
    """And the state goes on from the newest post."""
    posts = [
        {"id": str(n), "uri": f"http://social.example/{n}", "content": f"post {n}"}
        for n in range(100, 100 + 3 * PAGE)
    ]

    async def statuses(writer: Any) -> None:
        query = scene.server.requests[-1].split(" ")[1]
        after = int(query.partition("min_id=")[2].partition("&")[0] or 0)
        found = [post for post in posts if int(post["id"]) > after]
        page = found[:PAGE] if after else found[-PAGE:]
        writer.write(answer(200, json.dumps(page[::-1]).encode()))

    scene.server.answers["/api/v1/accounts/7/statuses"] = statuses
    scene.job = scene.job_of(MastodonSource("posts", scene.server.url, account_id="7"))
    everything = posts
    posts = everything[:1]
    await scene.run()
    posts = everything

    summary = await scene.run_when_due()

    assert summary.written["created"] == len(everything) - 1
    assert (await scene.state())["own"]["newest"] == everything[-1]["id"]


async def test_another_account_starts_with_nothing_kept(scene: Scene) -> None:
    """The id that was looked up for the account before is not asked for again."""
    for number, name in ((1, "ada"), (2, "bob")):
        path = f"/api/v1/accounts/{number}/statuses"
        post = {"id": "1", "uri": f"http://social.example/{name}", "content": name}
        scene.server.put(path, json.dumps([post]))
    for number, name in ((1, "ada"), (2, "bob")):
        account = {"id": str(number), "acct": name}
        scene.server.put("/api/v1/accounts/lookup", json.dumps(account))
        scene.job = scene.job_of(MastodonSource("post", scene.server.url, acct=name))
        await scene.run_when_due()

    texts = {item.body["content_text"] for item in await scene.items()}

    assert texts == {"ada", "bob"}


async def test_an_id_that_another_channel_has_is_left_out_and_told(
    scene: Scene,
) -> None:
    """The other items are stored."""
    scene.server.put("/feed", rss(("1", "One")))
    await scene.run()
    scene.server.put("/feed", rss(("1", "One"), ("2", "Two")))
    scene.job = scene.feed(template=Template("radio.other"))

    summary = await scene.run_when_due()

    assert summary.written == {"created": 1}
    assert "taken" in summary.faults[0]


@pytest.fixture
def fresh_name() -> Callable[[], str]:
    count = iter(range(10_000))
    return lambda: f"news-{next(count)}"


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    entries=st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["One", "Two"])), max_size=6
    )
)
async def test_running_twice_is_running_once(
    scene: Scene, fresh_name: Callable[[], str], entries: list[tuple[str, str]]
) -> None:
    """Whatever the document holds, the second run writes nothing."""
    scene.server.put("/feed", rss(*entries))
    name = fresh_name()
    scene.job = scene.job_of(FeedSource(name, f"{scene.server.url}/feed"))

    once = await scene.run()
    stored = await scene.items()
    twice = await scene.run(even_early=True)

    assert twice.written["created"] == twice.written["updated"] == 0
    assert twice.written["unchanged"] == once.written["created"]
    assert await scene.items() == stored
