"""What the operator does not want of a source, decided by what an item says.

Runs in the worker process.  Patterns are RE2's, which has no backtracking: whatever
an operator writes and whatever a stranger posts, matching takes linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import re2

from feedsvc.core.item import Candidate

MAX_PATTERNS = 50
MAX_LENGTH = 200
# What one pattern may take, compiled.
MAX_MEMORY = 1024 * 1024

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")
# Written without spaces between words: Thai, Lao, Khmer, kana, Han.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


class Unwanted(StrEnum):
    """Why an item is not taken."""

    EXCLUDED = "excluded"
    NOT_INCLUDED = "not included"
    LANGUAGE = "language"
    REPOST = "repost"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words as they stand in a text, ``*`` for any ending; or ``/a pattern of RE2/``.

    Upper and lower case are the same.
    """

    text: str

    def found_in(self, text: str) -> bool:
        return _compiled(self.text).search(text) is not None


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one source; by default everything passes."""

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    languages: tuple[str, ...] = ()
    replies: bool = True
    reposts: bool = True

    def reason(self, item: Candidate, *, is_reply: bool) -> Unwanted | None:
        """Return why the item is not wanted, if it is not.

        One that does not tell its language passes: most feeds never do.
        """
        language = str(item.body.get("language", "")).lower()
        if not self.reposts and "repost_of" in item.body:
            return Unwanted.REPOST
        if not self.replies and is_reply:
            return Unwanted.REPLY
        if language and self.languages and not _is_one_of(language, self.languages):
            return Unwanted.LANGUAGE
        text = _text(item) if self.include or self.exclude else ""
        if any(pattern.found_in(text) for pattern in self.exclude):
            return Unwanted.EXCLUDED
        if self.include and not any(one.found_in(text) for one in self.include):
            return Unwanted.NOT_INCLUDED
        return None


def patterns(value: object) -> tuple[Pattern, ...]:
    """Return the patterns of a list of texts; raise ``ValueError`` with the rule."""
    rule = f"must be a list of 1 to {MAX_PATTERNS} texts"
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PATTERNS:
        raise ValueError(rule)
    return tuple(_pattern(one) for one in value)


def languages(value: object) -> tuple[str, ...]:
    """Return tags such as ``de`` in lower case; raise ``ValueError`` with the rule."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PATTERNS:
        raise ValueError("must be a list of languages such as ['de', 'en-GB']")
    found = tuple(str(one).lower() for one in value)
    for one in found:
        if not _LANGUAGE.fullmatch(one):
            raise ValueError(f"{one!r} is not a language such as 'de' or 'en-GB'")
    return found


def _pattern(value: object) -> Pattern:
    text = value.strip() if isinstance(value, str) else ""
    if not 0 < len(text) <= MAX_LENGTH or text == "//":
        raise ValueError(f"each must be a text of 1 to {MAX_LENGTH} characters")
    try:
        _compiled(text)
    except re2.error as error:
        told = error.args[0] if error.args else "not a pattern"
        words = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        raise ValueError(f"{text!r} is not a pattern of RE2: {words}") from error
    return Pattern(text)


# As many as a worker's sources are likely to have.
@lru_cache(maxsize=4_096)
def _compiled(text: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    text = unicodedata.normalize("NFC", text)
    is_pattern = len(text) > 2 and text.startswith("/") and text.endswith("/")
    return re2.compile(text[1:-1] if is_pattern else _as_pattern(text), options)


def _as_pattern(words: str) -> str:
    """Return a pattern for words that stand in a text as words, not as parts of one."""
    inner = r"[\s\pZ\pC]+".join(
        re2.escape(word).replace(r"\*", r"[\pL\pM\pN_]*") for word in words.split()
    )
    before = r"(?:^|[^\pL\pM\pN_])" if _needs_edge(words[0]) else ""
    after = r"(?:$|[^\pL\pM\pN_])" if _needs_edge(words[-1]) else ""
    return before + inner + after


def _needs_edge(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)


def _is_one_of(language: str, wanted: Sequence[str]) -> bool:
    return any(language == one or language.startswith(f"{one}-") for one in wanted)


def _text(item: Candidate) -> str:
    """Return what a reader reads of the item."""
    parts = [item.body.get(name) for name in ("title", "artist", "summary")]
    tags = [f"#{tag}" for tag in item.body.get("tags", ())]
    texts = [*parts, item.body.get("content_text"), " ".join(tags)]
    return unicodedata.normalize("NFC", "\n".join(filter(None, texts)))
