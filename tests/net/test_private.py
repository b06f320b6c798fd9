"""Private subtrees: through no door, in no count and in no text, without the right.

``radio.staff`` is private, ``radio.staff.board`` inside of it public again.
"""

from __future__ import annotations

import json

import pytest

from tests.net.clients import EventStream
from tests.net.station import NOON, Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET_ID = "staff-secret-7"


async def fill(station: Station) -> None:
    await station.publish("radio.staff.plans", post(SECRET_ID, NOON, title="Plans"))
    await station.publish("radio.staff.board", post("board-1", NOON, title="Board"))
    await station.publish("radio.news", post("news-1", NOON, title="News"))


def channels_of(tree: list[dict[str, object]]) -> list[str]:
    found = []
    for node in tree:
        found.append(str(node["channel"]))
        found += channels_of(node["channels"])  # type: ignore[arg-type]  # JSON
    return found


async def test_a_public_parent_shows_nothing_of_a_private_subtree(
    station: Station,
) -> None:
    """Neither in the backlog nor on its pages, under a pattern neither."""
    await fill(station)

    everything = await station.seen("radio")
    first = (await station.http.items("radio", limit=1)).json
    second = (await station.http.items("radio", limit=1, before=first["next"])).json
    pattern = await station.seen("radio.*.plans")

    assert everything == ["news-1", "board-1"]
    assert ids(first["items"]) + ids(second["items"]) == ["news-1", "board-1"]
    assert second["next"] is None
    assert pattern == []


async def test_a_private_item_reads_like_one_that_does_not_exist(
    station: Station,
) -> None:
    """The answers differ in nothing, with and without a token of another subtree."""
    await fill(station)
    other = station.token(read=["radio.artist"], publish=["radio.artist"])

    for token in (None, other):
        private = await station.http.item(SECRET_ID, token=token)
        unknown = await station.http.item("no-such-item", token=token)
        assert (private.status, private.body) == (unknown.status, unknown.body)
        assert private.error == (404, "not_found")
    removing = await station.http.delete(SECRET_ID, token=other)
    removing_unknown = await station.http.delete("no-such-item", token=other)
    assert removing.body == removing_unknown.body
    assert removing.error == (404, "not_found")


@pytest.mark.parametrize("query", [{}, {"after": "AYofDFVrAJGoAAAAAwAA"}])
async def test_a_private_channel_reads_like_one_that_does_not_exist(
    station: Station, query: dict[str, str]
) -> None:
    """Also for a token that reads something else."""
    await fill(station)
    other = station.token(read=["radio.artist"])

    for token in (None, other):
        private = await station.http.items("secret.plans", token=token, **query)
        unknown = await station.http.items("nobody.plans", token=token, **query)
        assert private.error == unknown.error == (404, "not_found")
        assert private.text == "no such channel: secret.plans"
        assert unknown.text == "no such channel: nobody.plans"


async def test_a_public_parent_of_private_items_alone_does_not_exist(
    station: Station,
) -> None:
    """That there is something below it is not told either."""
    await station.publish("radio.staff.board.x", post("x-1"))
    await station.publish("radio.staff.only", post("only-1"))

    assert (await station.http.items("radio.staff.only")).status == 404
    assert (await station.http.items("radio.staff")).status == 404


async def test_the_tree_counts_only_what_the_caller_sees(station: Station) -> None:
    """A token's reader sees the private branches with their items."""
    await fill(station)
    staff = station.token(read=["radio.staff"])

    public = await station.http.ask("GET", "/api/channels")
    private = await station.http.ask("GET", "/api/channels", token=staff)

    assert "radio.staff.board" in channels_of(public.json["channels"])
    assert "radio.staff.plans" not in channels_of(public.json["channels"])
    assert "radio.staff.plans" in channels_of(private.json["channels"])


async def test_the_right_to_a_subtree_opens_exactly_that(station: Station) -> None:
    """Through the parent too; siblings stay closed."""
    await fill(station)
    await station.publish("radio.staff.pay", post("pay-1", NOON))
    plans = station.token(read=["radio.staff.plans"])
    staff = station.token(read=["radio.staff"])
    admin = station.token(admin=True)

    some = ids((await station.http.items("radio", token=plans)).json["items"])
    more = ids((await station.http.items("radio", token=staff)).json["items"])

    assert SECRET_ID in some
    assert "pay-1" not in some
    assert {SECRET_ID, "pay-1"} <= set(more)
    assert (await station.http.items("radio.staff", token=plans)).status == 404
    assert (await station.http.item("pay-1", token=plans)).status == 404
    assert (await station.http.item("pay-1", token=admin)).status == 200
    await station.publisher.delete("pay-1")


