"""Greeting, info, preflight, iframe page, and what is not there."""

from __future__ import annotations

import json

import pytest

from feedsvc.sockjs import SockJSConnection, SockJSRouter
from tests.sockjs.support import Answer, Client, serving

NOCACHE = "no-store, no-cache, no-transform, must-revalidate, max-age=0"


def assert_cors(answer: Answer, origin: str | None) -> None:
    allowed = answer.headers.get("access-control-allow-origin")
    credentials = answer.headers.get("access-control-allow-credentials")
    assert allowed == (origin or "*")
    assert credentials == ("true" if origin else None)
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/echo", "/echo/"])
async def test_greeting_has_two_urls(client: Client, path: str) -> None:
    """Nineteen bytes of text, and no cookie."""
    answer = await client.get(path)

    assert (answer.status, answer.body) == (200, b"Welcome to SockJS!\n")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.headers["content-length"] == "19"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "suffix",
    [
        *("/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "//x/xhr", "/x//xhr"),
        *("/a./a/xhr", "/a/a./xhr", "/./././xhr", "//xhr", "////xhr", "/a/a/a/xhr"),
        *("/a/a/XHR", "/a/a/xhr/", "/a/a/xhr_Send", "/chunking_test", "/a/a/nothing"),
        *("/iframe.htm", "/iframe", "/IFRAME.html", "/iframe.HTML", "/iframe-/.html"),
        *("/a/" + "i" * 257 + "/xhr", "/infos", "/info/", "/a/b/info"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_paths_are_not_found(
    client: Client, suffix: str, method: str
) -> None:
    """Empty parts, dots, too few or too many segments, unknown names."""
    answer = await client.request(method, "/echo" + suffix)

    assert (answer.status, answer.body) == (404, b"Not found.\n")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/echo"),
        ("HEAD", "/echo"),
        ("POST", "/echo/info"),
        ("POST", "/echo/iframe.html"),
        ("GET", "/echo/a/m/xhr"),
        ("PUT", "/echo/a/m/xhr_send"),
        ("DELETE", "/echo/a/m/xhr_streaming"),
        ("POST", "/echo/a/m/eventsource"),
        ("POST", "/echo/a/m/htmlfile"),
        ("OPTIONS", "/echo/a/m/jsonp"),
        ("GET", "/echo/a/m/jsonp_send"),
        ("POST", "/echo/a/m/websocket"),
        ("POST", "/echo/websocket"),
    ],
)
async def test_wrong_method_names_the_right_one(
    client: Client, method: str, path: str
) -> None:
    """405 with `Allow`, without body or type."""
    answer = await client.request(method, path)

    assert (answer.status, answer.body) == (405, b"")
    assert answer.headers["allow"]
    assert "content-type" not in answer.headers


async def test_info_says_what_the_service_can(client: Client) -> None:
    """The fields that clients read, never cached."""
    answer = await client.get("/echo/info?t=1", Origin="http://page")
    fields = json.loads(answer.body)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == NOCACHE
    assert not {"set-cookie", "expires", "last-modified"} & answer.headers.keys()
    assert fields.pop("entropy") in range(2**32)
    assert fields == {"websocket": True, "cookie_needed": False, "origins": ["*:*"]}


async def test_entropy_differs(client: Client) -> None:
    """Browsers take it for a seed."""
    first, second = await client.get("/echo/info"), await client.get("/echo/info")

    assert json.loads(first.body)["entropy"] != json.loads(second.body)["entropy"]


@pytest.mark.parametrize("origin", [None, "http://page", "null"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/echo/info"),
        ("OPTIONS", "/echo/info"),
        ("POST", "/echo/s/{}/xhr"),
        ("OPTIONS", "/echo/s/{}/xhr"),
        ("OPTIONS", "/echo/s/{}/xhr_streaming"),
        ("POST", "/echo/s/{}/xhr_send"),
        ("OPTIONS", "/echo/s/{}/xhr_send"),
    ],
)
async def test_page_of_another_origin_may_read(
    client: Client, method: str, path: str, origin: str | None
) -> None:
    """The origin is echoed with credentials; a star without origin."""
    headers = {"Origin": origin} if origin else {}

    answer = await client.request(method, path.format(id(path)), headers=headers)

    assert_cors(answer, origin)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/info", "OPTIONS, GET"),
        ("/a/a/xhr", "OPTIONS, POST"),
        ("/a/a/xhr_streaming", "OPTIONS, POST"),
        ("/a/a/xhr_send", "OPTIONS, POST"),
    ],
)
async def test_preflight_is_good_for_a_year(
    client: Client, path: str, methods: str
) -> None:
    """Browsers need not ask again."""
    answer = await client.options("/echo" + path, Origin="http://page")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-methods"] == methods
    assert answer.headers["access-control-max-age"] == "31536000"
    assert answer.headers["cache-control"] == "public, max-age=31536000"
    assert answer.headers["expires"].endswith("GMT")


@pytest.mark.parametrize(
    ("asked", "allowed"), [("a, b, c", "a, b, c"), ("", None), (" ", None)]
)
async def test_preflight_allows_the_headers_it_is_asked_for(
    client: Client, asked: str, allowed: str | None
) -> None:
    """Blank is as good as absent."""
    answer = await client.options("/echo/a/a/xhr", Access_Control_Request_Headers=asked)

    assert answer.headers.get("access-control-allow-headers") == allowed


async def test_info_tells_that_websocket_is_off(client: Client) -> None:
    """And both URLs are gone."""
    answer = await client.get("/disabled_websocket_echo/info")
    framed = await client.get("/disabled_websocket_echo/a/b/websocket")
    raw = await client.get("/disabled_websocket_echo/websocket")

    assert json.loads(answer.body)["websocket"] is False
    assert (framed.status, raw.status) == (404, 404)


