"""Whole runs of sources of APIs and files: over HTTP or from disk, into MongoDB."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feedsvc.core.item import ItemType
from ingest.config import OnMissing
from ingest.filters import patterns
from ingest.run import reconcile
from ingest.secret import Secret
from ingest.sources.base import Source
from ingest.sources.bluesky import BlueskySource
from ingest.sources.files import FileSource
from ingest.sources.json_api import JsonSource
from ingest.sources.json_fields import fields_option
from ingest.sources.x import XSource
from ingest.summary import Outcome
from tests.ingest.scene import Scene
from tests.ingest.upstream import Writer, answer

pytestmark = pytest.mark.mongo

RATE = ("x-rate-limit-limit: 900", "x-rate-limit-remaining: 898")


class Site:
    """Answers for X: one account's posts, by pages of two."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.posts: dict[int, dict[str, Any]] = {}
        self.asked: list[dict[str, list[str]]] = []
        scene.server.answers["/2/users/by/username/radio"] = self._user
        scene.server.answers["/2/users/7/tweets"] = self._timeline
        scene.server.answers["/2/tweets"] = self._lookup

    def post(self, number: int, text: str, first: int | None = None) -> None:
        history = [str(first or number), str(number)]
        self.posts[number] = {
            "id": str(number),
            "text": text,
            "author_id": "7",
            "edit_history_tweet_ids": list(dict.fromkeys(history)),
            "created_at": "2026-11-24T10:00:00.000Z",
        }

    async def _user(self, writer: Writer) -> None:
        user = {"id": "7", "username": "radio", "name": "Radio"}
        writer.write(answer(200, json.dumps({"data": user}).encode(), *RATE))

    async def _timeline(self, writer: Writer) -> None:
        query = self._query()
        since = int(query.get("since_id", ["0"])[0])
        start = int(query.get("pagination_token", ["0"])[0])
        found = sorted((n for n in self.posts if n > since), reverse=True)
        page = found[start : start + 2]
        meta: dict[str, Any] = {"result_count": len(page)}
        if len(found) > start + 2:
            meta["next_token"] = str(start + 2)
        body: dict[str, Any] = {"meta": meta}
        if page:
            body["data"] = [self.posts[number] for number in page]
        writer.write(answer(200, json.dumps(body).encode(), *RATE))

    async def _lookup(self, writer: Writer) -> None:
        ids = [int(one) for one in self._query()["ids"][0].split(",")]
        there = [self.posts[number] for number in ids if number in self.posts]
        errors = [
            {
                "resource_id": str(number),
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
            for number in ids
            if number not in self.posts
        ]
        body = {"data": there, "errors": errors}
        writer.write(answer(200, json.dumps(body).encode(), *RATE))

    def _query(self) -> dict[str, list[str]]:
        target = self._scene.server.requests[-1].split(" ")[1]
        self.asked.append(parse_qs(urlsplit(target).query))
        return self.asked[-1]


def x_source(scene: Scene) -> Source:
    return XSource("x", scene.server.url, username="radio", token=Secret("secret"))


async def texts(scene: Scene) -> list[str]:
    return sorted(one.body["content_text"] for one in await scene.items())


async def test_an_account_on_x_is_followed(scene: Scene) -> None:
    """Looked up once, read from the newest known post on, by pages; edits stay one."""
    site = Site(scene)
    scene.job = scene.job_of(x_source(scene))
    for number in range(1, 4):
        site.post(number, f"post {number}")

    await scene.run()
    for number in range(4, 9):
        site.post(number, f"post {number}")
    site.post(9, "post 8, edited", first=8)
    del site.posts[8]
    second = await scene.run_when_due()
    third = await scene.run_when_due()

    assert await texts(scene) == [
        *("post 2", "post 3", "post 4", "post 5", "post 6", "post 7", "post 8, edited")
    ]
    assert second.written == {"created": 5}
    assert third.written == {}
    assert scene.server.header("Authorization") == "Bearer secret"
    assert [one.get("since_id") for one in site.asked] == [
        *(None, ["3"], ["3"], ["3"], ["9"])
    ]
    assert "secret" not in repr(await scene.state())


async def test_posts_deleted_on_x_are_found_by_asking_for_them(scene: Scene) -> None:
    """A hundred in one request; what is still there stays."""
    site = Site(scene)
    scene.job = scene.job_of(x_source(scene))
    site.post(1, "one")
    site.post(2, "two")
    await scene.run()
    del site.posts[1]

    summary = await reconcile(scene.job, scene.tools, lambda done: None)

    assert await texts(scene) == ["two"]
    assert summary.written["removed"] == 1
    assert site.asked[-1]["ids"] == ["2,1"] or site.asked[-1]["ids"] == ["1,2"]


async def test_the_rate_limit_of_x_is_kept_to(scene: Scene) -> None:
    """Its reset is told in seconds since 1970."""
    Site(scene)
    scene.job = scene.job_of(x_source(scene))
    reset = int(time.time()) + 3_000
    scene.server.answers["/2/users/by/username/radio"] = answer(
        429, b"{}", "x-rate-limit-remaining: 0", f"x-rate-limit-reset: {reset}"
    )

    summary = await scene.run()

    assert summary.outcome is Outcome.FAILED
    assert summary.next_due is not None
    assert (summary.next_due - scene.now).total_seconds() > 2_500


async def test_posts_deleted_on_bluesky_are_found_by_asking_for_them(
    scene: Scene,
) -> None:
    """What the answer leaves out is gone; a repost is gone with its post."""
    author = {"did": "did:plc:a", "handle": "a.example"}
    views = [
        {
            "uri": f"at://did:plc:a/app.bsky.feed.post/{number}",
            "author": author,
            "record": {"text": f"post {number}"},
            "indexedAt": "2026-11-24T10:00:00Z",
        }
        for number in range(3)
    ]
    repost = {
        "$type": "app.bsky.feed.defs#reasonRepost",
        "by": {"did": "did:plc:b"},
        "indexedAt": "2026-11-24T11:00:00Z",
    }
    feed = [*({"post": view} for view in views), {"post": views[0], "reason": repost}]
    scene.server.put("/xrpc/app.bsky.feed.getAuthorFeed", json.dumps({"feed": feed}))
    left = json.dumps({"posts": views[1:]})
    scene.server.put("/xrpc/app.bsky.feed.getPosts", left)
    scene.job = scene.job_of(BlueskySource("s", scene.server.url, actor="a.example"))
    await scene.run()
    assert await texts(scene) == ["post 0", "post 0", "post 1", "post 2"]

    await reconcile(scene.job, scene.tools, lambda done: None)

    assert await texts(scene) == ["post 1", "post 2"]


async def test_pages_of_any_api_are_read_in_one_run(scene: Scene) -> None:
    """Filtered; what is not wanted is counted. A second run changes nothing."""
    source = JsonSource(
        "api",
        f"{scene.server.url}/1",
        fields=fields_option({"id": "id", "title": "t", "removed": "gone"}),
        items=JsonSource.options["items"].read("d"),
        next=JsonSource.options["next"].read("next"),
        exclude=patterns(["ad"]),
    )
    scene.job = scene.job_of(source)
    pages = [
        {"d": [{"id": 1, "t": "one"}, {"id": 2, "t": "an ad"}], "next": "/2"},
        {"d": [{"id": 3, "t": "three"}, {"id": 4}], "next": None},
    ]
    for number, page in enumerate(pages, start=1):
        scene.server.put(f"/{number}", json.dumps(page))

    first = await scene.run()
    again = await scene.run_when_due()
    pages[0]["d"] = [{"id": 1, "gone": True}]
    scene.server.put("/1", json.dumps(pages[0]))
    removed = await scene.run_when_due()

    assert first.written == {"created": 2}
    assert first.dropped == {"excluded": 1}
    assert first.faults == ["item 2: has no title"]
    assert again.written == {"unchanged": 2}
    assert removed.written == {"unchanged": 1, "removed": 1}
    assert [one.body["title"] for one in await scene.items()] == ["three"]


async def test_events_of_all_pages_of_a_calendar_are_seen(scene: Scene) -> None:
    """What is missing is missing on every page, twice, and is cancelled then."""
    source = JsonSource(
        "api",
        f"{scene.server.url}/1?key=secret-key",
        item_type=ItemType.EVENT,
        fields=fields_option({"id": "id", "title": "id", "starts_at": "at"}),
        items=JsonSource.options["items"].read("d"),
        next=JsonSource.options["next"].read("next"),
    )
    scene.job = scene.job_of(source, on_missing=OnMissing.CANCEL)
    events = [{"id": f"e{n}", "at": "2027-03-01T20:00:00Z"} for n in range(6)]

    def serve(second: list[dict[str, str]]) -> None:
        scene.server.put("/1", json.dumps({"d": events[:3], "next": "/2"}))
        scene.server.put("/2", json.dumps({"d": second}))

    serve(events[3:])
    await scene.run()
    serve(events[3:5])
    once = await scene.run_when_due()
    twice = await scene.run_when_due()

    status = {one.body["title"]: one.body["status"] for one in await scene.items()}
    assert once.written == {"unchanged": 5}
    assert twice.written["updated"] + twice.written["cancelled"] == 1
    assert [name for name, told in sorted(status.items()) if told == "cancelled"] == [
        "e5"
    ]
    assert "secret-key" not in repr(await scene.state())


async def test_files_are_read_when_they_change(scene: Scene, tmp_path: Path) -> None:
    """And a run without a change is one that found nothing modified."""
    feed = (
        "<rss><channel><item><guid>{0}</guid><title>{0}</title></item></channel></rss>"
    )
    (tmp_path / "a.xml").write_text(feed.format("a"))
    (tmp_path / "b.xml").write_text("<html>")
    source = FileSource("f", "file:", path=str(tmp_path / "*.xml"), format="feed")
    scene.job = scene.job_of(source)

    first = await scene.run()
    second = await scene.run_when_due()
    (tmp_path / "b.xml").write_text(feed.format("b"))
    third = await scene.run_when_due()

    assert first.written == {"created": 1}
    assert first.faults[0].startswith("b.xml: not a feed")
    assert second.outcome is Outcome.NOT_MODIFIED
    assert third.written == {"created": 1}
    assert scene.server.requests == []


async def test_a_file_that_is_away_is_an_error(scene: Scene, tmp_path: Path) -> None:
    """With the name of the file, for whoever mistyped it."""
    source = FileSource("f", "file:", path=str(tmp_path / "a.xml"), format="feed")
    scene.job = scene.job_of(source)

    summary = await scene.run()

    assert summary.outcome is Outcome.FAILED
    assert summary.error == f"file://{tmp_path}/a.xml: no such file or directory"
