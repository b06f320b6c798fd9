"""The connection to MongoDB: its options, its checks and its errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from feedsvc.errors import ConfigError, Unavailable

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]

OLDEST_VERSION = (6, 0)

# Long enough for an election, short enough for a person who waits.
SELECTION_MS = 5_000
# A server that is stopped but not closed must not hold a request for ever.
SOCKET_MS = 60_000

_AUTHENTICATION_FAILED = 18


def connect(uri: str, *, database: str = "feedsvc") -> Database:
    """Return the database that ``uri`` names, or the one called ``database``.

    Nothing is sent yet: ``check`` tells whether the deployment will do.  The caller
    closes ``.client``.  Raise ``ConfigError`` for a URI that is none.
    """
    try:
        client = _client(uri)
        return client.get_default_database(database)
    except (ConfigurationError, UserWarning, ValueError) as error:
        raise ConfigError([f"mongodb_uri: {_without_secret(error, uri)}"]) from None


def _client(uri: str) -> Client:
    options: dict[str, Any] = {}
    if "serverselectiontimeoutms" not in uri.lower():
        options["serverSelectionTimeoutMS"] = SELECTION_MS
    with warnings.catch_warnings():
        # The driver only warns of options that it does not understand, and goes on
        # without them; one of them may have been "tls".
        warnings.simplefilter("error", UserWarning)
        return AsyncMongoClient(
            uri,
            appname="feedsvc",
            tz_aware=True,
            tzinfo=UTC,
            w="majority",
            connectTimeoutMS=SELECTION_MS,
            socketTimeoutMS=SOCKET_MS,
            **options,
        )


async def check(client: Client) -> None:
    """Raise ``ConfigError`` unless feedsvc can work with the deployment."""
    try:
        hello = await client.admin.command("hello")
        build = await client.admin.command("buildInfo")
        await client.admin.command("listDatabases", nameOnly=True)
    except ConnectionFailure as error:
        raise ConfigError([f"{_where(client)} does not answer"]) from error
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            text = f"{_where(client)} refuses the user name or the password"
        else:
            text = f"{_where(client)} refuses to work for us: {_reason(error)}"
        raise ConfigError([text]) from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise ConfigError(
            [
                f"{_where(client)} is neither a replica set nor a sharded cluster;"
                " start it with --replSet and initiate it"
            ]
        )
    if tuple(build["versionArray"][:2]) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise ConfigError(
            [f"{_where(client)} is version {build['version']}; {oldest} is the oldest"]
        )


@asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Turn "no answer" into ``Unavailable``; also a decorator of methods."""
    try:
        yield
    except PyMongoError as error:
        if not _is_passing(error):
            raise
        raise Unavailable("the database does not answer") from error


def _is_passing(error: PyMongoError) -> bool:
    """True if the same call may succeed once the deployment is well again."""
    return (
        isinstance(error, (ConnectionFailure, ExecutionTimeout, WriteConcernError))
        or error.timeout
        or error.has_error_label("RetryableWriteError")
    )


def _where(client: Client) -> str:
    servers = client.topology_description.server_descriptions()
    names = ", ".join(sorted(f"{host}:{port}" for host, port in servers))
    return f"MongoDB at {names}"


def _reason(error: OperationFailure) -> str:
    return str((error.details or {}).get("errmsg", "no reason given"))


def _without_secret(error: Exception, uri: str) -> str:
    """Return the error's text without the password of the URI."""
    password = re.search(r"//[^/:]*:([^/]+)@", uri)
    return str(error).replace(password[1], "…") if password else str(error)
