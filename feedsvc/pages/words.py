"""Which language a page speaks: the widget's words, and its own dates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

DEFAULT = "en"
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")

Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its tag, the words of the widget and how dates are written."""

    tag: str
    texts: Mapping[str, str]
    locale: Locale

    @property
    def direction(self) -> str:
        return str(self.locale.text_direction)


@lru_cache(1)
def load_words(path: Path) -> Words:
    """Return the words that the build has taken from the widget, by language."""
    words: Words = json.loads(path.read_text("utf-8"))
    return words


def speech(tag: str, words: Words) -> Speech:
    """Return how to speak the language; English where nobody here knows it."""
    if LANGUAGE.fullmatch(tag):
        language = tag.partition("-")[0].lower()
        for known in (tag, language):
            try:
                locale = Locale.parse(known, sep="-")
            except (UnknownLocaleError, ValueError):
                continue
            return Speech(tag, words.get(language, words[DEFAULT]), locale)
    return Speech(DEFAULT, words[DEFAULT], Locale.parse(DEFAULT))


def name_of(tag: str) -> str:
    """Return the language's own name for itself."""
    locale = Locale.parse(tag, sep="-")
    return str(locale.get_display_name(locale)).capitalize()
