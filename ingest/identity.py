"""What makes an item of a source the same item the next time it is read."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

MAX_LENGTH = 1024


def digest(*parts: str) -> str:
    """Return a short name that the same parts always give."""
    text = "\x00".join(parts)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def bounded(key: str) -> str:
    """Return ``key``, or if it is too long its head and a digest of the whole."""
    if len(key) <= MAX_LENGTH:
        return key
    return f"{key[: MAX_LENGTH - 33]}#{digest(key)}"


def item_id(source: str, source_id: str) -> str:
    """Return the stable id of an item, unique across sources."""
    return f"{source}-{digest(source, source_id)[:20]}"


def moved_key(key: str) -> str | None:
    """Return what stays of ``key`` when a site changes its scheme or host."""
    if not key.startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(key)
    except ValueError:
        return None
    if len(parts.path) < 2 and not parts.query:
        return None
    return bounded(parts.path + (f"?{parts.query}" if parts.query else ""))


class Keys:
    """Gives each entry of one document its key, and none the key of another."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._taken: set[str] = set()

    def take(self, *choices: str | None) -> str:
        """Return the first choice that is one, unless a different entry has it.

        The choices are an entry's guid, then its link, then a digest of what it
        says.  Of different entries with one guid the first keeps it, the others are
        known by all that they have.  The same entry twice has the same key.
        """
        given = [choice for choice in choices if choice]
        whole = " ".join(given)
        if whole not in self._keys:
            self._keys[whole] = whole if given[0] in self._taken else given[0]
            self._taken.add(given[0])
        return bounded(self._keys[whole])
