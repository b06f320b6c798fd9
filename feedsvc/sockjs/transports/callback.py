"""What htmlfile and jsonp share: a callback's name, and frames as script strings."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from feedsvc.sockjs.http import Exchange

_NAME = re.compile(r"[A-Za-z0-9\-_.]{1,32}")


def callback_name(exchange: Exchange) -> str | None:
    """Return the callback that the query names, or answer 500 and return None."""
    arguments = exchange.request.query_arguments
    values = arguments.get("c") or arguments.get("callback")
    if not values or not values[-1]:
        body = b'"callback" parameter required\n'
    else:
        name = values[-1].decode("latin-1")
        if _NAME.fullmatch(name):
            return name
        body = b'invalid "callback" parameter\n'
    exchange.answer(HTTPStatus.INTERNAL_SERVER_ERROR, body)
    return None


def script_string(frame: str) -> str:
    """Return the frame as a string of script that cannot end a script element."""
    return json.dumps(frame).replace("</", "<\\/")
