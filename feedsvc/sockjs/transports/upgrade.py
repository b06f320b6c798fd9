"""The WebSocket handshake (RFC 6455, part 4.2), on a socket taken from Tornado."""

from __future__ import annotations

import socket
from http import HTTPStatus

from feedsvc.sockjs.codec import accept_key
from feedsvc.sockjs.deflate import negotiate
from feedsvc.sockjs.http import Exchange
from feedsvc.sockjs.transports.websocket import WebSocketSession

# 128 bytes with the key and the blank line: ws4py reads so many at a time, and of the
# frames that come with the head's end it keeps only the first.
HANDSHAKE = (
    "HTTP/1.1 101 Switching Protocol\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n"
)


def websocket(exchange: Exchange) -> None:
    """Upgrade to a WebSocket that carries SockJS frames."""
    _upgrade(exchange, "websocket")


def raw_websocket(exchange: Exchange) -> None:
    """Upgrade to a WebSocket that carries the bare messages."""
    _upgrade(exchange, "websocket-raw")


def _upgrade(exchange: Exchange, transport: str) -> None:
    headers = exchange.request.headers
    if headers.get("Upgrade", "").lower() != "websocket":
        exchange.answer(HTTPStatus.BAD_REQUEST, b'Can "Upgrade" only to "WebSocket".\n')
        return
    tokens = headers.get("Connection", "").lower().split(",")
    if "upgrade" not in map(str.strip, tokens):
        exchange.answer(HTTPStatus.BAD_REQUEST, b'"Connection" must be "Upgrade".\n')
        return
    if headers.get("Sec-WebSocket-Version") != "13":
        versions = {"Sec-WebSocket-Version": "13"}
        exchange.answer(HTTPStatus.UPGRADE_REQUIRED, headers=versions)
        return
    accept = accept_key(headers.get("Sec-WebSocket-Key", ""))
    if accept is None or exchange.request.version != "HTTP/1.1":
        exchange.answer(HTTPStatus.BAD_REQUEST, b"Handshake is malformed.\n")
        return
    if not exchange.service.refuses(exchange):
        _open(exchange, transport, HANDSHAKE.format(accept=accept))


def _open(exchange: Exchange, transport: str, handshake: str) -> None:
    service = exchange.service
    offers = exchange.request.headers.get("Sec-WebSocket-Extensions", "")
    extension = negotiate(offers) if service.settings.deflate else None
    if extension is not None:
        handshake += f"Sec-WebSocket-Extensions: {extension}\r\n"
    info = service.info(exchange, transport)
    detached = exchange.detach()
    if detached is None:
        return  # the client has gone already
    sock, early = detached
    _prepare(sock, service.settings.max_unsent_bytes)
    try:
        session = WebSocketSession(
            service, transport, sock, deflates=extension is not None
        )
    except BaseException:
        sock.close()  # the application's factory failed, and nobody else owns it
        raise
    service.enter(session, info)
    session.start(f"{handshake}\r\n".encode(), info, early)


def _prepare(sock: socket.socket, max_unsent_bytes: int) -> None:
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if max_unsent_bytes and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        # Else the kernel takes megabytes for a client that has stopped reading, and
        # a ping waits behind them.
        option = socket.TCP_NOTSENT_LOWAT
        sock.setsockopt(socket.IPPROTO_TCP, option, max_unsent_bytes)
