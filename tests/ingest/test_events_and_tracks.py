"""Whole runs of calendars in pages and of streams, into a real MongoDB."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from feedsvc.core.item import Item
from ingest.config import OnMissing
from ingest.filters import patterns
from ingest.secret import Secret
from ingest.sources.icecast import IcecastSource
from ingest.sources.jsonld import PageSource
from ingest.sources.shoutcast import ShoutcastSource
from ingest.sources.ticketmaster import TicketmasterSource
from ingest.summary import Outcome
from tests.ingest.scene import Scene
from tests.ingest.upstream import answer

pytestmark = pytest.mark.mongo


def page(*events: tuple[str, str]) -> str:
    script = [
        {"@type": "Event", "name": "Ada", "url": url, "startDate": start}
        for url, start in events
    ]
    return f'<script type="application/ld+json">{json.dumps(script)}</script>'


def status(*titles: str) -> str:
    sources = [{"listenurl": f"http://h/{one}", "title": one} for one in titles]
    return json.dumps({"icestats": {"source": sources}})


def starts(items: list[Item]) -> dict[str, str]:
    return {item.id: f"{item.body['starts_at']:%d %H:%M}" for item in items}


async def test_a_track_is_written_once_and_the_next_is_another(scene: Scene) -> None:
    """Every poll in between writes nothing; a station off the air is healthy."""
    scene.job = scene.job_of(IcecastSource("onair", scene.server.url))
    written = []
    for title in ("Ada - A", "Ada - A", "Ada - B", "", "Ada - B"):
        scene.now += timedelta(minutes=5)
        scene.server.put("/status-json.xsl", status(*filter(None, [title])))
        summary = await scene.run()
        assert summary.outcome is Outcome.DONE
        written.append(dict(summary.written))

    assert written == [{"created": 1}, {}, {"created": 1}, {}, {}]
    assert [item.body["title"] for item in await scene.items()] == ["B", "A"]
    assert [item.rev for item in await scene.items()] == [1, 1]


async def test_what_is_excluded_is_no_track(scene: Scene) -> None:
    """And the track that it interrupts goes on."""
    source = IcecastSource("onair", scene.server.url, exclude=patterns(["advert*"]))
    scene.job = scene.job_of(source)
    for title in ("Ada - A", "Advertisement", "Ada - A"):
        scene.server.put("/status-json.xsl", status(title))
        await scene.run(even_early=True)

    assert [item.body["title"] for item in await scene.items()] == ["A"]


async def test_shoutcast_is_asked_like_a_browser_asks(scene: Scene) -> None:
    """On the wire."""
    scene.job = scene.job_of(ShoutcastSource("onair", scene.server.url))
    scene.server.put("/stats", '{"songtitle": "Ada - A", "streamstatus": 1}')

    await scene.run()

    assert scene.server.header("User-Agent") == "Mozilla/5.0 (compatible; feedsvc)"
    assert "GET /stats?sid=1&json=1 " in scene.server.requests[0]
    assert len(await scene.items()) == 1


async def test_a_second_date_leaves_the_first_one_what_it_is(scene: Scene) -> None:
    """Though their address is now that of several; one that goes is called off."""
    scene.job = scene.job_of(
        PageSource("hall", f"{scene.server.url}/p"), on_missing=OnMissing.CANCEL
    )
    one, *others = (("/ada", f"2027-05-{day}T20:00") for day in (20, 21, 22))
    seen = []
    for events in ([one], *[[one, *others]] * 3, *[others] * 3):
        scene.server.put("/p", page(*events))
        scene.now += timedelta(hours=1)
        summary = await scene.run()
        assert summary.outcome is Outcome.DONE
        seen.append(starts(await scene.items()))

    assert seen[0].items() <= seen[1].items()
    assert len(seen[1]) == 3
    assert seen[1:] == [seen[1]] * 6
    told = {
        f"{item.body['starts_at']:%d}": (item.body["status"], item.rev)
        for item in await scene.items()
    }
    assert told == {
        "20": ("cancelled", 2),
        "21": ("scheduled", 1),
        "22": ("scheduled", 1),
    }


async def test_a_moved_event_is_an_update(scene: Scene) -> None:
    """Of the same item, in its own channel."""
    scene.job = scene.job_of(PageSource("hall", f"{scene.server.url}/p"))
    for start in ("2027-05-20T20:00", "2027-06-01T20:00"):
        scene.server.put("/p", page(("/ada", start)))
        await scene.run(even_early=True)

    (item,) = await scene.items()
    assert item.rev == 2
    assert starts([item])[item.id] == "01 20:00"


def shop(number: int, pages: int) -> bytes:
    event = {
        "id": f"e{number}",
        "name": f"Event {number}",
        "dates": {"start": {"localDate": "2027-05-20", "localTime": "20:00:00"}},
    }
    of = {"number": number, "totalPages": pages, "size": 100}
    body = json.dumps({"_embedded": {"events": [event]}, "page": of})
    return answer(200, body.encode(), "Rate-Limit-Available: 4000")


async def test_a_shop_is_read_page_by_page_and_its_key_is_kept_nowhere(
    scene: Scene,
) -> None:
    """Neither in what is stored of the source nor in what is told of a failure."""
    source = TicketmasterSource("tickets", scene.server.url, apikey=Secret("hush-hush"))
    scene.job = scene.job_of(source)
    asked: list[str] = []

    async def reply(writer: Any) -> None:
        asked.append(scene.server.requests[-1].partition("\r\n")[0])
        writer.write(shop(len(asked) - 1, 3))

    scene.server.answers["/discovery/v2/events.json"] = reply
    await scene.run()
    state = await scene.state()
    scene.server.answers["/discovery/v2/events.json"] = answer(401)
    failed = await scene.run_when_due()

    assert [line.partition("&page=")[2][:1] for line in asked] == ["0", "1", "2"]
    assert all("apikey=hush-hush" in line for line in asked)
    assert len(await scene.items()) == 3
    assert failed.outcome is Outcome.FAILED
    assert "hush" not in f"{state}{await scene.state()}{failed}{await scene.health()}"


async def test_a_shop_that_asks_to_wait_is_left_alone(scene: Scene) -> None:
    """Its reset is an instant in milliseconds."""
    source = TicketmasterSource("tickets", scene.server.url, apikey=Secret("k"))
    scene.job = scene.job_of(source)
    reset = int((scene.now + timedelta(hours=5)).timestamp() * 1_000)
    scene.server.answers["/discovery/v2/events.json"] = answer(
        429, b"", f"Rate-Limit-Reset: {reset}"
    )

    summary = await scene.run()

    assert summary.outcome is Outcome.FAILED
    assert summary.next_due is not None
    assert summary.next_due > scene.now
