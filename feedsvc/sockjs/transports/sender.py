"""xhr_send and jsonp_send: POSTs that bring messages to an open session."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

from feedsvc.sockjs.http import TEXT_TYPE, Exchange, Headers, nocache
from feedsvc.sockjs.wire import PayloadError, decode_payload

_FORM = "application/x-www-form-urlencoded"


def xhr_send(exchange: Exchange, id: str) -> None:
    """Take messages from the body; answer 204 when they have been handled."""
    headers = nocache() | exchange.cors() | exchange.cookie()
    good = partial(
        exchange.answer,
        HTTPStatus.NO_CONTENT,
        headers=headers | {"Content-Type": TEXT_TYPE},
    )
    _send(exchange, id, bytes(exchange.body), headers, good)


def jsonp_send(exchange: Exchange, id: str) -> None:
    """Take messages from the form's field ``d``, or from a body of plain text."""
    headers = nocache() | exchange.cookie()
    good = partial(exchange.answer, HTTPStatus.OK, b"ok", headers=headers)
    body = bytes(exchange.body)
    if exchange.request.headers.get("Content-Type", "").startswith(_FORM):
        body = _field(body)
    _send(exchange, id, body, headers, good)


def _send(
    exchange: Exchange, id: str, body: bytes, headers: Headers, good: partial[None]
) -> None:
    service = exchange.service
    try:
        messages = decode_payload(body)
    except PayloadError as error:
        service.refuse("payload")
        text = f"{error}\n".encode()
        exchange.answer(HTTPStatus.INTERNAL_SERVER_ERROR, text, headers=headers)
        return
    session = service.find(id, service.info(exchange, ""))
    if session is None or session.is_closed:
        exchange.answer(HTTPStatus.NOT_FOUND, headers=headers)
        return
    broken = session.receive(messages)
    if broken is None:
        session.after_callbacks(good)
    elif broken == "message_rate":
        exchange.answer(HTTPStatus.TOO_MANY_REQUESTS, b"Too fast.\n", headers=headers)
    else:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        exchange.answer(status, b"Too large.\n", headers=headers)


def _field(body: bytes) -> bytes:
    """Return the form's field ``d``; empty if there is none, or far too many."""
    try:
        fields = parse_qs(body.decode(), errors="strict", max_num_fields=10)
        return fields["d"][-1].encode()
    except (ValueError, KeyError):
        return b""
