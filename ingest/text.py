"""Texts: tags stripped, entities resolved once, spaces and lengths put right."""

from __future__ import annotations

import re
import unicodedata

from feedsvc.schema import plain_text

_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\s*\n\s*\n\s*")
_LINE_SPACES = re.compile(r"[^\S\n]+")
# Control characters other than tab and newline, and what reorders a line of text.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]"
    "|[\ud800-\udfff]"
)

# More of a title's markup than this is not looked at.
MAX_TITLE_MARKUP = 10_000


def one_line(text: str) -> str:
    """Return ``text`` without control characters, each run of spaces as one."""
    return _SPACES.sub(" ", _CONTROLS.sub("", text.replace("\r", "\n"))).strip()


def paragraphs(text: str) -> str:
    """Return ``text`` tidied, with its lines and at most one blank line between."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _LINE_SPACES.sub(" ", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def title_of(value: str, *, is_html: bool) -> str:
    """Return a title as text: a title is never markup, whatever it came as."""
    value = value[:MAX_TITLE_MARKUP]
    return one_line(plain_text(value) if is_html else value)


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, ended by an ellipsis if it was more."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at_word = head.rsplit(None, 1)[0] if " " in head[limit // 2 :] else head
    return at_word.rstrip() + "…"


def slug(text: str) -> str:
    """Return ``text`` as a channel segment, or "" if nothing of it fits into one."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    ascii_only = folded.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:63].strip("-")
