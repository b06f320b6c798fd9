"""How values of the configuration are read, whether from TOML or a variable.

Each function takes what was written and raises ``ValueError`` or ``TypeError``, whose
text is the rule that it broke.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

from feedsvc.core.item import ItemType
from feedsvc.logs import FORMATS

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def text(value: object) -> str:
    """Return a text that is more than blanks."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value.strip()


def path(value: object) -> Path:
    """Return a path; ``~`` is the home directory."""
    return Path(text(value)).expanduser()


def flag(value: object) -> bool:
    """Return true or false, in the words of TOML and of shells."""
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False}
    found = known.get(str(value).lower(), False if value in ("", "no") else None)
    if found is None:
        raise ValueError("must be true or false")
    return found


def whole(least: int, most: int) -> Callable[[object], int]:
    """Return a parser of whole numbers in these bounds."""

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


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts; in a variable they are separated by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise TypeError("must be a list of texts")
    return tuple(text(part) for part in parts)


def origins(value: object) -> tuple[str, ...]:
    """Return origins as browsers name them."""
    for origin in (found := texts(value)):
        if not re.fullmatch(r"https?://[^/\s?#@]+", origin):
            raise ValueError(
                f"must have origins such as https://radio.example: {origin}"
            )
    return tuple(origin.lower() for origin in found)


def address(value: object) -> str:
    """Return an address of the web, without the slash at its end."""
    found = text(value)
    if not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#]*)?", found):
        raise ValueError("must be an address such as https://live.radio.example")
    return found.rstrip("/")


def types(value: object) -> frozenset[ItemType]:
    """Return a choice of item types."""
    names = texts(value)
    if not names or not set(names) <= set(ItemType):
        raise ValueError(f"must be a list of {', '.join(ItemType)}")
    return frozenset(map(ItemType, names))


def level(value: object) -> str:
    """Return the name of a log level."""
    name = text(value).upper()
    if name not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return name


def log_format(value: object) -> str:
    """Return the name of a form that log lines have."""
    name = text(value).lower()
    if name not in FORMATS:
        raise ValueError(f"must be one of {', '.join(FORMATS)}")
    return name


def networks(value: object) -> tuple[str, ...]:
    """Return addresses and networks."""
    for network in (found := texts(value)):
        ip_network(network)
    return found
