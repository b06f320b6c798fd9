"""How a page shows a channel: what its address asks for, under the widget's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlencode

from feedsvc.core.messages import DEFAULT_BACKLOG
from feedsvc.errors import BadMessage
from feedsvc.pages.words import LANGUAGE
from feedsvc.schema import parse_limit, parse_types

LAYOUTS = ("list", "compact", "cards", "ticker")
THEMES = ("auto", "light", "dark")
FIELDS = ("backlog", "types", "layout", "theme", "lang", "accent", "before")

_ACCENT = re.compile(r"[0-9a-f]{6}")
# Between black and white, by how bright an eye finds the three colours together.
_BRIGHT = 140


@dataclass(frozen=True, slots=True)
class View:
    """A channel and how to show it; ``before`` is a page further back."""

    channel: str
    backlog: int = DEFAULT_BACKLOG
    types: tuple[str, ...] = ()
    layout: str = LAYOUTS[0]
    theme: str = THEMES[0]
    lang: str = ""
    accent: str = ""
    before: str = ""

    @classmethod
    def parse(cls, channel: str, asked: Mapping[str, str]) -> Self:
        """Return the view that an address asks for, under the names of its query.

        How it looks is as usual where the address says nothing good, as with the
        widget; raise ``BadMessage`` for what decides which items there are.
        """
        types = asked.get("types", "").replace(",", " ").split()
        parse_types(types or None)
        lang, accent = asked.get("lang", ""), asked.get("accent", "")
        accent = accent.removeprefix("#").lower()
        return cls(
            channel=channel,
            backlog=_backlog(asked.get("backlog", "")),
            types=tuple(sorted(set(types))),
            layout=_one_of(LAYOUTS, asked.get("layout")),
            theme=_one_of(THEMES, asked.get("theme")),
            lang=lang if LANGUAGE.fullmatch(lang) else "",
            accent=accent if _ACCENT.fullmatch(accent) else "",
            before=asked.get("before", ""),
        )

    def address(self, base: str, before: str | None = None) -> str:
        """Return the address under which the page is found, for another page too."""
        asked = self._asked() | ({"before": before} if before else {})
        path = f"{base}/embed/{quote(self.channel)}"
        return f"{path}?{urlencode(asked)}" if asked else path

    def canonical(self, base: str) -> str:
        """Return the address of what is shown, however it looks."""
        path = f"{base}/embed/{quote(self.channel)}"
        return f"{path}?{urlencode({'before': self.before})}" if self.before else path

    @property
    def color_scheme(self) -> str:
        return "light dark" if self.theme == "auto" else self.theme

    @property
    def attributes(self) -> dict[str, str]:
        """The widget's attributes that show the same."""
        asked = {"backlog": str(self.backlog), "layout": self.layout}
        return {"channel": self.channel, **asked, "types": " ".join(self.types)}

    @property
    def style(self) -> str:
        """The only rule of its own that a page has: its accent, and what is on it."""
        if not self.accent:
            return ""
        red, green, blue = bytes.fromhex(self.accent)
        is_bright = 0.3 * red + 0.59 * green + 0.11 * blue > _BRIGHT
        ink = "#0b1220" if is_bright else "#fff"
        return f":root{{--feed-accent:#{self.accent};--feed-on-accent:{ink}}}"

    def _asked(self) -> dict[str, str]:
        usual = View(self.channel)
        asked = {
            "backlog": self.backlog,
            "types": ",".join(self.types),
            "layout": self.layout,
            "theme": self.theme,
            "lang": self.lang,
            "accent": self.accent,
        }
        return {
            name: str(value)
            for name, value in asked.items()
            if value and (name == "types" or value != getattr(usual, name))
        }


def _backlog(text: str) -> int:
    if not text:
        return DEFAULT_BACKLOG
    if not (text.isascii() and text.isdigit()):
        raise BadMessage("backlog", "must be a whole number")
    return parse_limit(int(text[:9]), "backlog")


def _one_of(known: tuple[str, ...], asked: str | None) -> str:
    """Return what is asked for if it is known, else the usual."""
    return asked if asked in known else known[0]
