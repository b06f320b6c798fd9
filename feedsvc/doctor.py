"""What a machine and a configuration look like to somebody who has seen many.

Each check returns what it found, and how to mend what is not good; none changes
anything.  What looks at the database is in ``feedsvc.store.checkup``.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from feedsvc.config import Auth, Settings
from feedsvc.core.finding import Finding, Level
from feedsvc.errors import ConfigError
from feedsvc.net.tokens import GOOD_SECRET, keys_of
from feedsvc.sockjs import fanout

MB = 1_000_000
LITTLE_DISK, NO_DISK = 1_000 * MB, 200 * MB
# Files, the database's connections, and what is being accepted.
OTHER_FILES = 200
FEW_FILES = 4_096
ANSWER_S = 2.0


def machine(settings: Settings) -> Iterator[Finding]:
    """Check all that needs no database."""
    server = settings.server
    yield data_dir(server.data_dir)
    yield free_disk(shutil.disk_usage(_existing(server.data_dir)).free)
    yield secret(settings.auth.secret, server.data_dir / "secret")
    yield from public_keys(settings.auth)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield open_files(hard, settings.limits.sessions)
    admin_port = server.admin_port or (server.port + 1 if server.port else 0)
    yield port("port", server.host, server.port)
    yield port("admin_port", "127.0.0.1", admin_port)
    yield fan_out(fanout.IMPLEMENTATION)


def data_dir(path: Path) -> Finding:
    """Tell whether the service can keep anything."""
    near = _existing(path)
    if path.exists() and not path.is_dir():
        told, mend = f"{path} is not a directory", "name another one in data_dir"
    elif not os.access(near, os.W_OK | os.X_OK):
        told = f"{path} can't be written by user {os.geteuid()}"
        mend = f"chown {os.geteuid()} {near}, or name another one in data_dir"
    else:
        return Finding("data_dir", Level.OK, f"{path} can be written")
    return Finding("data_dir", Level.FAULT, told, mend)


def free_disk(free: int) -> Finding:
    """Tell whether the disk has room for a private database."""
    told = f"{free // MB:,} MB are free"
    mend = "make room, or shorten retention; a full disk stops the private mongod"
    if free < NO_DISK:
        return Finding("disk", Level.FAULT, told, mend)
    if free < LITTLE_DISK:
        return Finding("disk", Level.WARNING, told, mend)
    return Finding("disk", Level.OK, told)


def secret(value: str | None, kept: Path) -> Finding:
    """Tell whether tokens can be guessed, or read from the disk."""
    new = "feedsvc's own is made if FEEDSVC_SECRET is unset; else: openssl rand -hex 32"
    if value is not None and len(value.encode()) < GOOD_SECRET:
        told = f"the secret has {len(value.encode())} bytes of {GOOD_SECRET} and more"
        return Finding("secret", Level.WARNING, told, new)
    if value is not None:
        return Finding("secret", Level.OK, "the secret is long enough")
    if not kept.exists():
        return Finding("secret", Level.OK, "one will be made at the first start")
    return _kept_secret(kept)


def _kept_secret(kept: Path) -> Finding:
    try:
        is_empty = not kept.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        mend = f"chown {os.geteuid()} {kept}, or remove it: all tokens end with it"
        return Finding("secret", Level.FAULT, f"{kept} can't be read: {error}", mend)
    if is_empty:
        mend = f"rm {kept}: a new one is made at the next start"
        return Finding("secret", Level.FAULT, f"{kept} is empty", mend)
    if stat.S_IMODE(kept.stat().st_mode) & 0o077:
        told = f"others of this machine may read {kept}"
        return Finding("secret", Level.WARNING, told, f"chmod 600 {kept}")
    return Finding("secret", Level.OK, f"{kept} is readable by its owner alone")


def public_keys(auth: Auth) -> Iterator[Finding]:
    """Tell whether the files of public keys, if there are any, have some."""
    if auth.public_key is None and auth.jwks is None:
        return
    try:
        keys_of(auth, "")
    except ConfigError as error:
        mend = "openssl pkey -in private.pem -pubout makes one; or unset the key"
        for fault in error.faults:
            yield Finding("public_keys", Level.FAULT, fault, mend)
    else:
        yield Finding("public_keys", Level.OK, "can be read")


def open_files(most: int, sessions: int) -> Finding:
    """Tell how many connections the hard limit, which `serve` goes up to, allows."""
    if most == resource.RLIM_INFINITY:
        return Finding("open_files", Level.OK, "no limit")
    room = max(0, most - OTHER_FILES)
    told = f"ulimit -Hn is {most:,}: room for about {room:,} connections"
    wanted = sessions + OTHER_FILES
    if most >= min(FEW_FILES, wanted):
        return Finding("open_files", Level.OK, told)
    mend = (
        f"raise the hard limit, for systemd LimitNOFILE={wanted};"
        f" or lower limits.sessions from {sessions:,}"
    )
    return Finding("open_files", Level.WARNING, told, mend)


def port(key: str, host: str, number: int) -> Finding:
    """Tell whether the port is free, or has our service on it already."""
    if not number:
        return Finding(key, Level.OK, "any free one is taken")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, number), family=family):
            return Finding(key, Level.OK, f"{number} of {host} is free")
    except OSError as error:
        if _is_ours(host, number):
            told = f"a service answers at {number} of {host} already"
            return Finding(key, Level.OK, told)
        told = f"{number} of {host} can't be listened on: {error.strerror}"
        mend = f"set FEEDSVC_{key.upper()} to a free one; ss -ltnp shows who has it"
        return Finding(key, Level.FAULT, told, mend)


def fan_out(implementation: str) -> Finding:
    """Tell whether frames are sent in the fast way."""
    told = f"frames are sent by {implementation}"
    if implementation == "python":
        mend = "install gcc and python3-dev, then feedsvc again: it compiles a module"
        return Finding("fan_out", Level.WARNING, told, mend)
    return Finding("fan_out", Level.OK, told)


def _is_ours(host: str, number: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    try:
        with urlopen(f"http://{name}:{number}/healthz", timeout=ANSWER_S) as answer:
            return bool(answer.read() == b'{"status":"ok"}')
    except (URLError, OSError, ValueError):
        return False


def _existing(path: Path) -> Path:
    """Return the path, or what there is above it."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.exists())