async def test_the_right_to_a_channel_is_none_to_one_whose_name_begins_alike(
    station: Station,
) -> None:
    """Segments are compared, not letters."""
    await station.publish("secret.plans", post("plans-1", NOON))
    await station.publish("secret.plans-b", post("plans-2", NOON))
    token = station.token(read=["secret.plans"])

    covered = await station.http.item("plans-1", token=token)
    beside = await station.http.item("plans-2", token=token)

    assert (covered.status, beside.status) == (200, 404)


async def test_subscribing_to_a_private_channel_needs_the_right(
    station: Station,
) -> None:
    """``unauthorized`` without a token, ``forbidden`` with one for less."""
    live = await station.live()

    without = await live.refusal("subscribe", channel="radio.staff")
    backlog = await live.refusal("backlog", channel="radio.staff.plans")
    await live.auth(station.token(read=["radio.staff.plans"]))
    too_little = await live.refusal("subscribe", channel="radio.staff")
    enough = await live.subscribe("radio.staff.plans")

    assert (without, backlog) == ("unauthorized", "unauthorized")
    assert too_little == "forbidden"
    assert enough["channel"] == "radio.staff.plans"


async def test_events_of_a_private_channel_are_not_found(station: Station) -> None:
    """A stream can't show a token later, so there is nothing to wait for."""
    answer = await station.http.ask("GET", "/api/channels/radio.staff/events")
    staff = await station.events(token=station.token(read=["radio.staff"]))

    subscribed = await staff.subscribe("radio.staff")

    assert answer.error == (404, "not_found")
    assert subscribed["channel"] == "radio.staff"


async def test_live_messages_of_a_private_subtree_reach_only_its_readers(
    station: Station,
) -> None:
    """On one and the same subscription to the public parent."""
    anyone, staff = await station.live(), await station.live()
    stream = await station.open(EventStream)
    await staff.auth(station.token(read=["radio.staff"]))
    for reader in (anyone, staff, stream):
        await reader.subscribe("radio", backlog=0)

    await station.publish("radio.staff.live", post("live-1"))
    await station.publish("radio.staff.board", post("live-2"))
    await station.publish("radio.live", post("live-3"))

    assert ids(await staff.next_items(3)) == ["live-1", "live-2", "live-3"]
    assert ids(await anyone.next_items(2)) == ["live-2", "live-3"]
    assert ids(await stream.next_items(2)) == ["live-2", "live-3"]


async def test_resuming_shows_nothing_private(station: Station) -> None:
    """Neither a change nor a tombstone, on any door."""
    live = await station.live()
    cursor = (await live.subscribe("radio", backlog=0))["cursor"]
    await station.publish("radio.staff.resume", post("resume-1"), post("resume-2"))
    await station.publisher.delete("resume-2")
    await station.publish("radio.resume", post("resume-3"))

    polled = (await station.http.items("radio", after=cursor)).json
    again = await (await station.live()).subscribe("radio", since=cursor)
    streamed = await (await station.events()).subscribe("radio", since=cursor)
    staff = station.token(read=["radio.staff"])
    allowed = (await station.http.items("radio", after=cursor, token=staff)).json

    for answer in (polled, again, streamed):
        assert answer["resumed"] is True
        assert ids(answer["items"]) == ["resume-3"]
    assert ids(allowed["items"]) == ["resume-1", "resume-2", "resume-3"]


async def test_no_answer_and_no_figure_names_a_private_item(station: Station) -> None:
    """Whatever is asked without the right, the id and the title stay inside."""
    await fill(station)
    admin = station.client()
    live = await station.live()
    paths = [
        "/api/channels",
        "/api/channels/radio/items",
        "/api/channels/radio.staff/items",
        "/readyz",
        "/healthz",
    ]

    bodies = [(await station.http.ask("GET", path)).body.decode() for path in paths]
    bodies.append(json.dumps(await live.subscribe("radio")))
    admin.url = station.admin_url
    bodies.append((await admin.ask("GET", "/metrics")).body.decode())

    for body in bodies:
        assert SECRET_ID not in body
        assert "Plans" not in body
        assert "plans" not in body


async def test_a_taken_id_of_a_private_channel_tells_only_that_it_is_taken(
    station: Station,
) -> None:
    """409 is the one answer that tells; the channel stays untold."""
    await fill(station)
    token = station.token(publish=["radio.artist"])

    answer = await station.http.publish("radio.artist", post(SECRET_ID), token=token)

    assert answer.error == (409, "conflict")
    assert "staff" not in answer.text.replace(SECRET_ID, "")
