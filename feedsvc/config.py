"""Settings: one TOML file, the environment over it, and every fault told at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from feedsvc.core.access import ChannelRule, Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import ItemType
from feedsvc.errors import BadInput, ConfigError

PREFIX = "FEEDSVC_"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value.strip()


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _flag(value: object) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False}
    found = known.get(str(value).lower(), False if value in ("", "no") else None)
    if found is None:
        raise ValueError("must be true or false")
    return found


def _whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        good = isinstance(value, int | str) and not isinstance(value, bool)
        if not good or not re.fullmatch(r"-?\d{1,15}", str(value)):
            raise ValueError("must be a whole number")
        number = int(str(value))
        if not least <= number <= most:
            raise ValueError(f"must be {least} to {most}")
        return number

    return parse


def duration_s(value: object) -> int:
    """Return seconds: a whole number, or a text such as ``90s``, ``5m``, ``1d``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhd]?)\s*", str(value))
    if not found:
        raise ValueError("must be a duration such as 90s, 5m, 12h or 30d")
    return int(found[1]) * _UNITS[found[2] or "s"]


def _texts(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise TypeError("must be a list of texts")
    return tuple(_text(part) for part in parts)


def _origins(value: object) -> tuple[str, ...]:
    for origin in (found := _texts(value)):
        if not re.fullmatch(r"https?://[^/\s?#@]+", origin):
            raise ValueError(
                f"must have origins such as https://radio.example: {origin}"
            )
    return tuple(origin.lower() for origin in found)


def _networks(value: object) -> tuple[str, ...]:
    for network in (found := _texts(value)):
        ip_network(network)
    return found


def _key(
    default: Any, parse: Callable[[object], Any], doc: str, *, secret: bool = False
) -> Any:
    return field(
        default=default, metadata={"parse": parse, "doc": doc, "secret": secret}
    )


_PORT = _whole(0, 65_535)
_COUNT = _whole(1, 10**9)


@dataclass(frozen=True, slots=True)
class Server:
    """``[server]``: where the service listens and what it stands on."""

    host: str = _key("127.0.0.1", _text, "address to listen on")
    port: int = _key(8080, _PORT, "port of the public listener; 0 takes a free one")
    admin_port: int | None = _key(
        None, _PORT, "port of the admin listener, on loopback; default port + 1"
    )
    data_dir: Path = _key(Path("var"), _path, "directory for all that is kept")  # noqa: RUF009 - Path is frozen
    mongodb_uri: str | None = _key(
        None,
        _text,
        "MongoDB deployment; without it the service runs a private one",
        secret=True,
    )
    origins: tuple[str, ...] = _key(
        (), _origins, "origins that may use the service from a page; empty: any"
    )
    demo: bool = _key(False, _flag, "serve the demo station's page at /")
    proxies: tuple[str, ...] = _key(
        (), _networks, "proxies whose X-Forwarded-For tells a client's address"
    )
    drain_seconds: int = _key(
        5, duration_s, "time over which open connections are closed at a stop"
    )
    log_level: str = _key("INFO", lambda value: _text(value).upper(), "log level")


@dataclass(frozen=True, slots=True)
class Limits:
    """``[limits]``: bounds that keep one client from harming the others."""

    subscriptions: int = _key(100, _COUNT, "subscriptions of one connection")
    message_bytes: int = _key(
        262_144, _COUNT, "bytes of one message from a client, a published item's too"
    )
    messages_per_second: int = _key(
        50, _COUNT, "messages a second from one connection, with bursts of twice that"
    )
    sessions: int = _key(50_000, _COUNT, "connections of one process")
    sessions_per_address: int = _key(500, _COUNT, "connections of one address")
    queued_bytes: int = _key(
        1_048_576, _COUNT, "bytes that wait for one slow connection before it is cut"
    )
    queued_messages: int = _key(
        2_000, _COUNT, "messages that wait for one slow connection before it is cut"
    )
    publish_items: int = _key(1_000, _COUNT, "items of one publish request")
    publish_bytes: int = _key(16_777_216, _COUNT, "bytes of one publish request")
    publish_per_second: int = _key(
        200, _COUNT, "publish requests a second of one token, bursts of twice that"
    )
    ring_changes: int = _key(50_000, _COUNT, "changes kept in memory for resuming")
    ring_bytes: int = _key(67_108_864, _COUNT, "bytes of the changes kept in memory")
    ring_seconds: int = _key(
        600, duration_s, "age of the changes kept in memory and read again at a start"
    )
    hot_items: int = _key(100_000, _COUNT, "items in all hot backlogs together")


@dataclass(frozen=True, slots=True)
class Auth:
    """``[auth]``: how tokens are checked."""

    secret: str | None = _key(
        None,
        _text,
        "key of HS256 tokens; without it one is made and kept in data_dir",
        secret=True,
    )
    public_key: str | None = _key(
        None, _text, "PEM file of the key that checks RS256 and EdDSA tokens"
    )
    audience: str | None = _key(None, _text, "audience that tokens must name")


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One ``[[source]]`` as written: ingest knows what its keys mean."""

    values: Mapping[str, Any]
    line: int
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured; built once, passed down."""

    server: Server = field(default_factory=Server)
    limits: Limits = field(default_factory=Limits)
    auth: Auth = field(default_factory=Auth)
    rules: tuple[ChannelRule, ...] = ()
    sources: tuple[SourceTable, ...] = ()
    path: Path | None = None

    @property
    def channel_rules(self) -> Rules:
        return Rules(self.rules)


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table with the lines that it and its keys stand on."""

    values: Mapping[str, Any]
    line: int
    lines: Mapping[str, int]

    def at(self, key: str) -> int:
        return self.lines.get(key, self.line)


Group = TypeVar("Group", Server, Limits, Auth)
GROUPS: Mapping[str, type[Server] | type[Limits] | type[Auth]] = {
    "server": Server,
    "limits": Limits,
    "auth": Auth,
}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the TOML file with the environment's over them.

    Raise ``ConfigError`` with every fault, each with its file and line or variable.
    """
    if path is None and environ.get(f"{PREFIX}CONFIG"):
        path = Path(environ[f"{PREFIX}CONFIG"])
    faults: list[str] = []
    tables = _read(path, faults) if path else {}
    name = str(path) if path else ""
    _refuse_unknown_tables(tables, name, faults)
    settings = Settings(
        server=_group(Server, tables, "server", name, environ, faults),
        limits=_group(Limits, tables, "limits", name, environ, faults),
        auth=_group(Auth, tables, "auth", name, environ, faults),
        rules=_rules(tables.get("channel", []), name, faults),
        sources=tuple(
            SourceTable(table.values, table.line, table.lines)
            for table in tables.get("source", [])
        ),
        path=path,
    )
    if faults:
        raise ConfigError(faults)
    return settings


def _read(path: Path, faults: list[str]) -> dict[str, list[_Table]]:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    lines = _lines(text)
    tables: dict[str, list[_Table]] = {}
    for name, value in data.items():
        entries = value if isinstance(value, list) else [value]
        places = lines.get(name, [])
        for number, entry in enumerate(entries):
            line, keys = places[number] if number < len(places) else (1, {})
            found = _Table(entry if isinstance(entry, dict) else {}, line, keys)
            tables.setdefault(name, []).append(found)
    return tables


def _lines(text: str) -> dict[str, list[tuple[int, dict[str, int]]]]:
    """Find the lines of tables and keys, which tomllib does not tell."""
    found: dict[str, list[tuple[int, dict[str, int]]]] = {}
    keys: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\[?\s*([\w-]+)\s*\]\]?\s*(#.*)?$", line):
            keys = {}
            found.setdefault(header[1], []).append((number, keys))
        elif assigned := re.match(r"\s*([\w-]+)\s*[.=]", line):
            keys.setdefault(assigned[1], number)
            if not found:
                found.setdefault(assigned[1], []).append((number, {}))
    return found


def _refuse_unknown_tables(
    tables: Mapping[str, list[_Table]], name: str, faults: list[str]
) -> None:
    known = (*GROUPS, "channel", "source")
    for table, entries in tables.items():
        if table not in known:
            faults.append(
                f"{name}:{entries[0].line}: {table}: is not one of {', '.join(known)}"
            )


def _group(
    group: type[Group],
    tables: Mapping[str, list[_Table]],
    table_name: str,
    file: str,
    environ: Mapping[str, str],
    faults: list[str],
) -> Group:
    table = (tables.get(table_name) or [_Table({}, 1, {})])[0]
    known = {one.name: one for one in fields(group)}
    for key in table.values:
        if key not in known:
            place = f"{file}:{table.at(key)}: {table_name}.{key}"
            faults.append(f"{place}: is not a key of [{table_name}]")
    values: dict[str, Any] = {}
    for key, spec in known.items():
        sources = [
            (f"{file}:{table.at(key)}: {table_name}.{key}", table.values.get(key))
        ]
        sources += _from_environment(key, spec.metadata["secret"], environ, faults)
        for place, value in sources:
            if value is None:
                continue
            try:
                values[key] = spec.metadata["parse"](value)
            except (TypeError, ValueError) as error:
                faults.append(f"{place}: {error}")
    return group(**values)


def _from_environment(
    key: str, secret: bool, environ: Mapping[str, str], faults: list[str]
) -> list[tuple[str, str | None]]:
    variable = f"{PREFIX}{key.upper()}"
    found: list[tuple[str, str | None]] = []
    if secret and (file := environ.get(f"{variable}_FILE")):
        try:
            found.append((f"{variable}_FILE", Path(file).read_text("utf-8").strip()))
        except OSError as error:
            faults.append(f"{variable}_FILE: {file} cannot be read: {error.strerror}")
    # An empty variable is the shell's way to say "unset".
    found.append((variable, environ.get(variable) or None))
    return found


def _rules(
    tables: list[_Table], file: str, faults: list[str]
) -> tuple[ChannelRule, ...]:
    rules = []
    for table in tables:
        values: dict[str, Any] = {}
        if "path" not in table.values:
            faults.append(f"{file}:{table.line}: channel.path: is required")
        for key, value in table.values.items():
            try:
                values |= _rule_value(key, value)
            except (BadInput, TypeError, ValueError) as error:
                rule = error.rule if isinstance(error, BadInput) else str(error)
                faults.append(f"{file}:{table.at(key)}: channel.{key}: {rule}")
        if "path" in values:
            rules.append(ChannelRule(**values))
    return tuple(rules)


def _rule_value(key: str, value: object) -> dict[str, Any]:
    if key == "path":
        return {"path": Channel.parse(value)}
    if key == "access":
        if value not in ("public", "private"):
            raise ValueError("must be public or private")
        return {"private": value == "private"}
    if key == "types":
        return {"types": frozenset(ItemType(one) for one in _texts(value))}
    if key == "retention":
        limits = value if isinstance(value, dict) else {"age": value}
        if not set(limits) <= {"age", "count"}:
            raise ValueError("must be an age such as 90d, or {age = …, count = …}")
        found: dict[str, Any] = {}
        if "age" in limits:
            found["retention_s"] = duration_s(limits["age"])
        if "count" in limits:
            found["retention_count"] = _COUNT(limits["count"])
        return found
    raise ValueError("is not a key of [[channel]]")


def from_environment(config: str | None = None) -> Settings:
    """Return the settings of this process: the named file and its environment."""
    return load(Path(config) if config else None, os.environ)
