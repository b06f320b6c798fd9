"""What holds at every address: security headers, and the list of allowed origins."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler

from feedsvc.config import Server, Settings
from feedsvc.looplag import LoopLag
from feedsvc.net.admin import admin_application
from feedsvc.net.routes import public_application
from feedsvc.net.traffic import Traffic
from tests.net.clients import Answer
from tests.net.station import (
    Station,
    lived_in,
    make_settings,
    own_database,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://radio.example"
FOREIGN = "https://evil.example"

# One address for each route; a new route needs one.
PUBLIC = [
    "/",
    "/api/",
    "/api/openapi.json",
    "/api/channels",
    "/api/channels/past/items",
    "/api/channels/past/items/past",
    "/api/channels/secret/events",
    "/api/items/past",
    "/api/revocations",
    "/builder",
    "/client.js",
    "/demo/demo.css",
    "/embed/past",
    "/feeds/past.atom",
    "/feeds/past.ics",
    "/healthz",
    "/oembed?url=x",
    "/readyz",
]
ADMIN = [
    "/admin",
    "/admin/admin.css",
    "/admin/admin.js",
    "/healthz",
    "/metrics",
    "/readyz",
]
# Those of SockJS are one route for Tornado.
LIVE = {
    "/live": "GET",
    "/live/info": "GET",
    "/live/websocket": "GET",
    "/live/iframe.html": "GET",
    "/live/1/a/websocket": "GET",
    "/live/1/b/xhr": "POST",
    "/live/1/c/xhr_streaming": "POST",
    "/live/1/d/xhr_send": "POST",
    "/live/1/e/eventsource": "GET",
    "/live/1/f/nothing": "GET",
}
Route = tuple[re.Pattern[str], type[RequestHandler]]


def routes(application: Application) -> list[Route]:
    """Return the addresses of the application, SockJS aside, and who answers them."""
    return [
        (rule.matcher.regex, rule.target)
        for rule in application.wildcard_router.rules
        if isinstance(rule.matcher, PathMatches)
    ]


def public() -> list[Route]:
    settings = Settings(server=Server(demo=True))
    service = cast("Any", SimpleNamespace(settings=settings, traffic=Traffic()))
    return routes(public_application(service, cast("Any", SimpleNamespace(urls=[]))))


def admin() -> list[Route]:
    nothing = cast("Any", None)
    service = SimpleNamespace(
        relay=None,
        streams=(),
        refusals={},
        revoking=None,
        settings=Settings(),
        traffic=Traffic(),
        loop_lag=LoopLag(),
    )
    live = cast("Any", SimpleNamespace(urls=[]))
    parts = (live, nothing, nothing, nothing)
    return routes(admin_application(cast("Any", service), *parts))


def handler_of(address: str, known: list[Route]) -> type[RequestHandler]:
    path = address.partition("?")[0]
    return next(handler for regex, handler in known if regex.match(path))


def methods(handler: type[RequestHandler]) -> list[str]:
    """Return what the handler answers."""
    return [
        method
        for method in RequestHandler.SUPPORTED_METHODS
        if getattr(handler, method.lower())
        is not getattr(RequestHandler, method.lower())
    ]


def example_of(regex: re.Pattern[str]) -> str:
    """Return an address that matches: the first of a choice, or any name."""
    groups = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", regex.pattern.rstrip("$"))
    return groups.replace("[^/]+", "x").replace("\\", "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Station]:
    """A service with all its pages, for one origin."""
    data_dir = Path(tmp_path_factory.mktemp("closed"))
    tables = {"server": {"origins": (ORIGIN,), "demo": True}}
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir, **tables)) as running,
    ):
        yield await lived_in(running)


@pytest.mark.parametrize("route", public(), ids=lambda route: route[0].pattern)
async def test_every_public_route_has_an_example(route: Route) -> None:
    """So that none is forgotten in what follows."""
    assert any(route[0].match(address.partition("?")[0]) for address in PUBLIC)


@pytest.mark.parametrize("address", PUBLIC)
async def test_every_public_address_refuses_a_foreign_origin(
    closed: Station, address: str
) -> None:
    """By every method that it has; the allowed origin and programs are let in."""
    known = methods(handler_of(address, public()))
    for method in known:
        answer = await closed.http.ask(method, address, headers={"Origin": FOREIGN})

        assert answer.status == 403, method
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert known


@pytest.mark.parametrize(("address", "method"), LIVE.items())
async def test_every_address_of_sockjs_refuses_a_foreign_origin(
    closed: Station, address: str, method: str
) -> None:
    """Those that are switched off are not there for anybody."""
    answer = await closed.http.ask(method, address, headers={"Origin": FOREIGN})

    assert answer.status in (403, 404)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("address", [*PUBLIC, "/nothing"])
async def test_every_public_answer_has_its_security_headers(
    closed: Station, address: str
) -> None:
    """Pages a policy that lets nothing in by default; only one may be framed."""
    require_headers(await closed.http.ask("GET", address), address)


@pytest.mark.parametrize("address", ADMIN)
async def test_every_admin_answer_has_its_security_headers(
    closed: Station, address: str
) -> None:
    """And foreign origins are refused there too."""
    client = closed.client()
    client.url = closed.admin_url

    require_headers(await client.ask("GET", address), address)
    refused = await client.ask("GET", address, headers={"Origin": FOREIGN})

    assert refused.status == 403


@pytest.mark.parametrize("route", admin(), ids=lambda route: route[0].pattern)
async def test_no_admin_route_is_open_to_who_has_no_token(
    closed: Station, route: Route
) -> None:
    """But for those that a supervisor asks."""
    client = closed.client()
    client.url = closed.admin_url
    address = example_of(route[0])
    if address in ADMIN:
        return
    for method in methods(route[1]):
        if method == "OPTIONS":
            continue
        answer = await client.ask(method, address)

        require_headers(answer, address)
        assert answer.status == 401, (method, address)


def require_headers(answer: Answer, address: str) -> None:
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    frames = policy.partition("frame-ancestors ")[2].partition(";")[0]
    if address.startswith("/embed/"):
        assert ORIGIN in frames
    else:
        assert frames in ("'none'", "'self'", f"'self' {ORIGIN}")
    assert "Server" not in headers
    assert "Set-Cookie" not in headers
