"""Settings: one TOML file, the environment over it, and every fault told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from feedsvc import kinds
from feedsvc.channels import channel_rules
from feedsvc.core.access import ChannelRule, Rules
from feedsvc.endpoints import Endpoint, endpoints
from feedsvc.errors import ConfigError
from feedsvc.kinds import duration_s as duration_s
from feedsvc.toml import Table, read

PREFIX = "FEEDSVC_"


def _key(
    default: Any, parse: Callable[[object], Any], doc: str, *, secret: bool = False
) -> Any:
    return field(
        default=default, metadata={"parse": parse, "doc": doc, "secret": secret}
    )


_PORT = kinds.whole(0, 65_535)
_COUNT = kinds.whole(1, 10**9)


@dataclass(frozen=True, slots=True)
class Server:
    """``[server]``: where the service listens and what it stands on."""

    host: str = _key("127.0.0.1", kinds.text, "address to listen on")
    port: int = _key(8080, _PORT, "port of the public listener; 0 takes a free one")
    admin_port: int | None = _key(
        None, _PORT, "port of the admin listener, on loopback; default port + 1"
    )
    ingest_port: int = _key(
        8090, _PORT, "port where ingest takes web hooks, if a source has one; 0: any"
    )
    data_dir: Path = _key(Path("var"), kinds.path, "directory for all that is kept")  # noqa: RUF009 - Path is frozen
    mongodb_uri: str | None = _key(
        None,
        kinds.text,
        "MongoDB deployment; without it the service runs a private one",
        secret=True,
    )
    origins: tuple[str, ...] = _key(
        (), kinds.origins, "origins that may use the service from a page; empty: any"
    )
    public_url: str | None = _key(
        None,
        kinds.address,
        "address that readers know the service by; default: as each of them asks",
    )
    websub_hub: str | None = _key(
        None, kinds.address, "WebSub hub that feeds name and that is told of changes"
    )
    demo: bool = _key(False, kinds.flag, "serve the demo station's page at /")
    workers: int = _key(1, kinds.whole(1, 256), "processes that share the port")
    share_port: bool = _key(
        False, kinds.flag, "let other processes of the service listen on the same port"
    )
    proxies: tuple[str, ...] = _key(
        (),
        kinds.networks,
        "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    drain_seconds: int = _key(
        5, duration_s, "time over which open connections are closed at a stop"
    )
    log_level: str = _key("INFO", kinds.level, "log level")
    log_format: str = _key(
        "text", kinds.log_format, "form of log lines: text, or json for machines"
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins that may use the service, its own too; empty: any."""
        if not self.origins or self.public_url is None:
            return self.origins
        return (*self.origins, "/".join(self.public_url.lower().split("/")[:3]))

    @property
    def admitted_origins(self) -> tuple[str, ...]:
        """The allowed origins, and the operator's own page; empty: any."""
        if not self.origins:
            return ()
        own = [
            f"http://{name}:{self.admin_port}" for name in ("127.0.0.1", "localhost")
        ]
        return (*self.allowed_origins, *own)


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
    requests_per_second: int = _key(
        100,
        _COUNT,
        "HTTP requests a second of one address or one token, bursts of twice that",
    )
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
        kinds.text,
        "key of HS256 tokens; without it one is made and kept in data_dir",
        secret=True,
    )
    public_key: str | None = _key(
        None, kinds.text, "PEM file of the key that checks RS256 and EdDSA tokens"
    )
    jwks: str | None = _key(
        None,
        kinds.text,
        "JWKS file of such keys, each with its kid; read again when it changes",
    )
    audience: str | None = _key(None, kinds.text, "audience that tokens must name")


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
    webhooks: tuple[Endpoint, ...] = ()
    path: Path | None = None

    @property
    def channel_rules(self) -> Rules:
        return Rules(self.rules)


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
    tables = read(path, faults) if path else {}
    name = str(path) if path else ""
    _refuse_unknown_tables(tables, name, faults)
    settings = Settings(
        server=_group(Server, tables, "server", name, environ, faults),
        limits=_group(Limits, tables, "limits", name, environ, faults),
        auth=_group(Auth, tables, "auth", name, environ, faults),
        rules=channel_rules(tables.get("channel", []), name, faults),
        sources=tuple(
            SourceTable(table.values, table.line, table.lines)
            for table in tables.get("source", [])
        ),
        webhooks=endpoints(tables.get("webhook", []), name, faults),
        path=path,
    )
    if faults:
        raise ConfigError(faults)
    return settings


def _refuse_unknown_tables(
    tables: Mapping[str, list[Table]], name: str, faults: list[str]
) -> None:
    known = (*GROUPS, "channel", "source", "webhook")
    for table, entries in tables.items():
        place = f"{name}:{entries[0].line}: {table}"
        if table not in known:
            faults.append(f"{place}: is not one of {', '.join(known)}")
        elif table in GROUPS and len(entries) > 1:
            faults.append(f"{place}: must be one table, [{table}]")
        elif any(entry.is_scalar for entry in entries):
            faults.append(f"{place}: must be a table, [{table}]")


def _group(
    group: type[Group],
    tables: Mapping[str, list[Table]],
    table_name: str,
    file: str,
    environ: Mapping[str, str],
    faults: list[str],
) -> Group:
    table = (tables.get(table_name) or [Table({}, 1, {})])[0]
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


def from_environment(config: str | None = None) -> Settings:
    """Return the settings of this process: the named file and its environment."""
    return load(Path(config) if config else None, os.environ)
