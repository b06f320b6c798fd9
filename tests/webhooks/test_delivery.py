"""Webhooks from the running service to a receiver that is up, down or unwilling."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from feedsvc.cli import main
from feedsvc.config import Settings
from feedsvc.core.channel import Channel
from feedsvc.core.item import Change
from feedsvc.endpoints import Endpoint
from feedsvc.store import Database, connect
from feedsvc.store.webhooks import WebhookStore
from feedsvc.webhooks import delivery, retry
from tests.net.clients import Http
from tests.net.station import (
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
    until,
)
from tests.webhooks.receiver import Received, Receiver

SECRET = b"0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as a test can: what the pauses are is tested elsewhere."""
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(retry, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(delivery, "LOOK_S", 0.2)
    monkeypatch.setattr(delivery, "AGAIN_S", 0.0)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is up."""
    receiver = Receiver()
    receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def settings(
    mongod_uri: str, tmp_path: Path, receiver: Receiver
) -> AsyncIterator[Settings]:
    """A station that tells the receiver of radio."""
    endpoint = Endpoint("site", receiver.url, (SECRET,), (Channel("radio"),))
    async with own_database(mongod_uri) as uri:
        yield replace(make_settings(uri, tmp_path), webhooks=(endpoint,))


def told_of(settings: Settings, **changes: object) -> Settings:
    """Return the settings with another endpoint."""
    [endpoint] = settings.webhooks
    return replace(settings, webhooks=(replace(endpoint, **changes),))  # type: ignore[arg-type]  # as given


async def leased(station: Station) -> Station:
    """Wait until the station delivers: what comes then is told."""

    async def is_leased() -> bool:
        return figure(await metrics(station), "feedsvc_webhook_leased") == 1

    await lived_in(station)
    await until(is_leased, "the lease")
    return station


async def metrics(station: Station) -> str:
    http = Http(station.admin_url)
    try:
        return (await http.ask("GET", "/metrics")).body.decode()
    finally:
        http.close()


def figure(text: str, name: str) -> float:
    line = next(one for one in text.splitlines() if one.startswith(f"{name}{{"))
    return float(line.rpartition(" ")[2])


async def publish(station: Station, *ids: str, channel: str = "radio.news") -> None:
    for one in ids:
        await station.publisher.publish(channel, post(one))


async def test_changes_are_told_in_order_and_signed(
    settings: Settings, receiver: Receiver
) -> None:
    """Created, updated, removed; checked as the specification says."""
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "a", "b", "c")
        await station.publisher.publish("radio.news", post("b", content_text="New."))
        await station.publisher.delete("a")
        await publish(station, "elsewhere", channel="television")
        await receiver.has_taken("a", "b", "c", "b", "a")

    assert [one.json["type"] for one in receiver.received] == [
        *["item.created"] * 3,
        "item.updated",
        "item.removed",
    ]
    for one in receiver.received:
        verify(one)
    assert len({one.headers["Webhook-Id"] for one in receiver.received}) == 5


def verify(one: Received) -> None:
    """Check a request as a receiver would."""
    message_id, at = one.headers["Webhook-Id"], one.headers["Webhook-Timestamp"]
    signed = f"{message_id}.{at}.".encode() + one.body
    digest = hmac.new(SECRET, signed, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    assert hmac.compare_digest(one.headers["Webhook-Signature"], expected)
    assert abs(time.time() - int(at)) < 300


async def test_a_receiver_that_was_down_gets_everything_in_order(
    settings: Settings, receiver: Receiver
) -> None:
    """Also what happened while nobody served, and nothing twice."""
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "a")
        await receiver.has_taken("a")
        await receiver.stop()
        await publish(station, "b", "c")
    async with serving(replace(settings, webhooks=())) as silent:
        await publish(await lived_in(silent), "d")
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "e")
        receiver.start()
        await receiver.has_taken("a", "b", "c", "d", "e")


async def test_a_message_that_is_refused_becomes_a_dead_letter(
    settings: Settings, receiver: Receiver
) -> None:
    """The others go on, and once the receiver is mended it can be sent again."""
    receiver.answer = lambda one: 422 if one.item_id == "poison" else 204
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "a", "poison", "b")
        await receiver.has_taken("a", "b")
        database = connect(station.where.mongodb_uri)
        store = WebhookStore(database)
        [letter] = await store.dead_letters("site")
        receiver.answer = lambda _: 204
        asked = await store.ask_again("site")
        await receiver.has_taken("a", "b", "poison")
        await until(lambda: nothing_dead(store), "the end of the letter")
        await database.client.close()

    refused = [one for one in receiver.received if one.status == 422]
    assert (letter.item_id, letter.attempts, asked) == ("poison", 3, 1)
    assert letter.reason == "422 Unprocessable Entity"
    assert len({one.headers["Webhook-Id"] for one in refused}) == 1
    assert len(refused) == 3


async def nothing_dead(store: WebhookStore) -> bool:
    return not await store.dead_letters("site")


async def test_a_receiver_that_never_gets_well_is_given_up(
    settings: Settings, receiver: Receiver
) -> None:
    """After its time all that comes is a dead letter at once, until it is well."""
    receiver.answer = lambda _: 500
    async with serving(told_of(settings, give_up_s=1)) as running:
        station = await leased(running)
        await publish(station, "a", "b")
        database = connect(station.where.mongodb_uri)
        letters = await until(lambda: dead(database, 2), "two dead letters")
        receiver.answer = lambda _: 204
        await publish(station, "c")
        await receiver.has_taken("c")
        text = await metrics(station)
        await database.client.close()

    assert letters == ["a", "b"]
    assert figure(text, "feedsvc_webhook_given_up_total") == 2
    assert figure(text, "feedsvc_webhook_delivered_total") == 1
    assert figure(text, "feedsvc_webhook_failed_total") >= 3


async def test_a_refusal_says_nothing_against_the_receiver(
    settings: Settings, receiver: Receiver
) -> None:
    """Days later a failure is waited for as long as that of any other."""
    receiver.answer = lambda one: 410 if one.item_id == "poison" else 204
    async with serving(settings) as running:
        station = await leased(running)
        database = connect(station.where.mongodb_uri)
        await publish(station, "poison")
        await until(lambda: dead(database, 1), "a dead letter")
        [standing] = await WebhookStore(database).standings()
        await database.client.close()

    assert standing.failing_since is None


async def test_sending_again_does_not_hold_up_what_is_new(
    settings: Settings, receiver: Receiver
) -> None:
    """Nor lose the lease, however many dead letters there are."""
    receiver.answer = lambda _: 410
    old = [f"old-{number}" for number in range(30)]
    async with serving(settings) as running:
        station = await leased(running)
        database = connect(station.where.mongodb_uri)
        await publish(station, *old)
        await until(lambda: dead(database, len(old)), "the dead letters")
        receiver.answer = lambda _: 204
        await WebhookStore(database).ask_again("site")
        await publish(station, "new")
        await until(lambda: is_taken("new", receiver), "what is new")
        await database.client.close()

    assert len(receiver.taken) <= len(old)


async def is_taken(item_id: str, receiver: Receiver) -> bool:
    return item_id in receiver.taken


async def dead(database: Database, number: int) -> list[str]:
    letters = await WebhookStore(database).dead_letters("site")
    return [one.item_id for one in letters] if len(letters) == number else []


async def test_two_processes_tell_everything_once(
    settings: Settings, receiver: Receiver
) -> None:
    """One has the lease; when it stops, the other goes on where it was."""
    async with serving(settings) as second:
        async with serving(settings) as first:
            await lived_in(first)
            await until(lambda: have_lease(first, second), "one lease")
            await publish(first, "a", "b")
            await publish(second, "c", "d")
            await receiver.has_taken("a", "b", "c", "d")
            await has_counted(4, first, second)
        await publish(second, "e")
        await receiver.has_taken("a", "b", "c", "d", "e")


async def has_counted(number: int, *stations: Station) -> None:
    """Wait until the stations know that so many were taken: then a stop keeps it."""

    async def counted() -> bool:
        texts = [await metrics(one) for one in stations]
        name = "feedsvc_webhook_delivered_total"
        return sum(figure(text, name) for text in texts) == number

    await until(counted, "the count")


async def have_lease(*stations: Station) -> bool:
    texts = [await metrics(one) for one in stations]
    return sum(figure(text, "feedsvc_webhook_leased") for text in texts) == 1


async def test_a_private_channel_is_told_only_where_it_is_named(
    settings: Settings, receiver: Receiver
) -> None:
    """A public parent does not open it."""
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "hidden", channel="radio.staff")
        await publish(station, "open")
        await receiver.has_taken("open")
        await has_counted(1, station)
    named = told_of(settings, name="site", channels=(Channel("radio.staff"),))
    async with serving(named) as running:
        station = await leased(running)
        await publish(station, "named", channel="radio.staff")
        await publish(station, "again")
        await receiver.has_taken("open", "named")


async def test_only_the_wanted_events_are_told(
    settings: Settings, receiver: Receiver
) -> None:
    """Others are passed over."""
    removed = told_of(settings, events=frozenset({Change.REMOVED}))
    async with serving(removed) as running:
        station = await leased(running)
        await publish(station, "a", "b")
        await station.publisher.delete("b")
        await receiver.has_taken("b")

    assert receiver.received[0].json["data"]["removed"] is True


async def test_a_redirect_is_not_followed(
    settings: Settings, receiver: Receiver
) -> None:
    """The configuration alone says where to go."""
    other = Receiver()
    other.start()
    receiver.answer = lambda _: 307
    receiver.answer_headers = {"Location": other.url}
    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "a")
        database = connect(station.where.mongodb_uri)
        letters = await until(lambda: dead(database, 1), "a dead letter")
        await database.client.close()
    await other.stop()

    assert letters == ["a"]
    assert other.received == []


async def test_the_commands_tell_of_dead_letters_and_have_them_sent_again(
    settings: Settings,
    receiver: Receiver,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the operator does when a receiver is mended."""
    receiver.answer = lambda _: 410
    config = tmp_path / "feedsvc.toml"
    secret = base64.b64encode(SECRET).decode()
    config.write_text(
        f'[server]\nmongodb_uri = "{settings.server.mongodb_uri}"\n'
        f'[[webhook]]\nname = "site"\nurl = "{receiver.url}"\n'
        f'secret = "whsec_{secret}"\nchannels = ["radio"]\n'
    )

    async def run(*arguments: str) -> list[str]:
        line = ["webhooks", *arguments, "--config", str(config)]
        assert await asyncio.to_thread(main, line) == 0
        return capsys.readouterr().out.splitlines()

    async with serving(settings) as running:
        station = await leased(running)
        await publish(station, "a")
        store_of = connect(station.where.mongodb_uri)
        await until(lambda: dead(store_of, 1), "a dead letter")
        await store_of.client.close()
        before = await run("list")
        [letter] = await run("dead", "site", "--json")
        receiver.answer = lambda _: 204
        [asked] = await run("retry", "site", "--json")
        await receiver.has_taken("a")
        await has_counted(1, station)
    after = await run("list", "--json")

    assert before[0].startswith("NAME ")
    assert before[1].split()[0] == "site"
    assert before[1].endswith(" 1")
    assert json.loads(letter)["reason"] == "410 Gone"
    assert json.loads(asked) == {"asked": 1}
    assert json.loads(after[0])["failing_since"] is None
    assert "hook" not in before[1] + after[0]
