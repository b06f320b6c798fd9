"""What clients ask over the wire: text to JSON to requests."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from feedsvc.core.channel import Channel
from feedsvc.core.item import ItemType
from feedsvc.core.messages import (
    DEFAULT_BACKLOG,
    MAX_BACKLOG,
    Auth,
    Backlog,
    Page,
    Ping,
    Publish,
    Request,
    RequestId,
    Subscribe,
    Unsubscribe,
)
from feedsvc.core.position import Cursor
from feedsvc.errors import BadJSON, BadMessage
from feedsvc.schema.fields import shown

MAX_REQUEST_ID = 200


def parse_json(text: str | bytes, field: str = "message") -> Any:
    """Return the JSON value; raise ``BadJSON`` if it is none."""

    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadJSON(field, f"must be JSON ({_first_line(error)})") from error


def request_id(data: object) -> RequestId:
    """Return the id that an answer to this message carries, if it has a usable one."""
    found = data.get("id") if isinstance(data, Mapping) else None
    if isinstance(found, str):
        return found if len(found) <= MAX_REQUEST_ID and _is_utf8(found) else None
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    return None


def parse_request(data: object) -> Request:
    """Return the client's message; raise ``BadInput``, which names field and rule."""
    if not isinstance(data, Mapping):
        raise BadMessage("message", "must be a JSON object")
    if data.get("id") is not None and request_id(data) is None:
        raise BadMessage(
            "id", f"must be a number or at most {MAX_REQUEST_ID} characters"
        )
    kind = data.get("msg")
    known = _REQUESTS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise BadMessage("msg", f"must be one of {', '.join(_REQUESTS)}")
    names, make = known
    for name in data:
        if name not in names:
            raise BadMessage(shown(name), f"is not a field of {kind}")
    return make(data)


def parse_limit(value: object, field: str, default: int = DEFAULT_BACKLOG) -> int:
    """Return how many items are asked for: 0 and more, clamped to 500."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadMessage(field, "must be a whole number")
    if value < 0:
        raise BadMessage(field, "must be 0 or more")
    return min(value, MAX_BACKLOG)


def parse_types(value: object, field: str = "types") -> frozenset[ItemType] | None:
    """Return the item types asked for; None means all."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise BadMessage(field, "must be a list of at least one item type")
    try:
        return frozenset(ItemType(one) for one in value)
    except ValueError as error:
        known = ", ".join(ItemType)
        raise BadMessage(field, f"must be of {known}") from error


def _subscribe(data: Mapping[str, Any]) -> Subscribe:
    since = data.get("since")
    return Subscribe(
        data.get("id"),
        Channel.parse_pattern(data.get("channel")),
        parse_limit(data.get("backlog"), "backlog"),
        parse_types(data.get("types")),
        None if since is None else Cursor.parse(since),
    )


def _unsubscribe(data: Mapping[str, Any]) -> Unsubscribe:
    return Unsubscribe(data.get("id"), Channel.parse_pattern(data.get("channel")))


def _backlog(data: Mapping[str, Any]) -> Backlog:
    before = data.get("before")
    return Backlog(
        data.get("id"),
        Channel.parse_pattern(data.get("channel")),
        parse_limit(data.get("limit"), "limit"),
        None if before is None else Page.parse(before),
        parse_types(data.get("types")),
    )


def _auth(data: Mapping[str, Any]) -> Auth:
    token = data.get("token")
    if not isinstance(token, str) or not token:
        raise BadMessage("token", "must be a JWT")
    return Auth(data.get("id"), token)


def _publish(data: Mapping[str, Any]) -> Publish:
    item = data.get("item")
    if not isinstance(item, Mapping):
        raise BadMessage("item", "must be a JSON object")
    return Publish(data.get("id"), Channel.parse(data.get("channel")), item)


def _ping(data: Mapping[str, Any]) -> Ping:
    return Ping(data.get("id"))


_REQUESTS: dict[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], Request]]] = {
    "subscribe": (
        frozenset({"msg", "id", "channel", "backlog", "types", "since"}),
        _subscribe,
    ),
    "unsubscribe": (frozenset({"msg", "id", "channel"}), _unsubscribe),
    "backlog": (
        frozenset({"msg", "id", "channel", "limit", "before", "types"}),
        _backlog,
    ),
    "auth": (frozenset({"msg", "id", "token"}), _auth),
    "publish": (frozenset({"msg", "id", "channel", "item"}), _publish),
    "ping": (frozenset({"msg", "id"}), _ping),
}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """Return the number; one that we would send back as Infinity is refused."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
