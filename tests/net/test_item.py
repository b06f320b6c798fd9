"""One item by its id, and the tree of channels."""

from __future__ import annotations

import pytest

from tests.net.station import Station

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_item_is_read_and_removed_by_its_id(
    station: Station, channel: str
) -> None:
    """204 also when it has been removed already; 404 if there never was one."""
    await station.posts(channel, 1)
    item_id = f"{channel}:p000"

    read = await station.http.item(item_id)
    first = await station.publisher.delete(item_id)
    second = await station.publisher.delete(item_id)
    unknown = await station.publisher.delete("unknown")
    gone = await station.http.item(item_id)

    assert read.json["id"] == item_id
    assert (first.status, first.body) == (204, b"")
    assert second.status == 204
    assert unknown.error == gone.error == (404, "not_found")
    assert await station.seen(channel) == []


async def test_removing_needs_the_right_to_publish(
    station: Station, channel: str
) -> None:
    """A reader's token is not enough."""
    await station.posts(channel, 1)
    item_id = f"{channel}:p000"
    reader = station.token(read=[channel])
    publisher = station.token(publish=[channel])

    anyone = await station.http.delete(item_id)
    reading = await station.http.delete(item_id, token=reader)
    publishing = await station.http.delete(item_id, token=publisher)

    assert anyone.error == (401, "unauthorized")
    assert reading.error == (403, "forbidden")
    assert publishing.status == 204


async def test_the_tree_has_each_channel_with_its_own_and_all_items(
    station: Station, channel: str
) -> None:
    """Channels in between appear too, with no item of their own."""
    await station.posts(f"{channel}.artist.live", 2)
    await station.posts(f"{channel}.artist", 1)
    await station.publisher.delete(f"{channel}.artist.live:p000")

    answer = await station.http.ask("GET", "/api/channels")

    root = channel.partition(".")[0]
    [tree] = [one for one in answer.json["channels"] if one["channel"] == root]
    assert tree == {
        "channel": root,
        "items": 0,
        "total": 2,
        "channels": [
            {
                "channel": channel,
                "items": 0,
                "total": 2,
                "channels": [
                    {
                        "channel": f"{channel}.artist",
                        "items": 1,
                        "total": 2,
                        "channels": [
                            {
                                "channel": f"{channel}.artist.live",
                                "items": 1,
                                "total": 1,
                                "channels": [],
                            }
                        ],
                    }
                ],
            }
        ],
    }
