"""The operator's page: who gets it, and what it watches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.net.clients import RawSocket
from tests.net.conftest import Start
from tests.net.desk import Operator
from tests.net.station import NOON, Station, post, until
from tests.pages.reading import Read

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://radio.example"

Rows = dict[str, dict[str, Any]]


async def test_the_page_is_on_the_admin_listener_only(station: Station) -> None:
    """The public listener knows neither the page nor its script."""
    admin = station.client()
    admin.url = station.admin_url

    for address in ("/admin", "/admin/admin.js", "/admin/admin.css"):
        here = await admin.ask("GET", address)
        there = await station.http.ask("GET", address)

        assert (here.status, there.status) == (200, 404), address


async def test_the_page_tells_nothing_and_trusts_nothing(station: Station) -> None:
    """Whoever opens it without a token learns of no channel."""
    await station.publish("admin.quiet", post("admin-quiet", NOON))
    admin = station.client()
    admin.url = station.admin_url

    answer = await admin.ask("GET", "/admin")

    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "trusted-types 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    page = Read(answer.body)
    assert all(one.get("src") for one in page.all("script"))
    assert page.all("style") == []
    assert b"admin.quiet" not in answer.body


@pytest.mark.parametrize("path", ["processes", "history", "channels"])
async def test_only_an_operator_may_watch(station: Station, path: str) -> None:
    """A publisher's token is not enough."""
    publisher = Operator(station, station.token(publish=["radio"]))

    assert (await publisher.ask("GET", path)).status == 403
    assert (await Operator(station).ask("GET", path)).status == 200


async def test_a_process_tells_its_connections_as_they_are(station: Station) -> None:
    """By transport, without waiting for the next sample."""
    await station.live()
    reader = await station.events()
    await reader.subscribe("past")

    answer = (await Operator(station).ask("GET", "processes")).json

    (one,) = answer["processes"]
    assert one["process"] == answer["here"]
    assert one["is_ready"] is True
    assert sum(one["sessions"].values()) >= 1
    assert one["streams"] >= 1
    assert one["memory_bytes"] > 0


async def test_the_first_sample_is_there_at_once(station: Station) -> None:
    """A page that is opened after a start has something to draw."""
    operator = Operator(station)

    async def samples() -> list[dict[str, object]]:
        answer = await operator.ask("GET", "history")
        found: list[dict[str, object]] = answer.json["samples"]
        return found

    (first, *_) = await until(samples, "a sample")
    assert first["processes"] == 1
    assert {"connections", "messages_per_s", "changes_per_s", "lag_s"} <= set(first)


async def test_processes_are_told_together(start: Start) -> None:
    """Whichever of them is asked."""
    one, other = await start(), await start()

    async def names(asked: Station) -> list[str]:
        answer = (await Operator(asked).ask("GET", "processes")).json
        assert answer["here"].endswith(f":{asked.where.admin_port}")
        return [each["process"].rpartition(":")[2] for each in answer["processes"]]

    both = sorted(str(each.where.admin_port) for each in (one, other))
    for asked in (one, other):

        async def has_both(asked: Station = asked) -> bool:
            return sorted(await names(asked)) == both

        await until(has_both, "both processes")


async def test_the_tree_has_totals_subscribers_and_last_items(
    station: Station, channel: str
) -> None:
    """A channel counts what is below it; the last item is the newest by date."""
    root = channel.partition(".")[0]
    await station.posts(channel, 3)
    await station.publish(f"{root}.events", post(f"{root}-event", NOON))
    reader = await station.live()
    await reader.subscribe(root)

    async def settled() -> Rows | None:
        # Whoever published here has been a subscriber for a moment.
        found = await tree(station, root, 4)
        return found if found[channel]["subscribers"] == 0 else None

    rows = await until(settled, "the tree at rest")

    assert rows[root]["items"] == 4
    assert rows[channel]["items"] == 3
    assert rows[root]["subscribers"] == 1
    assert rows[root]["changes"] == 4
    assert rows[root]["last"]["id"] == f"{channel}:p002"
    assert rows[f"{root}.events"]["last"]["id"] == f"{root}-event"


async def test_a_pinned_item_is_not_the_last_one(
    station: Station, channel: str
) -> None:
    """However old it is, backlogs begin with it."""
    oldest, *_, newest = await station.posts(channel, 3)

    await Operator(station).do("pin", oldest)

    assert (await tree(station, channel, 3))[channel]["last"]["id"] == newest


async def test_private_channels_are_in_the_operators_tree(station: Station) -> None:
    """He reads everything."""
    await station.publish("secret.admin", post("admin-secret", NOON))

    assert await tree(station, "secret.admin", 1)


async def test_the_page_may_act_where_origins_are_listed(start: Start) -> None:
    """Its own origin counts as allowed, on both listeners; others stay outside."""
    closed = await start(server={"origins": (ORIGIN,)})
    operator = closed.client(closed.token(admin=True))
    operator.url = closed.admin_url
    (item,) = await closed.publish("radio.news", post("admin-origin", NOON))

    statuses = []
    for origin in (closed.admin_url, "http://evil.example"):
        headers = {"Origin": origin}
        path = f"/admin/api/items/{item}/pin"
        statuses.append((await operator.ask("POST", path, headers=headers)).status)
        statuses.append(
            (await operator.ask("GET", "/live/info", headers=headers)).status
        )

    assert statuses == [200, 200, 403, 403]


async def test_live_items_come_over_the_admin_listener_too(station: Station) -> None:
    """So one forwarded port is enough for the page."""
    reader = await RawSocket.open(station.admin_url)
    try:
        await reader.auth(station.token(admin=True))
        await reader.subscribe("*", backlog=0)
        await station.publish("admin.live", post("admin-live", NOON))

        (item,) = await reader.next_items(1)
    finally:
        await reader.close()

    assert item["id"] == "admin-live"


async def test_channels_are_found_by_a_part_of_their_name(station: Station) -> None:
    """However many there are before them in the alphabet."""
    await station.publish("adminfind.zebra.crossing", post())
    await station.publish("adminfind.lion", post())
    await tree(station, "adminfind.zebra.crossing", 1)
    operator = Operator(station)

    found = (await operator.ask("GET", "channels", find="ZEBRA")).json
    none = (await operator.ask("GET", "channels", find="no such")).json

    assert [row["channel"] for row in found["channels"]] == [
        "adminfind.zebra",
        "adminfind.zebra.crossing",
    ]
    assert (found["more"], none["channels"]) == (0, [])


async def tree(station: Station, channel: str, items: int) -> Rows:
    """Return the rows of the tree once it counts so many items in the channel."""
    operator = Operator(station)

    async def rows() -> Rows | None:
        answer = await operator.ask("GET", "channels")
        found = {row["channel"]: row for row in answer.json["channels"]}
        return found if found.get(channel, {}).get("items") == items else None

    found: Rows = await until(rows, f"{items} items in {channel}")
    return found