async def test_info_may_point_to_another_base_url() -> None:
    """A balancer sends a client straight to one node."""
    router = SockJSRouter(SockJSConnection, "/live", {"base_url": "https://n1/live"})
    async with serving(router) as client:
        answer = await client.get("/live/info")

    assert json.loads(answer.body)["base_url"] == "https://n1/live"


@pytest.mark.parametrize(
    "name",
    [
        *("iframe.html", "iframe-a.html", "iframe-.html"),
        *("iframe-0.1.2abc-dirty.2144.html", "iframe-1.6.1.html?t=1234"),
    ],
)
async def test_iframe_page_loads_the_client(client: Client, name: str) -> None:
    """The script first, then the call, kept for a year."""
    answer = await client.get(f"/echo/{name}")
    page = answer.body.decode()

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=UTF-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000"
    assert answer.headers["etag"].startswith('"')
    assert not {"set-cookie", "last-modified"} & answer.headers.keys()
    assert page.index('src="/sockjs.js"') < page.index("SockJS.bootstrap_iframe();")


@pytest.mark.parametrize("known", ["{}", "W/{}", '"older", W/{}'])
async def test_iframe_page_is_not_sent_twice(client: Client, known: str) -> None:
    """304 without body or type, also to a tag that a proxy has weakened."""
    first = await client.get("/echo/iframe.html")
    tags = known.format(first.headers["etag"])

    answer = await client.get("/echo/iframe.html", If_None_Match=tags)

    assert (answer.status, answer.body) == (304, b"")
    assert "content-type" not in answer.headers


async def test_url_in_the_iframe_page_cannot_leave_its_attribute() -> None:
    """A quote in the setting is escaped."""
    settings = {"iframe": True, "sockjs_url": '/x"onload="y'}
    async with serving(SockJSRouter(SockJSConnection, "/live", settings)) as client:
        answer = await client.get("/live/iframe.html")

    assert b'/x"' not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        *("/live/iframe.html", "/live/a/b/htmlfile?c=x"),
        *("/live/a/b/jsonp?c=x", "/live/a/b/jsonp_send"),
    ],
)
async def test_unsafe_transports_are_off_by_default(path: str) -> None:
    """Any page can use them, so an operator has to want them."""
    async with serving(SockJSRouter(SockJSConnection, "/live")) as client:
        answer = await client.get(path)

    assert answer.status == 404


ALL = ["/a/b/xhr", "/a/b/xhr_streaming", "/a/b/xhr_send", "/a/b/eventsource"]


@pytest.mark.parametrize("path", ["/info", "/websocket", "/a/b/websocket", *ALL])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["http://evil", "null", "http://good.evil", "https://good", "http://GOOD"]
)
async def test_origin_that_is_not_listed_is_refused_everywhere(
    path: str, method: str, origin: str
) -> None:
    """Scheme, host and port have to match exactly."""
    router = SockJSRouter(SockJSConnection, "/live", {"origins": ("http://good",)})
    async with serving(router) as client:
        answer = await client.request(
            method, "/live" + path, headers={"Origin": origin}
        )

    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert router.stats()["refused"] == {"origin": 1}


async def test_listed_origin_and_programs_may_connect() -> None:
    """Programs send no Origin; they get no star either."""
    router = SockJSRouter(SockJSConnection, "/live", {"origins": ("http://good",)})
    async with serving(router) as client:
        listed = await client.get("/live/info", Origin="http://good")
        program = await client.get("/live/info")
        socket = await client.websocket(
            "/live/a/b/websocket", headers={"Origin": "http://good"}
        )

    assert_cors(listed, "http://good")
    assert program.status == 200
    assert "access-control-allow-origin" not in program.headers
    assert socket.status == 101


@pytest.mark.parametrize(
    "path", ["/live/iframe.html", "/live/a/b/htmlfile?c=x", "/live/a/b/jsonp?c=x"]
)
async def test_transports_that_cannot_check_origins_are_off_with_a_list(
    path: str,
) -> None:
    """Even if they were switched on."""
    settings = {"origins": ("http://good",)}
    settings |= dict.fromkeys(("iframe", "htmlfile", "jsonp"), True)
    async with serving(SockJSRouter(SockJSConnection, "/live", settings)) as client:
        answer = await client.get(path, Origin="http://good")

    assert answer.status == 404


async def test_several_requests_share_a_connection(client: Client) -> None:
    """HTTP/1.1 keeps alive, after errors too."""
    first = await client.stream("GET", "/echo")
    await first.read(19)
    for path in ("/echo/nothing", "/echo/info"):
        first.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await first.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split()[0])
        await first.reader.readexactly(length)

    assert b"200 OK" in head


async def test_http_1_0_may_keep_a_connection(client: Client) -> None:
    """Fixed answers have a length."""
    stream = await client.stream(
        "GET", "/echo", headers={"Connection": "keep-alive"}, version="1.0"
    )

    assert stream.headers["content-length"] == "19"
    assert stream.headers["connection"].lower() == "keep-alive"


async def test_router_may_have_no_prefix_or_a_deep_one() -> None:
    """A base URL has any number of segments; one sits beside another."""
    deep = SockJSRouter(SockJSConnection, "/a/b/c.d/live/")
    root = SockJSRouter(SockJSConnection)
    async with serving(deep, root) as client:
        answers = [await client.get(path) for path in ("/", "/a/b/c.d/live")]
        neighbour = await client.get("/a/b/cxd/live")

    assert [answer.body for answer in answers] == [b"Welcome to SockJS!\n"] * 2
    assert neighbour.status == 404
