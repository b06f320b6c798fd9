"""Tokens on a live connection: shown, renewed, expired."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.net.station import Station, ids, post

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_token_may_be_shown_after_subscribing(
    station: Station,
) -> None:
    """The subscription to the public parent then shows the private part too."""
    live = await station.live()
    await live.subscribe("radio", backlog=0)

    await station.publish("radio.staff.auth", post("auth-1"))
    answer = await live.auth(station.token(read=["radio.staff"]))
    await station.publish("radio.staff.auth", post("auth-2"))

    assert answer["expires"].endswith("Z")
    assert ids(await live.next_items(1)) == ["auth-2"]


async def test_a_token_with_fewer_rights_ends_what_it_does_not_cover(
    station: Station, channel: str
) -> None:
    """Told with ``expired`` for the channel; the others go on."""
    live = await station.live()
    await live.auth(station.token(read=["radio.staff"]))
    await live.subscribe("radio.staff")
    await live.subscribe(channel)

    await live.auth(station.token(read=["radio.artist"]))
    news = live.held.popleft()
    await station.publish("radio.staff.fewer", post("fewer-1"))
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert (news["msg"], news["code"]) == ("error", "expired")
    assert news["text"] == "channel: the rights no longer cover radio.staff"
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_a_bad_token_changes_nothing(station: Station) -> None:
    """The rights of the last good one stay."""
    live = await station.live()
    await live.auth(station.token(read=["radio.staff"]))

    bad = await live.refusal("auth", token="nonsense")
    old = await live.refusal(
        "auth", token=station.token(lifetime=timedelta(minutes=-5))
    )
    still = await live.subscribe("radio.staff")

    assert (bad, old) == ("unauthorized", "expired")
    assert still["msg"] == "subscribed"


async def test_a_session_whose_token_expires_is_closed(station: Station) -> None:
    """If the token was all that opened its subscriptions: 3004, after an error."""
    live = await station.live()
    # Tokens are taken for some seconds longer, so that clocks may differ.
    await live.auth(station.token(read=["secret"], lifetime=timedelta(seconds=-1)))
    await live.subscribe("secret")

    error = await live.next()
    code, reason = await live.closed()

    assert (error["msg"], error["code"]) == ("error", "expired")
    assert (code, reason) == (3004, "token expired")


async def test_an_expired_token_leaves_the_public_subscriptions(
    station: Station, channel: str
) -> None:
    """An error tells that it is over; what needs no token goes on."""
    live = await station.live()
    token = station.token(publish=[channel], lifetime=timedelta(seconds=-1))
    await live.auth(token)
    await live.subscribe(channel)

    error = await live.next()
    code = await live.refusal("publish", channel=channel, item=post())
    await station.publisher.publish(channel, post(f"{channel}:1"))

    assert error == {
        "msg": "error",
        "code": "expired",
        "text": "token: its time is over",
    }
    assert code == "unauthorized"
    assert ids(await live.next_items(1)) == [f"{channel}:1"]


async def test_renewing_in_time_keeps_everything(station: Station) -> None:
    """The old token's end no longer matters."""
    live = await station.live()
    await live.auth(station.token(read=["secret"], lifetime=timedelta(seconds=1)))
    await live.subscribe("secret", backlog=0)
    await live.auth(station.token(read=["secret"]))
    other = await station.live()
    await other.auth(station.token(read=["secret"], lifetime=timedelta(seconds=1)))
    await other.subscribe("secret", backlog=0)

    await other.closed()  # what would have happened to the first one, too

    await station.publish("secret", post("renewed-1"))
    assert ids(await live.next_items(1)) == ["renewed-1"]
