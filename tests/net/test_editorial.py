"""The operator's doors: the queue, what is decided about it, and the record of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from feedsvc.store import connect
from feedsvc.store.sources import SourceStore
from tests.net.desk import HELD_RULES, Operator, submit
from tests.net.station import (
    NOON,
    Station,
    ids,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """A service some of whose channels are delayed."""
    data_dir: Path = tmp_path_factory.mktemp("station")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir, rules=HELD_RULES)) as running,
    ):
        yield await lived_in(running)


@pytest.fixture
def operator(station: Station) -> Operator:
    return Operator(station)


async def test_an_approval_is_the_commit_that_delivers_the_item(
    station: Station, operator: Operator, channel: str
) -> None:
    """Once; whoever approves it a second time is told that there is nothing."""
    live = await station.live()
    await live.subscribe(channel)
    outcomes = await submit(station, channel, post(f"{channel}1", NOON))
    [waiting] = await operator.queue(channel)

    answer = await operator.do("approve", waiting["id"], version=waiting["version"])
    again = await operator.do("approve", waiting["id"])
    told = await live.next()

    assert outcomes == ["created"]
    assert (waiting["state"], waiting["shown"]) == ("review", None)
    assert waiting["held"]["reason"] == "review"
    assert waiting["item"]["content_text"] == "On air."
    assert (answer.status, answer.json["state"], answer.json["rev"]) == (
        200,
        "visible",
        1,
    )
    assert again.error == (404, "not_found")
    assert (told["change"], told["item"]["id"]) == ("created", f"{channel}1")
    assert await operator.queue(channel) == []


async def test_a_rejected_item_never_comes_back_from_its_source(
    station: Station, operator: Operator, channel: str
) -> None:
    """Neither as it was nor edited; the operator finds it among the rejected."""
    item = post(f"{channel}1")
    await submit(station, channel, item)

    answer = await operator.do("reject", f"{channel}1")
    outcomes = await submit(station, channel, item)
    outcomes += await submit(station, channel, {**item, "content_text": "New."})

    assert answer.json["state"] == "rejected"
    assert outcomes == ["gone", "gone"]
    assert ids(await operator.queue(channel, "rejected")) == [f"{channel}1"]
    assert await station.seen(channel) == []


async def test_what_was_decided_can_be_taken_back(
    station: Station, operator: Operator, channel: str
) -> None:
    """A rejection without a trace, an approval by a removal."""
    live = await station.live()
    await live.subscribe(channel)
    await submit(station, channel, post(f"{channel}1"), post(f"{channel}2"))
    await operator.do("reject", f"{channel}1")
    await operator.do("approve", f"{channel}2")

    for item_id in (f"{channel}1", f"{channel}2"):
        answer = await operator.do("review", item_id)
        assert answer.json["state"] == "review"
    await operator.do("approve", f"{channel}2")

    told = [await live.next() for _ in range(3)]
    assert [one["change"] for one in told] == ["created", "removed", "updated"]
    assert ids(await operator.queue(channel)) == [f"{channel}1"]
    assert await station.seen(channel) == [f"{channel}2"]


async def test_an_edit_of_an_approved_item_waits_beside_it(
    station: Station, operator: Operator, channel: str
) -> None:
    """The operator sees both versions, readers the one that was approved."""
    item = post(f"{channel}1")
    await submit(station, channel, item)
    await operator.do("approve", f"{channel}1")
    await submit(station, channel, {**item, "content_text": "Better."})

    [waiting] = await operator.queue(channel)
    read = (await station.http.item(f"{channel}1")).json
    await operator.do("approve", f"{channel}1")

    assert waiting["state"] == "visible"
    assert waiting["item"]["content_text"] == "Better."
    assert waiting["shown"]["content_text"] == read["content_text"] == "On air."
    assert (await station.http.item(f"{channel}1")).json["content_text"] == "Better."


async def test_only_what_was_looked_at_is_approved(
    station: Station, operator: Operator, channel: str
) -> None:
    """The source has changed it since: look again."""
    item = post(f"{channel}1")
    await submit(station, channel, item)
    [waiting] = await operator.queue(channel)
    await submit(station, channel, {**item, "content_text": "Worse."})

    outdated = await operator.do("approve", f"{channel}1", version=waiting["version"])
    no_version = await operator.do("approve", f"{channel}1", version="x")

    assert outdated.error == (409, "conflict")
    assert no_version.error == (400, "bad_message")
    assert await station.seen(channel) == []


async def test_the_queue_comes_by_pages(
    station: Station, operator: Operator, channel: str
) -> None:
    """With what is held in all; each reason has its own."""
    names = [f"{channel}{n}" for n in range(5)]
    await submit(station, channel, *(post(name) for name in names))
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await station.publisher.publish(channel, post(f"{channel}e", publish_at=at))

    found, place = [], {}
    while place is not None:
        page = (await operator.ask("GET", "queue", limit=2, **place)).json
        found += [one for one in page["items"] if one["item"]["channel"] == channel]
        place = {"after": page["next"]} if page["next"] else None
    [embargoed] = await operator.queue(channel, "embargo")
    wrong = await operator.ask("GET", "queue", reason="boredom")
    bad_page = await operator.ask("GET", "queue", after="x")

    assert sorted(ids(found)) == names
    assert page["counts"]["review"] >= 5
    assert embargoed["held"]["until"] == f"{at[:23]}Z"
    assert wrong.error == (400, "bad_message")
    assert bad_page.error == (400, "bad_cursor")


async def test_a_pinned_item_comes_first_on_every_door(
    station: Station, operator: Operator, channel: str
) -> None:
    """Live, hot, read from the database and in feeds, and on no page twice."""
    names = await station.posts(channel, 5)
    live = await station.live()
    hot = await live.subscribe(channel, backlog=2)
    await operator.do("pin", names[0])

    told = await live.next()
    again = await (await station.live()).subscribe(channel, backlog=2)
    feed = (await station.http.ask("GET", f"/feeds/{channel}.json")).json
    pages, before = [], {}
    while before is not None:
        page = (await station.http.items(channel, limit=1, **before)).json
        pages += ids(page["items"])
        before = {"before": page["next"]} if page["next"] else None

    expected = [names[0], *reversed(names[1:])]
    assert ids(hot["items"]) == [names[4], names[3]]
    assert (told["change"], told["item"]["pinned"]) == ("updated", True)
    assert ids(again["items"]) == [names[0], names[4]]
    assert again["items"][0]["pinned"] is True
    assert "pinned" not in again["items"][1]
    assert await station.seen(channel.partition(".")[0]) == expected
    assert [one["_feedsvc"]["id"] for one in feed["items"]] == expected
    assert pages == expected


async def test_unpinned_it_is_back_in_its_place(
    station: Station, operator: Operator, channel: str
) -> None:
    """An edit in between has not unpinned it."""
    names = await station.posts(channel, 3)
    await operator.do("pin", names[0])
    await station.publish(channel, post(names[0], NOON, title="Edited"))
    pinned = await station.seen(channel)

    await operator.do("unpin", names[0])

    assert pinned == [names[0], names[2], names[1]]
    assert await station.seen(channel) == list(reversed(names))


async def test_so_many_pins_would_bury_the_news(
    station: Station,
    operator: Operator,
    channel: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted below the top-level channel; to pin one twice is no second one."""
    monkeypatch.setattr("feedsvc.editorial.MAX_PINNED", 2)
    names = await station.posts(channel, 3)

    answers = [await operator.do("pin", name) for name in (*names[:2], names[1])]
    too_many = await operator.do("pin", names[2])

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert too_many.error == (400, "too_many")
    assert channel.partition(".")[0] in too_many.text


