"""Web hooks over real HTTP, into a real MongoDB."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httputil import HTTPInputError

from feedsvc.errors import ConfigError
from ingest.config import Job
from ingest.exchange import Response
from ingest.run import told
from ingest.secret import Secret
from ingest.sources.azuracast import AzuraCastSource
from ingest.summary import Outcome, Summary
from ingest.webhook import MAX_BODY, MAX_WAITING, Webhooks
from tests.ingest.scene import Scene

pytestmark = pytest.mark.mongo

SECRET = "a secret of the station".replace(" ", "-")
PLAYING = {
    "station": {"id": 1, "shortcode": "web", "name": "Web Radio"},
    "is_online": True,
    "now_playing": {
        "sh_id": 812,
        "played_at": 1795521540,
        "duration": 201,
        "song": {"artist": "Paper Ferries", "title": "Low Tide", "album": "Harbour"},
    },
    "song_history": [
        {
            "sh_id": 811,
            "played_at": 1795521300,
            "song": {"artist": "Tide", "title": "Kettle"},
        }
    ],
}


class Door:
    """The listener, and posts to it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        source = AzuraCastSource(
            "onair", scene.server.url, webhook_secret=Secret(SECRET)
        )
        self.job = scene.job_of(source)
        self.hooks = Webhooks("127.0.0.1", 0, self.receive)

    async def receive(self, job: Job, response: Response) -> Summary:
        return await told(job, self.scene.tools, response)

    async def post(
        self, body: Any, query: str = "", path: str = "/hooks/onair", **headers: str
    ) -> HTTPResponse:
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return await AsyncHTTPClient(force_instance=True).fetch(
            f"http://127.0.0.1:{self.hooks.port}{path}{query}",
            method="POST",
            body=data,
            headers=headers,
            raise_error=False,
            request_timeout=60,
        )


@pytest.fixture
async def door(scene: Scene) -> AsyncIterator[Door]:
    opened = Door(scene)
    opened.hooks.replace([opened.job])
    yield opened
    await opened.hooks.close()


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"azuracast:{secret}".encode()).decode()


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"Authorization": basic(SECRET)}),
        ("", {"Authorization": f"Bearer {SECRET}"}),
        (f"?secret={SECRET}", {}),
    ],
    ids=["basic", "bearer", "query"],
)
async def test_what_is_told_becomes_items(
    door: Door, query: str, headers: dict[str, str]
) -> None:
    """With the secret in any of the places where a station can put it."""
    answer = await door.post(PLAYING, query, **headers)

    assert answer.code == 200
    assert json.loads(answer.body)["written"] == {"created": 2}
    titles = [item.body["title"] for item in await door.scene.items()]
    assert titles == ["Low Tide", "Kettle"]


async def test_being_told_and_polling_are_the_same(door: Door) -> None:
    """Whichever is first: the second writes nothing."""
    await door.post(PLAYING, f"?secret={SECRET}")
    again = await door.post(PLAYING, f"?secret={SECRET}")
    door.scene.job = door.job
    door.scene.server.put("/api/nowplaying", json.dumps([PLAYING]))
    polled = await door.scene.run()

    assert json.loads(again.body)["written"] == {"unchanged": 2}
    assert polled.written == {"unchanged": 2}
    assert all(item.rev == 1 for item in await door.scene.items())


REFUSED: list[tuple[str, str, dict[str, str]]] = [
    ("/hooks/onair", "", {}),
    ("/hooks/onair", "?secret=", {}),
    ("/hooks/onair", f"?secret={SECRET}x", {}),
    ("/hooks/onair", "", {"Authorization": basic("guess")}),
    ("/hooks/onair", "", {"Authorization": "Basic %%%"}),
    ("/hooks/onair", "?secret=%FF%C3%28", {}),
    ("/hooks/other", f"?secret={SECRET}", {}),
]


async def test_without_the_secret_nothing_is_taken(door: Door) -> None:
    """And nobody learns which names there are."""
    for path, query, headers in REFUSED:
        answer = await door.post(PLAYING, query, path, **headers)

        assert answer.code in (400, 401), (path, query)
        assert b"error" in answer.body
    assert await door.scene.items() == []


async def test_what_is_not_of_azuracast_is_refused(door: Door) -> None:
    """With a reason, and without harm to the source's health."""
    for body in ("", "[]", "{", '{"now_playing"', '{"a": 1}', b"\xff\xfe", "[" * 9_999):
        answer = await door.post(body, f"?secret={SECRET}")

        assert answer.code == 400
        assert "AzuraCast" in json.loads(answer.body)["error"]["text"]
    assert await door.scene.tools.sources.all() == []


