"""Tokens that are revoked: in force on every process, and on what is open already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from feedsvc.net.tokens import Tokens, identify
from tests.net.clients import Answer, Message
from tests.net.station import SECRET, Station, ids, post, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Station]]


async def revoke(station: Station, token: str) -> None:
    """Revoke exactly this token."""
    jti, expires = identify(token)
    body = {"jti": jti, "expires": expires}
    answer = await ask(station, body, station.token(admin=True))
    assert answer.status == 201, answer.body


async def ask(station: Station, body: object, token: str | None = None) -> Answer:
    return await station.http.ask(
        "POST", "/api/revocations", json_body=body, token=token
    )


async def is_refused(station: Station, token: str) -> bool:
    return (await station.http.items("secret", token=token)).status == 401


async def test_a_revoked_token_opens_no_door(station: Station, channel: str) -> None:
    """At once where it was revoked; its subject's other tokens stay good."""
    token, other = (station.token(read=["secret"], publish=["*"]) for _ in range(2))
    live = await station.live()
    before = await station.http.publish(channel, post(), token=token)

    await revoke(station, token)

    assert before.status == 201
    published = await station.http.publish(channel, post(), token=token)
    assert published.error == (401, "unauthorized")
    assert published.text == "token: has been revoked"
    assert await is_refused(station, token)
    assert await live.refusal("auth", token=token) == "unauthorized"
    assert (await station.http.publish(channel, post(), token=other)).status == 201


async def test_a_revocation_reaches_every_process_and_outlives_a_restart(
    start: Start,
) -> None:
    """One list for the deployment, in its database."""
    here, there = await start(), await start()
    token = here.token(read=["secret"])
    assert not await is_refused(there, token)

    await revoke(here, token)
    await until(partial(is_refused, there, token), "the other process to hear of it")
    later = await start()

    assert await is_refused(later, token)


async def test_a_session_whose_token_is_revoked_is_closed(station: Station) -> None:
    """As if the token had expired: an error, then 3004; in all transports' words."""
    token = station.token(read=["secret"])
    live = await station.live()
    await live.auth(token)
    await live.subscribe("secret")

    await revoke(station, token)
    error = await live.next()
    code, _ = await live.closed()

    assert (error["msg"], error["code"], code) == ("error", "expired", 3004)


async def test_what_needs_no_token_goes_on_when_it_is_revoked(
    station: Station, channel: str
) -> None:
    """The subscription to the public parent is narrowed to what anybody sees."""
    token = station.token(read=["radio.staff"])
    live = await station.live()
    await live.auth(token)
    await live.subscribe("radio", backlog=0)

    await revoke(station, token)
    error = await live.next()
    await station.publish("radio.staff.revoked", post("revoked-1"))
    await station.publish("radio.revoked", post("revoked-2"))

    assert error["code"] == "expired"
    assert ids(await live.next_items(1)) == ["revoked-2"]


async def test_an_event_stream_ends_when_its_token_is_revoked(
    station: Station,
) -> None:
    """And does not begin again."""
    token = station.token(read=["secret"])
    stream = await station.events(token=token)
    await stream.subscribe("secret", backlog=0)

    await revoke(station, token)
    with pytest.raises((EOFError, AssertionError, ValueError)):
        await stream.receive()

    assert await is_refused(station, token)


async def test_a_renewed_connection_does_not_mind_the_old_token(
    station: Station,
) -> None:
    """What counts is the token that was shown last."""
    old, new = (station.token(read=["secret"]) for _ in range(2))
    renewed, other = await station.live(), await station.live()
    for live in (renewed, other):
        await live.auth(old)
        await live.subscribe("secret", backlog=0)
    await renewed.auth(new)

    await revoke(station, old)
    await other.closed()
    await station.publish("secret", post("renewed-2"))

    assert ids(await renewed.next_items(1)) == ["renewed-2"]


async def test_all_tokens_of_a_subject_end_at_once(station: Station) -> None:
    """Those that are issued later are good."""
    now = datetime.now(UTC)
    issue = partial(
        Tokens(SECRET).issue, "eve", read=["secret"], lifetime=timedelta(hours=1)
    )
    old, new = issue(now=now - timedelta(minutes=5)), issue(now=now)
    other = station.token(read=["secret"])
    body = {"sub": "eve", "issued_before": (now - timedelta(minutes=1)).isoformat()}

    answer = await ask(station, body, station.token(admin=True))

    assert (answer.status, set(answer.json)) == (201, {"sub", "issued_before"})
    assert await is_refused(station, old)
    assert not await is_refused(station, new)
    assert not await is_refused(station, other)


async def test_only_an_admin_may_revoke(station: Station) -> None:
    """Else anybody could lock out the station's own publishers."""
    body = {"jti": "somebody's"}

    without = await ask(station, body)
    publisher = await ask(station, body, station.token(publish=["*"], read=["*"]))

    assert without.error == (401, "unauthorized")
    assert publisher.error == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "jti: must be given, or sub in its place"),
        ({"jti": "a", "sub": "b"}, "jti: must be given, or sub in its place"),
        ({"jti": "a", "issued_before": "2026-01-01"}, "issued_before: belongs to sub"),
        ({"jti": ""}, "jti: must have 1 to 200 characters"),
        ({"sub": "a", "expires": "soon"}, "expires: must be an instant such as"),
        ({"jti": "a", "user": "b"}, "user: is not a field"),
        ([], "must be a"),
    ],
)
async def test_what_can_not_be_revoked_is_told_with_field_and_rule(
    station: Station, body: Message, text: str
) -> None:
    """And nothing is revoked by it."""
    answer = await ask(station, body, station.token(admin=True))

    assert answer.error == (400, "bad_message")
    assert text in answer.text