async def test_an_operator_removes_also_what_nobody_sees(
    station: Station, operator: Operator, channel: str
) -> None:
    """Its content is gone from the desk as well."""
    await submit(station, channel, post(f"{channel}1"))

    removed = await operator.ask("DELETE", f"items/{channel}1")
    found = await operator.ask("GET", f"items/{channel}1")

    assert removed.json["state"] == "removed"
    assert (found.json["item"], found.json["shown"]) == (None, None)
    assert await submit(station, channel, post(f"{channel}1")) == ["gone"]


async def test_every_deed_leaves_an_entry(
    station: Station, operator: Operator, channel: str
) -> None:
    """Also a removal at the public door; none is left of what changed nothing."""
    name = f"{channel}1"
    await submit(station, channel, post(name))
    for deed in ("reject", "review", "approve", "pin", "pin", "unpin", "approve"):
        await operator.do(deed, name)
    await station.publisher.delete(name)
    await station.publisher.delete(name)

    deeds = await operator.deeds(name)

    who = "tests"
    assert deeds == [
        (who, deed)
        for deed in ("remove", "unpin", "pin", "approve", "review", "reject")
    ]


async def test_the_record_comes_by_pages_newest_first(
    station: Station, operator: Operator, channel: str
) -> None:
    """Each entry once, with its time, its channel and who it was."""
    names = await station.posts(channel, 3)
    for name in names:
        await operator.do("pin", name)

    found, place = [], {}
    while len(found) < 3:
        page = (await operator.ask("GET", "audit", limit=1, **place)).json
        found += page["entries"]
        place = {"before": page["next"]}

    assert [one["item"] for one in found] == list(reversed(names))
    assert {one["channel"] for one in found} == {channel}
    assert set(found[0]) == {"at", "who", "deed", "item", "channel"}


