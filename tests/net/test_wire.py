"""The golden messages, which the widget's tests read too: ours have the same shape."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from feedsvc import errors
from feedsvc.core import messages
from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, ItemType
from feedsvc.core.position import Cursor, Position
from feedsvc.schema import parse_request
from tests.net.station import (
    FOREIGN_CURSOR,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

Message = dict[str, Any]

WIRE = Path(__file__).parent.parent / "wire"
GOLDEN = {
    path.stem: json.loads(path.read_text("utf-8"))["message"]
    for path in sorted(WIRE.glob("*.json"))
}
OF_CLIENTS = [name for name in GOLDEN if name.startswith("client-")]
OF_SERVER = [name for name in GOLDEN if name.startswith("server-")]

CHANNEL = "radiostation.artist"
EVENT = {
    "id": "calendar:7",
    "type": "event",
    "title": "Ada Fern & the Tides",
    "date": "2026-11-19T09:00:00Z",
    "starts_at": "2026-12-04T20:00:00Z",
    "timezone": "Europe/Berlin",
    "status": "scheduled",
    "venue": {"name": "Harbour Hall", "city": "Hamburg", "country": "DE"},
}
NOTE = {
    "id": "mastodon:ada:1101",
    "type": "post",
    "date": "2026-11-20T18:30:00Z",
    "content_html": "<p>Soundcheck done. Doors at eight.</p>",
    "url": "https://social.example/@ada/1101",
    "authors": [{"name": "Ada Fern", "url": "https://social.example/@ada"}],
    "date_published": "2026-11-20T18:30:00Z",
}


def shape(value: object) -> object:
    """Return the value with the kinds of its values in place of them."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key != "items"}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "number" if type(value) in (int, float) else type(value).__name__


def shapes(items: list[Message]) -> set[str]:
    return {json.dumps(shape(item), sort_keys=True) for item in items}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Message]]:
    """What the service sends, under the names of the golden messages."""
    data_dir = tmp_path_factory.mktemp("wire")
    tight = {"message_bytes": 2_000, "messages_per_second": 20, "subscriptions": 1}
    async with own_database(mongod_uri) as uri:
        settings = make_settings(uri, data_dir, limits=tight)
        async with serving(settings) as running:
            station = await lived_in(running)
            yield {
                **await _answers(station),
                **await _live(station),
                **await _refusals(station),
                **_made_by_the_service_alone(),
            }


async def _answers(station: Station) -> dict[str, Message]:
    live = await station.live()
    await live.auth(station.token(admin=True))
    for channel, item in ((CHANNEL, EVENT), (f"{CHANNEL}.news", NOTE)):
        await live.ask("publish", channel=channel, item=item)
    found = {
        "server-authenticated": await live.auth(station.token(admin=True)),
        "server-subscribed": await live.ask("subscribe", channel=CHANNEL),
        "server-backlog": await live.ask("backlog", channel=CHANNEL, limit=1),
        "server-backlog-last": await live.ask("backlog", channel=CHANNEL, limit=0),
        "server-pong": await live.ask("ping"),
    }
    cursor = found["server-subscribed"]["cursor"]
    changed = {**EVENT, "title": "Ada Fern"}
    await live.ask("publish", channel=CHANNEL, item=changed)
    found["server-published"] = await live.ask(
        "publish", channel=CHANNEL, item=post("wire:removed")
    )
    await station.publisher.delete("wire:removed")
    await live.next_items(3)
    for name, since in (("resumed", cursor), ("after-reset", FOREIGN_CURSOR)):
        found[f"server-subscribed-{name}"] = await live.ask(
            "subscribe", channel=CHANNEL, since=since
        )
    # Unasked, it has no id; who asked here is the test.
    del found["server-subscribed-after-reset"]["id"]
    found["server-unsubscribed"] = await live.ask("unsubscribe", channel=CHANNEL)
    return found


async def _live(station: Station) -> dict[str, Message]:
    live = await station.live()
    await live.subscribe("radiostation.live")
    note = {**NOTE, "id": "wire:live"}
    for text in ("On air.", "Off air."):
        changed = {**note, "content_html": f"<p>{text}</p>"}
        await station.publisher.publish("radiostation.live", changed)
    await station.publisher.delete("wire:live")
    names = ("created", "updated", "removed")
    return {f"server-item-{name}": await live.next() for name in names}


async def _refusals(station: Station) -> dict[str, Message]:
    live = await station.live()
    await live.send("{")
    found = {
        "bad-json": await live.next(),
        "bad-channel": await live.ask("subscribe", channel="Radio Station"),
        "bad-cursor": await live.ask("subscribe", channel="radio", since="x"),
        "bad-message": await live.ask("subscribe", channel="radio", backlog=-1),
        "unauthorized": await live.ask("publish", channel="radio", item=post()),
        "too-large": await live.ask("publish", channel="x" * 2_500, item={}),
    }
    await live.subscribe("radio")
    found["too-many"] = await live.ask("subscribe", channel="radio.news")
    await live.auth(station.token(read=["radio"]))
    found["forbidden"] = await live.ask("backlog", channel="secret")
    for number in range(60):
        await live.tell(msg="ping", id=number)
    answers = [await live.next() for _ in range(60)]
    found["rate-limited"] = answers[-1]
    return {f"server-error-{name}": answer for name, answer in found.items()}


def _made_by_the_service_alone() -> dict[str, Message]:
    """Encode what no client can cause, as the relay and the connection do."""
    unavailable = errors.Unavailable("the database does not answer")
    at = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    body = {name: NOTE[name] for name in ("content_html", "url", "authors")}
    body |= {"content_text": "Soundcheck done.", "date_published": at}
    note = Item(
        "mastodon:ada:1101",
        ItemType.POST,
        Channel(f"{CHANNEL}.news"),
        at,
        rev=1,
        body=body,
        source="ada",
        backfill=True,
    )
    texts = {
        "server-reset": messages.reset(Channel(CHANNEL)),
        "server-item-backfill": messages.deliver(
            note, Cursor(bytes(4), Position(1, 1))
        ).message,
        "server-item-pinned": messages.deliver(
            replace(note, pinned=True, rev=2), Cursor(bytes(4), Position(1, 2))
        ).message,
        "server-error-unavailable": messages.error(1, unavailable),
        "server-error-internal": messages.error(1, errors.FeedError("unexpected")),
        "server-error-expired": messages.error(None, errors.Expired("token: over")),
    }
    return {name: json.loads(text) for name, text in texts.items()}


@pytest.mark.parametrize("name", OF_CLIENTS)
async def test_what_the_widget_sends_is_understood(name: str) -> None:
    """Every field of it."""
    message = GOLDEN[name]

    request = parse_request(message)

    assert request.id == message["id"]
    if not isinstance(request, messages.Auth | messages.Ping):
        assert request.channel == Channel.parse_pattern(message["channel"])


@pytest.mark.parametrize("name", OF_SERVER)
async def test_what_we_send_has_the_shape_that_the_widget_expects(
    ours: dict[str, Message], name: str
) -> None:
    """The same fields with values of the same kinds."""
    golden, sent = GOLDEN[name], ours[name]

    assert shape(sent) == shape(golden)
    assert sent["msg"] == golden["msg"]
    assert sent.get("code") == golden.get("code")
    assert sent.get("change") == golden.get("change")
    assert sent.get("resumed") == golden.get("resumed")
    assert shapes(golden.get("items", [])) <= shapes(
        [*ours["server-subscribed"]["items"], *sent.get("items", [])]
    )
