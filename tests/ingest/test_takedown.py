"""What its source removed is gone from every outlet, and the time it took is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

import pytest

from ingest.exchange import Request, Response
from ingest.recheck import Rechecked
from ingest.run import reconcile
from ingest.sources.base import Batch, RawCandidate, Source, State
from ingest.sources.mastodon import MastodonSource
from ingest.summary import Outcome
from tests.ingest.scene import Scene
from tests.ingest.upstream import answer

pytestmark = pytest.mark.mongo


class Telling(Source):
    """A source that says itself what it has removed."""

    kind = "telling"

    def request(self, state: State) -> Request:
        return Request(self.url)

    def parse(self, response: Response, state: State) -> Batch:
        told = json.loads(response.body)
        found = [
            RawCandidate(key, {"type": "post", "content_text": key})
            for key in told["posts"]
        ]
        return Batch(found, removed=told["removed"])


async def test_what_the_source_says_is_gone_is_removed(scene: Scene) -> None:
    """Nothing of its content stays; what nobody knows is no fault."""
    scene.job = scene.job_of(Telling("told", f"{scene.server.url}/told"))
    scene.server.put("/told", json.dumps({"posts": ["a", "b"], "removed": []}))
    await scene.run()
    [item] = [one for one in await scene.items() if one.source_id == "a"]
    scene.server.put("/told", json.dumps({"posts": ["b"], "removed": ["a", "other"]}))

    summary = await scene.run_when_due()

    left = await scene.tools.items.get(item.id)
    assert summary.written == {"unchanged": 1, "removed": 1}
    assert [one.source_id for one in await scene.items()] == ["b"]
    assert left is not None
    assert (left.is_removed, left.body) == (True, {})
    health = await scene.health()
    assert (health.takedowns, health.takedown_s) == (1, 86_400.0)


def uri(scene: Scene, number: int) -> str:
    return f"{scene.server.url}/users/ada/statuses/{number}"


def serve_posts(scene: Scene, numbers: Iterable[int]) -> None:
    posts = [
        {"id": str(n), "uri": uri(scene, n), "content": f"post {n}"} for n in numbers
    ]
    scene.server.put("/api/v1/accounts/7/statuses", json.dumps(posts))
    for post in posts:
        scene.server.put(f"/api/v1/statuses/{post['id']}", json.dumps(post))


@pytest.fixture
def posts(scene: Scene) -> Scene:
    """An account with the posts 1 to 3."""
    source = MastodonSource("ada", scene.server.url, account_id="7")
    scene.job = scene.job_of(source, recheck_s=7_200)
    serve_posts(scene, (3, 2, 1))
    return scene


async def test_stored_posts_are_asked_for_again_now_and_then(posts: Scene) -> None:
    """A post that is missing in the timeline is not gone; one that is not there is."""
    await posts.run()
    serve_posts(posts, (3,))
    posts.server.answers["/api/v1/statuses/1"] = answer(404)
    posts.now += timedelta(hours=1)
    early = await posts.run()
    posts.now += timedelta(hours=1)

    summary = await posts.run()

    assert early.written["removed"] == 0
    assert summary.written["removed"] == 1
    assert {one.source_id for one in await posts.items()} == {
        uri(posts, 2),
        uri(posts, 3),
    }
    assert (await posts.health()).takedown_s == 7_200.0


async def test_reconcile_asks_for_everything_that_is_stored(posts: Scene) -> None:
    """And says how far it is; what it cannot ask for it leaves."""
    await posts.run()
    posts.server.answers["/api/v1/statuses/1"] = answer(410)
    hidden = {"id": "2", "visibility": "private"}
    posts.server.put("/api/v1/statuses/2", json.dumps(hidden))
    steps: list[Rechecked] = []

    summary = await reconcile(posts.job, posts.tools, steps.append)

    assert summary.outcome is Outcome.DONE
    assert summary.written["removed"] == 2
    assert [step.asked for step in steps] == [0, 1, 2, 3]
    assert steps[-1] == Rechecked(asked=3, gone=2, not_askable=0)
    assert [one.source_id for one in await posts.items()] == [uri(posts, 3)]


async def test_a_server_in_trouble_removes_nothing(posts: Scene) -> None:
    """An error is no answer, and the run itself went well."""
    await posts.run()
    posts.server.answers["/api/v1/statuses/3"] = answer(500)
    posts.now += timedelta(hours=2)

    summary = await posts.run()
    by_hand = await reconcile(posts.job, posts.tools, lambda done: None)

    assert summary.outcome is Outcome.DONE
    assert "answered 500" in summary.faults[0]
    assert by_hand.outcome is Outcome.FAILED
    assert len(await posts.items()) == 3
