"""What all receive requests have in common: find or make the session, and attach."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from time import monotonic

from feedsvc.sockjs.http import Exchange
from feedsvc.sockjs.transports.receiver import HttpReceiver

log = logging.getLogger("feedsvc.sockjs.receive")

Begin = Callable[[Exchange], HttpReceiver | None]


def receive(exchange: Exchange, id: str, transport: str, begin: Begin) -> None:
    """Give this response to the session, at once or, in a storm, at the next sweep."""
    session = exchange.service.table.get(id)
    attach = partial(_attach, exchange, id, transport, begin)
    if session is not None and session.is_storming(monotonic()):
        exchange.service.counters.delayed += 1
        exchange.service.table.delay(partial(_attach_late, exchange, attach))
    else:
        attach()


def _attach_late(exchange: Exchange, attach: Callable[[], None]) -> None:
    try:
        attach()
    except Exception:
        # Of the application's opener or factory; the sweep goes on, as Tornado would.
        log.exception("receive request failed")
        exchange.cut()


def _attach(exchange: Exchange, id: str, transport: str, begin: Begin) -> None:
    service = exchange.service
    if exchange.is_lost:
        return  # while it was put off
    info = service.info(exchange, transport)
    if service.table.get(id) is None:
        if service.refuses(exchange):
            return
        session = None
    else:
        session = service.find(id, info)
        if session is None:
            exchange.answer(HTTPStatus.NOT_FOUND)
            return
    receiver = begin(exchange)
    if receiver is not None:
        receiver.attach(session or service.create(id, info))
