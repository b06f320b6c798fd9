"""What is served without a session: greeting, info, preflight, iframe page."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from html import escape
from http import HTTPStatus

from feedsvc.sockjs.http import HTML_TYPE, YEAR_S, Exchange, nocache, year

GREETING = b"Welcome to SockJS!\n"
# Conformance tests compare this document letter by letter.
IFRAME = """\
<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="{url}"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"""


def greeting(exchange: Exchange) -> None:
    """Show that the service is there."""
    exchange.answer(HTTPStatus.OK, GREETING)


def info(exchange: Exchange) -> None:
    """Say what the service can; here a client is refused at the lowest cost."""
    service = exchange.service
    headers = nocache() | exchange.cors()
    if service.refuses(exchange):
        return
    settings = service.settings
    capabilities = {
        "websocket": settings.websocket,
        "cookie_needed": settings.jsessionid,
        "origins": ["*:*"],
        "entropy": secrets.randbits(32),
    }
    if settings.base_url:
        capabilities["base_url"] = settings.base_url
    body = json.dumps(capabilities).encode()
    exchange.answer(HTTPStatus.OK, body, "application/json; charset=UTF-8", headers)


def preflight(exchange: Exchange, method: str, *, cookie: bool) -> None:
    """Answer OPTIONS of a URL that other origins may use."""
    headers = year() | exchange.cors()
    headers["Access-Control-Allow-Methods"] = f"OPTIONS, {method}"
    headers["Access-Control-Max-Age"] = str(YEAR_S)
    if cookie:
        headers |= exchange.cookie()
    exchange.answer(HTTPStatus.NO_CONTENT, headers=headers)


def iframe(exchange: Exchange) -> None:
    """Serve the page in which the client runs for another origin."""
    page = IFRAME.format(url=escape(exchange.service.settings.sockjs_url)).encode()
    tag = f'"{sha256(page).hexdigest()[:32]}"'
    headers = year() | {"ETag": tag}
    # Among others, or weak: a proxy that compresses answers weakens the tag.
    if tag in exchange.request.headers.get("If-None-Match", ""):
        exchange.answer(HTTPStatus.NOT_MODIFIED, headers=headers)
    else:
        exchange.answer(HTTPStatus.OK, page, HTML_TYPE, headers)