async def test_a_body_beyond_the_limit_is_not_read(door: Door) -> None:
    """The connection ends instead."""
    try:
        answer = await door.post(b"x" * (MAX_BODY + 1), f"?secret={SECRET}")
    except (OSError, HTTPInputError):
        return

    assert answer.code in (400, 413, 599)


async def test_only_posts_to_hooks_are_answered(door: Door) -> None:
    """Everything else is an error in the same form."""
    url = f"http://127.0.0.1:{door.hooks.port}"
    client = AsyncHTTPClient(force_instance=True)
    for path, code in (("/hooks/onair", 405), ("/", 404), ("/hooks/A%2e", 404)):
        answer = await client.fetch(url + path, raise_error=False)

        assert answer.code == code
        assert "error" in json.loads(answer.body)


async def test_the_secret_reaches_no_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither ours nor the server's, right or wrong."""
    with caplog.at_level(logging.DEBUG):
        await door.post(PLAYING, f"?secret={SECRET}")
        await door.post("{", f"?secret={SECRET}")
        await door.post(PLAYING, f"?secret={SECRET}", "/hooks/other")

    assert "webhook refused path=/hooks/onair status=400" in caplog.text
    assert SECRET not in caplog.text


async def test_a_run_under_way_comes_first(door: Door) -> None:
    """What is told meanwhile waits for it, and both are kept."""
    tools, now = door.scene.tools, door.scene.now
    sources = tools.sources
    # A run of this very process.
    lease = await sources.lease("onair", holder=tools.holder, now=now, ttl_s=60)
    assert lease is not None

    post = asyncio.create_task(door.post(PLAYING, f"?secret={SECRET}"))
    await asyncio.wait([post], timeout=1)
    before = await door.scene.items()
    await sources.finish(lease, lease.state, lease.next_due, lease.health)
    answer = await post

    assert before == []
    assert answer.code == 200
    assert len(await door.scene.items()) == 2


async def test_too_many_at_once_are_told_to_come_again(scene: Scene) -> None:
    """Those that wait stay bounded."""
    gate = asyncio.Event()

    async def receive(job: Job, response: Response) -> Summary:
        await gate.wait()
        return Summary(job.source.name)

    door = Door(scene)
    door.hooks = Webhooks("127.0.0.1", 0, receive)
    door.hooks.replace([door.job])
    posts = [
        asyncio.create_task(door.post(PLAYING, f"?secret={SECRET}"))
        for _ in range(MAX_WAITING + 1)
    ]

    await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
    gate.set()
    answers = await asyncio.gather(*posts)
    await door.hooks.close()

    codes = sorted(answer.code for answer in answers)
    assert codes == [200] * MAX_WAITING + [503]
    (refused,) = [answer for answer in answers if answer.code == 503]
    assert refused.headers["Retry-After"] == "5"


async def test_a_stop_waits_for_what_is_being_written(scene: Scene) -> None:
    """It is answered before the listener is gone."""
    begun, gate = asyncio.Event(), asyncio.Event()

    async def receive(job: Job, response: Response) -> Summary:
        begun.set()
        await gate.wait()
        return Summary(job.source.name)

    door = Door(scene)
    door.hooks = Webhooks("127.0.0.1", 0, receive)
    door.hooks.replace([door.job])
    post = asyncio.create_task(door.post(PLAYING, f"?secret={SECRET}"))
    await begun.wait()
    closing = asyncio.create_task(door.hooks.close())
    gate.set()

    assert (await post).code == 200
    await closing


async def test_without_a_secret_nothing_listens(scene: Scene) -> None:
    """The port is opened by the first source that wants it, also at a reload."""
    door = Door(scene)
    door.hooks.replace([scene.job])
    before = door.hooks.port
    door.hooks.replace([door.job])
    after = door.hooks.port
    taken = Webhooks("127.0.0.1", after or 0, door.receive)

    with pytest.raises(ConfigError, match="ingest_port"):
        taken.replace([door.job])
    await door.hooks.close()

    assert before is None
    assert after


async def test_a_disabled_source_is_told_in_vain(door: Door) -> None:
    """The kill switch holds for hooks too."""

    async def receive(job: Job, response: Response) -> Summary:
        return Summary(job.source.name, Outcome.NOT_DUE)

    door.hooks._receive = receive

    answer = await door.post(PLAYING, f"?secret={SECRET}")

    assert answer.code == 503
    assert "not due" in json.loads(answer.body)["error"]["text"]
