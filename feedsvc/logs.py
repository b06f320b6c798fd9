"""Logging: one line an event on standard error, for people and for machines.

Messages are an event and its fields, ``"run finished source=%s new=%d"``; as JSON the
fields stand by themselves.  Lines that belong to a request or a session carry its id.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

FORMATS = ("text", "json")

_request: ContextVar[str] = ContextVar("request", default="")
_session: ContextVar[int] = ContextVar("session", default=0)

# What others may call a request: nothing that a log or a header could stumble over.
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_FIELD = re.compile(r"([a-z_]+)=(.*)")
_CONVERSION = re.compile(r"%(?:%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")


def set_up(level: str = "INFO", form: str = "text") -> None:
    """Send the log to standard error; call once, from the command line."""
    logging.basicConfig(level=level, handlers=[handler(sys.stderr, form)])
    # Access lines would name items and tokens; our own handlers tell what matters.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def handler(stream: TextIO, form: str) -> logging.Handler:
    """Return what writes the log to the stream, in one of ``FORMATS``."""
    made = logging.StreamHandler(stream)
    made.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter())
    return made


def name_request(asked: str | None) -> str:
    """Return the id that a request brings along if it is sane, else a new one."""
    if asked is not None and _SANE_ID.fullmatch(asked):
        return asked
    return secrets.token_hex(8)


def in_request(request_id: str) -> None:
    """Have all lines of this task, and of those that it starts, name the request."""
    _request.set(request_id)


@contextmanager
def in_session(number: int) -> Iterator[None]:
    """Have the lines within name the session; numbers count within one process."""
    token = _session.set(number)
    try:
        yield
    finally:
        _session.reset(token)


def _origin() -> dict[str, Any]:
    """Return the request and the session that the present line belongs to."""
    found = {"request": _request.get(), "session": _session.get()}
    return {name: value for name, value in found.items() if value}


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 logging's
        origin = "".join(f" {name}={value}" for name, value in _origin().items())
        return super().formatMessage(record) + origin


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        event, fields = _parts(record)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "event": event,
            **_origin(),
        }
        for name, value in fields.items():
            line.setdefault(name, value)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """Return the event and its fields, found in the message as it was written.

    Not in the finished text, where a value may have blanks and signs of its own.
    """
    template, args = record.msg, record.args or ()
    if not isinstance(template, str) or not isinstance(args, tuple):
        return record.getMessage(), {}
    event, fields, rest = [], {}, list(args)
    for word in template.split(" "):
        field = _FIELD.fullmatch(word)
        template = field[2] if field else word
        count = sum(found != "%%" for found in _CONVERSION.findall(template))
        taken, rest = rest[:count], rest[count:]
        text = template % tuple(taken) if args else template
        if field:
            fields[field[1]] = _value(template, text, taken)
        else:
            event.append(text)
    return " ".join(event), fields


def _value(template: str, text: str, args: list[Any]) -> Any:
    """Return a number as such, as precise as its text, and a text without quotes."""
    if len(args) != 1:
        return text
    if type(args[0]) in (int, float) and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    return args[0] if template == "%r" and isinstance(args[0], str) else text
