"""``[[webhook]]``: who is told of changes over HTTP, as the configuration says it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feedsvc import kinds
from feedsvc.core.access import Rights, Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.core.item import Change, Item
from feedsvc.errors import BadInput
from feedsvc.toml import Table

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with is none
# As Standard Webhooks 1.0.0 has it, "Signature scheme".
LEAST_SECRET, MOST_SECRET = 24, 64
MAX_ENDPOINTS = 20

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One receiver; the first of its secrets is the new one while it is changed."""

    name: str
    url: str
    secrets: tuple[bytes, ...]
    channels: tuple[Channel, ...]
    events: frozenset[Change] = frozenset(Change)
    timeout_s: int = 15
    give_up_s: int = 86_400

    def scopes(self, rules: Rules) -> list[Scope]:
        """Return what it is told of: a private subtree only if it is named itself."""
        private = tuple(one for one in self.channels if rules.is_private(one.path))
        rights = Rights(f"webhook {self.name}", read=private)
        return [rules.scope(rights, channel) for channel in self.channels]

    def wants(self, item: Item, scopes: Sequence[Scope]) -> bool:
        """True if it is to be told of the item's newest revision."""
        return item.change in self.events and any(
            scope.sees(item.channel, item.type) for scope in scopes
        )


def endpoints(
    tables: Sequence[Table], file: str, faults: list[str]
) -> tuple[Endpoint, ...]:
    """Return the endpoints of the tables; what is wrong is added to the faults."""
    found: dict[str, Endpoint] = {}
    for table in tables:
        one = _endpoint(table, file, faults)
        if one is not None and one.name in found:
            place = f"{file}:{table.at('name')}: webhook.name"
            faults.append(f"{place}: {one.name} has a [[webhook]] already")
        elif one is not None:
            found[one.name] = one
    if len(tables) > MAX_ENDPOINTS:
        place = f"{file}:{tables[MAX_ENDPOINTS].at('')}: webhook"
        faults.append(f"{place}: must be at most {MAX_ENDPOINTS}")
    return tuple(found.values())


def _endpoint(table: Table, file: str, faults: list[str]) -> Endpoint | None:
    values: dict[str, Any] = {}
    broken: list[tuple[str, str]] = []
    for key, value in table.values.items():
        try:
            values |= _parsed(key, value)
        except (BadInput, TypeError, ValueError) as error:
            rule = error.rule if isinstance(error, BadInput) else str(error)
            broken.append((key, rule))
    if "secret" in table.values and "secret_file" in table.values:
        broken.append(("secret", "must be absent if there is a secret_file"))
    given = {_KEYS[key][0] for key in table.values if key in _KEYS}
    needed = ("name", "url", "secret", "channels")
    broken += [(key, "is required") for key in needed if _KEYS[key][0] not in given]
    faults += [f"{file}:{table.at(key)}: webhook.{key}: {rule}" for key, rule in broken]
    return None if broken else Endpoint(**values)


def _parsed(key: str, value: object) -> dict[str, Any]:
    if key not in _KEYS:
        raise ValueError("is not a key of [[webhook]]")
    name, parse = _KEYS[key]
    return {name: parse(value)}


def _name(value: object) -> str:
    text = kinds.text(value)
    if not _NAME.fullmatch(text):
        raise ValueError("must be up to 32 of a-z, 0-9, - and _")
    return text


def _url(value: object) -> str:
    text = kinds.text(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not have a user name or a password in it")
    return text


def _secrets(value: object) -> tuple[bytes, ...]:
    texts = value if isinstance(value, list) else str(value).split()
    if not 1 <= len(texts) <= 2:
        raise ValueError("must be a secret, or the new one and the old one")
    return tuple(_secret(one) for one in texts)


def _secret(value: object) -> bytes:
    text = str(value).strip()
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    good = text.startswith(SECRET_PREFIX) and LEAST_SECRET <= len(key) <= MOST_SECRET
    if not good:
        rule = f"must be {SECRET_PREFIX} and {LEAST_SECRET} to {MOST_SECRET} bytes"
        raise ValueError(f"{rule} in Base64, such as `feedsvc webhooks secret` prints")
    return key


def _secret_file(value: object) -> tuple[bytes, ...]:
    path = kinds.path(value)
    try:
        return _secrets(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def _channels(value: object) -> tuple[Channel, ...]:
    texts = kinds.texts(value if isinstance(value, list) else [value])
    if not texts:
        raise ValueError("must have at least one channel")
    return tuple(Channel.parse(one, "channels") for one in texts)


def _events(value: object) -> frozenset[Change]:
    known = {f"item.{one.value}": one for one in Change}
    texts = kinds.texts(value if isinstance(value, list) else [value])
    if not texts or not set(texts) <= set(known):
        raise ValueError(f"must be a list of {', '.join(known)}")
    return frozenset(known[one] for one in texts)


def _timeout_s(value: object) -> int:
    seconds = kinds.duration_s(value)
    if not 1 <= seconds <= 120:
        raise ValueError("must be 1s to 120s")
    return seconds


_KEYS: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "name": ("name", _name),
    "url": ("url", _url),
    "secret": ("secrets", _secrets),
    "secret_file": ("secrets", _secret_file),
    "channels": ("channels", _channels),
    "events": ("events", _events),
    "timeout": ("timeout_s", _timeout_s),
    "give_up": ("give_up_s", kinds.duration_s),
}
KEYS = frozenset(_KEYS)
