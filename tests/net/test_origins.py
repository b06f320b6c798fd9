"""Which pages may use the service: any, or those of the listed origins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tests.net.clients import RawSocket, items_path
from tests.net.station import (
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS = {"Origin": "https://radio.example"}
FOREIGN = {"Origin": "https://evil.example"}

ADDRESSES = [
    ("GET", "/api/channels"),
    ("GET", "/api/channels/past/items"),
    ("POST", "/api/channels/past/items"),
    ("PUT", "/api/channels/past/items/past"),
    ("GET", "/api/channels/past/events"),
    ("GET", "/api/items/past"),
    ("DELETE", "/api/items/past"),
    ("OPTIONS", "/api/channels/past/items"),
    ("GET", "/readyz"),
    ("GET", "/nothing"),
    ("GET", "/live/info"),
    ("OPTIONS", "/live/info"),
    ("POST", "/live/1/a/xhr"),
    ("POST", "/live/1/b/xhr_streaming"),
    ("POST", "/live/1/c/xhr_send"),
    ("OPTIONS", "/live/1/c/xhr_send"),
    ("GET", "/live/1/d/eventsource"),
    ("GET", "/live/1/e/websocket"),
    ("GET", "/live/websocket"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """A service for the pages of two origins."""
    origins = ("https://radio.example", "http://localhost:8000")
    async with own_database(mongod_uri) as uri:
        settings = make_settings(
            uri, Path(tmp_path_factory.mktemp("closed")), server={"origins": origins}
        )
        async with serving(settings) as running:
            yield await lived_in(running)


async def test_any_page_may_read_without_a_list(station: Station) -> None:
    """Errors can be read too, and the headers that tell when to come again."""
    good = await station.http.ask("GET", items_path("past"), headers=FOREIGN)
    bad = await station.http.ask("GET", items_path("nobody"), headers=FOREIGN)

    for answer in (good, bad):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Expose-Headers"] == (
            "ETag, Retry-After, X-Request-ID"
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers


async def test_a_preflight_is_answered_with_what_is_allowed(station: Station) -> None:
    """Browsers ask before they send a token or JSON."""
    ask = {**OURS, "Access-Control-Request-Method": "POST"}

    answer = await station.http.ask("OPTIONS", items_path("radio.news"), headers=ask)

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"Authorization", "Content-Type"} <= set(allowed.split(", "))
    assert answer.headers["Access-Control-Max-Age"] == "86400"


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
async def test_every_address_refuses_a_foreign_origin(
    closed: Station, method: str, path: str
) -> None:
    """403, and nothing that the page could read."""
    answer = await closed.http.ask(method, path, headers=FOREIGN)

    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", ["https://radio.example", "http://localhost:8000"])
async def test_a_listed_origin_may_use_the_service(
    closed: Station, origin: str
) -> None:
    """Its name comes back, and caches keep the answers of origins apart."""
    headers = {"Origin": origin}

    good = await closed.http.ask("GET", items_path("past"), headers=headers)
    bad = await closed.http.ask("GET", items_path("nobody"), headers=headers)
    info = await closed.http.ask("GET", "/live/info", headers=headers)
    preflight = await closed.http.ask("OPTIONS", items_path("past"), headers=headers)

    for answer in (good, bad, info, preflight):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in ",".join(answer.headers.get_list("Vary"))
    assert (good.status, bad.status, info.status) == (200, 404, 200)
    assert preflight.status == 204


async def test_programs_that_send_no_origin_are_let_in(closed: Station) -> None:
    """A back end is no page."""
    answer = await closed.publisher.publish("radio.news", post())
    live = await closed.live()

    assert answer.status == 201
    assert (await live.ask("ping"))["msg"] == "pong"


async def test_a_foreign_page_gets_no_websocket(closed: Station) -> None:
    """The upgrade is refused; browsers ask no one before it."""
    with pytest.raises(InvalidStatus) as refused:
        await RawSocket.open(closed.url, origin="https://evil.example")
    ours = await closed.live(origin="https://radio.example")

    assert refused.value.response.status_code == 403
    assert (await ours.ask("ping"))["msg"] == "pong"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://radio.example",
        "https://radio.example.evil.example",
        "https://radio.example:8443",
        "https://sub.radio.example",
    ],
)
async def test_origins_are_compared_whole(closed: Station, origin: str) -> None:
    """Scheme, host and port."""
    headers = {"Origin": origin}

    api = await closed.http.ask("GET", items_path("past"), headers=headers)
    live = await closed.http.ask("GET", "/live/info", headers=headers)

    assert (api.status, live.status) == (403, 403)
