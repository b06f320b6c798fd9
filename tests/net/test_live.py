"""The realtime protocol: each message and what follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.net.station import NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def test_subscribing_is_answered_with_the_backlog(
    station: Station, channel: str
) -> None:
    """Newest first, with the cursor to go on from."""
    published = await station.posts(channel, 25)
    live = await station.live()

    answer = await live.ask("subscribe", channel=channel)

    assert set(answer) == {
        *("msg", "id", "channel", "items", "cursor", "resumed", "more")
    }
    assert (answer["msg"], answer["channel"]) == ("subscribed", channel)
    assert ids(answer["items"]) == published[:4:-1]
    assert (answer["resumed"], answer["more"]) == (False, True)


@pytest.mark.parametrize(
    ("backlog", "expected", "more"),
    [(0, 0, True), (3, 3, True), (4, 4, False), (500, 4, False), (501, 4, False)],
)
async def test_the_backlog_has_as_many_items_as_asked_for(
    station: Station, channel: str, backlog: int, expected: int, more: bool
) -> None:
    """``more`` says whether there are older ones."""
    published = await station.posts(channel, 4)
    live = await station.live()

    answer = await live.subscribe(channel, backlog=backlog)

    assert ids(answer["items"]) == published[::-1][:expected]
    assert answer["more"] is more


async def test_a_channel_without_items_can_be_subscribed_to(
    station: Station, channel: str
) -> None:
    """Its first item then comes live."""
    live = await station.live()

    answer = await live.subscribe(channel)
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert (answer["items"], answer["more"]) == ([], False)
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_a_live_message_has_the_item_the_change_and_a_cursor(
    station: Station, channel: str
) -> None:
    """Created, updated, removed, and created again."""
    live = await station.live()
    await live.subscribe(channel)
    item_id = f"{channel}:1"

    await station.publisher.publish(channel, post(item_id, NOON))
    created = await live.next()
    await station.publisher.publish(channel, post(item_id, NOON, title="News"))
    updated = await live.next()
    await station.publisher.delete(item_id)
    removed = await live.next()

    assert created == {
        "msg": "item",
        "change": "created",
        "item": {
            "id": item_id,
            "channel": channel,
            "type": "post",
            "date": "2026-11-24T12:00:00.000Z",
            "content_text": "On air.",
            "source": "api",
            "rev": 1,
        },
        "cursor": created["cursor"],
    }
    assert (updated["change"], updated["item"]["rev"]) == ("updated", 2)
    assert (removed["change"], removed["item"]) == (
        "removed",
        {"id": item_id, "channel": channel, "rev": 3, "removed": True},
    )
    assert created["cursor"] < updated["cursor"] < removed["cursor"]


async def test_an_item_dated_last_week_comes_live_and_sits_at_its_date(
    station: Station, channel: str
) -> None:
    """Two clocks: what people see, and what happened."""
    await station.publish(channel, post("new", NOON))
    live = await station.live()
    await live.subscribe(channel)

    await station.publisher.publish(channel, post("old", NOON - timedelta(days=7)))
    [item] = await live.next_items(1)
    late = await (await station.live()).subscribe(channel)

    assert item["id"] == "old"
    assert ids(late["items"]) == ["new", "old"]


async def test_an_unchanged_item_is_not_sent_again(
    station: Station, channel: str
) -> None:
    """Nothing happened."""
    live = await station.live()
    await live.subscribe(channel)

    for name in ("1", "1", "1", "2"):
        await station.publisher.publish(channel, post(f"{channel}:{name}", NOON))

    assert ids(await live.next_items(2)) == [f"{channel}:1", f"{channel}:2"]


async def test_subscriptions_that_overlap_bring_an_item_once(
    station: Station, channel: str
) -> None:
    """However many of them match."""
    live = await station.live()
    for name in (channel, f"{channel}.artist", f"{channel}.*", f"{channel}.artist.*"):
        await live.subscribe(name)

    await station.publisher.publish(f"{channel}.artist.ada", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.artist.ada", post(f"{channel}:2"))

    assert ids(await live.next_items(2)) == [f"{channel}:1", f"{channel}:2"]
    assert await live.heard_by_now() == []


async def test_only_the_types_asked_for_are_sent(
    station: Station, channel: str
) -> None:
    """In the backlog and live; a removal of another type neither."""
    track = {"type": "track", "title": "Tide", "artist": "Ada"}
    await station.publish(channel, post("p"), {**track, "id": f"{channel}:1"})
    live = await station.live()

    answer = await live.subscribe(channel, types=["track", "episode"])
    await station.publisher.publish(channel, post("q"))
    await station.publisher.delete("p")
    await station.publisher.publish(channel, {**track, "id": f"{channel}:2"})

    assert ids(answer["items"]) == [f"{channel}:1"]
    assert ids(await live.next_items(1)) == [f"{channel}:2"]


async def test_a_second_subscription_to_a_channel_replaces_the_first(
    station: Station, channel: str
) -> None:
    """With other types, for example; each item still comes once."""
    await station.posts(channel, 3)
    live = await station.live()
    await live.subscribe(channel, types=["track"])

    answer = await live.subscribe(channel, backlog=1)
    await station.publisher.publish(channel, post(f"{channel}:live"))
    item = await live.next()
    await live.ask("unsubscribe", channel=channel)
    await station.publish(channel, post(f"{channel}:later"))

    assert len(answer["items"]) == 1
    assert item["item"]["id"] == f"{channel}:live"
    assert await live.heard_by_now() == []


async def test_unsubscribing_ends_what_comes(station: Station, channel: str) -> None:
    """And is answered also where there was nothing to end."""
    live = await station.live()
    await live.subscribe(f"{channel}.a")
    await live.subscribe(f"{channel}.b")

    answer = await live.ask("unsubscribe", channel=f"{channel}.A")
    again = await live.ask("unsubscribe", channel=f"{channel}.a")
    await station.publisher.publish(f"{channel}.a", post(f"{channel}:1"))
    await station.publisher.publish(f"{channel}.b", post(f"{channel}:2"))

    assert answer == {**answer, "msg": "unsubscribed", "channel": f"{channel}.a"}
    assert again["msg"] == "unsubscribed"
    assert ids(await live.next_items(1)) == [f"{channel}:2"]


async def test_backlog_pages_go_down_to_the_end(station: Station, channel: str) -> None:
    """The same pages as over HTTP."""
    published = await station.posts(channel, 5)
    live = await station.live()

    first = await live.ask("backlog", channel=channel, limit=2)
    second = await live.ask("backlog", channel=channel, limit=2, before=first["next"])
    third = await live.ask("backlog", channel=channel, limit=2, before=second["next"])
    http = (await station.http.items(channel, limit=2)).json

    assert set(first) == {"msg", "id", "channel", "items", "next"}
    assert first["msg"] == "backlog"
    assert first["next"] == http["next"]
    pages = [ids(page["items"]) for page in (first, second, third)]
    assert [*pages[0], *pages[1], *pages[2]] == published[::-1]
    assert third["next"] is None


async def test_publishing_over_the_socket(station: Station, channel: str) -> None:
    """With the right; answered when it is stored."""
    live = await station.live()
    item = post(f"{channel}:1")

    without = await live.refusal("publish", channel=channel, item=item)
    await live.auth(station.token(publish=[channel]))
    elsewhere = await live.refusal("publish", channel="radio.news", item=item)
    created = await live.ask("publish", channel=channel, item=item)
    same = await live.ask("publish", channel=channel, item=item)
    bad = await live.ask("publish", channel=channel, item={"type": "post", "x": 1})

    assert without == "unauthorized"
    assert elsewhere == "forbidden"
    assert created == {
        "msg": "published",
        "id": created["id"],
        "item_id": f"{channel}:1",
        "status": "created",
        "rev": 1,
    }
    assert same["status"] == "unchanged"
    assert (bad["code"], bad["text"]) == ("bad_message", "x: is not a field of an item")
    assert (await station.http.item(f"{channel}:1")).status == 200


async def test_a_publisher_hears_its_own_item(station: Station, channel: str) -> None:
    """Like every subscriber."""
    live = await station.live()
    await live.auth(station.token(publish=[channel]))
    await live.subscribe(channel)

    await live.ask("publish", channel=channel, item=post(f"{channel}:1"))

    assert ids(await live.next_items(1)) == [f"{channel}:1"]
