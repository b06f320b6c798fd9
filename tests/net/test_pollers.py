"""Pollers, and cursors on every door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.net.station import FOREIGN_CURSOR, NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD_CURSORS = ["", "x", "a" * 20, "AYofDFVrAJGoAAAAAwA", "é" * 20, "A" * 5_000]


async def test_a_poller_gets_what_changed_in_the_order_of_commits(
    station: Station, channel: str
) -> None:
    """Each item once at its newest revision, the removed ones as tombstones."""
    await station.publish(channel, post("a", NOON), post("b", NOON), post("c", NOON))
    known = (await station.http.items(channel)).json
    await station.publish(channel, post("old", NOON - timedelta(days=7)))
    await station.publish(channel, post("a", NOON, title="Once"))
    await station.publisher.delete("b")
    await station.publish(channel, post("a", NOON, title="Twice"))

    answer = (await station.http.items(channel, after=known["cursor"])).json
    nothing = (await station.http.items(channel, after=answer["cursor"])).json

    assert set(answer) == {"items", "cursor", "resumed"}
    assert answer["resumed"] is True
    assert ids(answer["items"]) == ["old", "b", "a"]
    assert answer["items"][1] == {
        "id": "b",
        "channel": channel,
        "rev": 2,
        "removed": True,
    }
    assert answer["items"][2]["title"] == "Twice"
    assert nothing == {**nothing, "items": [], "resumed": True}
    for name in ("a", "c", "old"):
        await station.publisher.delete(name)


async def test_a_poller_gets_only_its_types(station: Station, channel: str) -> None:
    """As the backlog that it began with."""
    await station.posts(channel, 1)
    cursor = (await station.http.items(channel)).json["cursor"]
    track = {"type": "track", "id": f"{channel}:t", "title": "Tide", "artist": "Ada"}
    await station.publish(channel, track, post(f"{channel}:p"))

    answer = (await station.http.items(channel, after=cursor, types="track")).json

    assert ids(answer["items"]) == [f"{channel}:t"]


async def test_a_poller_with_an_unknown_cursor_gets_a_fresh_backlog(
    station: Station, channel: str
) -> None:
    """And is told so; its next cursor is a good one."""
    published = await station.posts(channel, 30)

    answer = (await station.http.items(channel, after=FOREIGN_CURSOR, limit=5)).json
    again = (await station.http.items(channel, after=answer["cursor"])).json

    assert answer["resumed"] is False
    assert ids(answer["items"]) == published[:-6:-1]
    assert (again["resumed"], again["items"]) == (True, [])


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_malformed_cursor_is_refused_on_every_door(
    station: Station, channel: str, cursor: str
) -> None:
    """400, never taken for the beginning or the end."""
    await station.posts(channel, 1)
    live = await station.live()
    ask, events = station.http.ask, f"/api/channels/{channel}/events"
    header = cursor.encode("ascii", "replace").decode() or "?"

    answers = [
        await station.http.items(channel, after=cursor),
        await station.http.items(channel, before=cursor),
        await ask("GET", events, since=cursor),
        await ask("GET", events, headers={"Last-Event-ID": header}),
    ]
    codes = [
        await live.refusal("subscribe", channel=channel, since=cursor),
        await live.refusal("backlog", channel=channel, before=cursor),
    ]

    assert [answer.error for answer in answers] == [(400, "bad_cursor")] * 4
    assert codes == ["bad_cursor"] * 2
    assert [answer.text.partition(":")[0] for answer in answers] == [
        "after",
        "before",
        "since",
        "Last-Event-ID",
    ]


@pytest.mark.parametrize("cursor", [5, 1.5, True, [], {}])
async def test_a_cursor_that_is_no_text_is_refused(
    station: Station, channel: str, cursor: object
) -> None:
    """JSON can hold more than a query."""
    live = await station.live()

    codes = [
        await live.refusal("subscribe", channel=channel, since=cursor),
        await live.refusal("backlog", channel=channel, before=cursor),
    ]

    assert codes == ["bad_cursor"] * 2
