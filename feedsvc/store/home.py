"""The directory of the private ``mongod``: its files, its owner, its last words."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from pathlib import Path

from feedsvc.errors import ConfigError

LOOPBACK = "127.0.0.1"

# A log that is longer is put aside at the next start.
_LOG_BYTES = 10_000_000
_TAIL_BYTES = 64_000
_RESTARTED = "SERVER RESTARTED"


class Home:
    """Where one private ``mongod`` lives.

    Two locks tell who is there, and both are the kernel's, so they end with their
    holder, whatever ended it: ``owner.lock`` is held by the process of ours that
    starts and stops the server, ``db/mongod.lock`` by the server itself.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir.absolute() / "mongod"
        self.db = self.root / "db"
        self.log = self.root / "mongod.log"
        self._port = self.root / "port"
        self._owner = self.root / "owner.lock"

    def claim(self) -> int | None:
        """Make the directory and become its owner; None if another process is.

        Return a file descriptor that holds the claim until it is closed.  Raise
        ``ConfigError`` if the directory can't be used.
        """
        try:
            self.db.mkdir(parents=True, exist_ok=True, mode=0o700)
            claim = os.open(self._owner, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                [f"data_dir: {self.root} can't be written: {error.strerror}"]
            ) from error
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(claim)
            return None
        return claim

    def running_pid(self) -> int | None:
        """Return the process that has the database open, None if none has.

        A process id out of a file proves nothing after a reboot; that the server's
        lock is held does.
        """
        try:
            lock = os.open(self.db / "mongod.lock", os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(lock, 32).strip()
            return int(text) if text.isdigit() else None
        else:
            return None
        finally:
            os.close(lock)

    @property
    def port(self) -> int | None:
        """The port of the newest start, kept so that guests find it again."""
        try:
            return int(self._port.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def choose_port(self) -> int:
        """Return the port of the last time if it is free, else any free one."""
        port = self.port
        if port is None or not _is_free(port):
            with socket.create_server((LOOPBACK, 0)) as probe:
                port = int(probe.getsockname()[1])
        draft = self._port.with_suffix(".new")
        draft.write_text(f"{port}\n")
        draft.replace(self._port)
        return port

    def rotate_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))

    def last_words(self) -> str:
        """Return why the server ended: the first fatal line of its last run's log.

        Without one it is the last error, without that the last line.
        """
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except OSError:
            return "it left no log"
        lines = [_words(line) for line in text.rpartition(_RESTARTED)[2].splitlines()]
        fatal = [words for severity, words in lines if severity == "F"]
        errors = [words for severity, words in lines if severity == "E"]
        return (fatal[:1] or errors[-1:] or [words for _, words in lines[-1:]] or [""])[
            0
        ]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        return False
    return True


def _words(line: str) -> tuple[str, str]:
    """Return severity and text of one line of the log, which is JSON mostly."""
    try:
        entry = json.loads(line)
        cause = entry.get("attr", {}).get("error", "")
        cause = cause.get("errmsg", "") if isinstance(cause, dict) else cause
        return entry["s"], f"{entry['msg']} {cause}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", line