async def test_a_source_can_be_switched_off_and_on(
    station: Station, operator: Operator
) -> None:
    """Nobody gets its lease until then; one that never ran is told to be unknown."""
    database = connect(station.where.mongodb_uri)
    station.stack.push_async_callback(database.client.close)
    sources = SourceStore(database)
    lease = {"holder": "h", "now": datetime.now(UTC), "ttl_s": 60.0}
    held = await sources.lease("press", **lease)  # type: ignore[arg-type]  # as its own
    assert held is not None

    off = await operator.ask("POST", "sources/press/disable")
    refused = await sources.lease("press", **lease, even_early=True)  # type: ignore[arg-type]
    renewed = await sources.renew(held, now=datetime.now(UTC), ttl_s=60.0)
    on = await operator.ask("POST", "sources/press/enable")
    unknown = await operator.ask("POST", "sources/pres/disable")
    nothing = await operator.ask("POST", "sources/other/enable")
    entries = (await operator.ask("GET", "audit", limit=3)).json["entries"]

    assert off.json == {"source": "press", "disabled": True, "known": True}
    assert (refused, renewed) == (None, None)
    assert on.json == {"source": "press", "disabled": False}
    assert await sources.lease("press", **lease) is not None  # type: ignore[arg-type]
    assert unknown.json["known"] is False
    assert nothing.error == (404, "not_found")
    assert [(one["deed"], one["source"]) for one in entries] == [
        ("disable", "pres"),
        ("enable", "press"),
        ("disable", "press"),
    ]


DOORS = [
    ("GET", "queue"),
    ("GET", "audit"),
    ("GET", "items/x"),
    ("DELETE", "items/x"),
    ("POST", "items/x/approve"),
    ("POST", "sources/x/disable"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_the_desk_is_the_operators(
    station: Station, method: str, path: str
) -> None:
    """Not a publisher's, not a reader's of everything, and not on the public door."""
    admin, publisher = station.token(admin=True), station.token(publish=["*"])
    anonymous = await station.http.ask(method, f"/admin/api/{path}", token=admin)

    refused = await Operator(station, publisher).ask(method, path)
    desk = station.client()
    desk.url = station.admin_url
    nobody = await desk.ask(method, f"/admin/api/{path}")

    assert anonymous.status == 404
    assert refused.error == (403, "forbidden")
    assert nobody.error == (401, "unauthorized")


async def test_there_is_nothing_to_be_done_about_what_does_not_exist(
    operator: Operator,
) -> None:
    """It is said so."""
    for deed in ("approve", "reject", "review", "pin", "unpin"):
        assert (await operator.do(deed, "no/such item")).error == (404, "not_found")
