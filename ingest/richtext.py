"""Posts that mark their links beside the text, as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

# A piece of text and what it links to, if anything.
Piece = tuple[str, str | None]

# From the first space of each run on: from every one, a long run would take for ever.
_BLANK_LINES = re.compile(r"(?<!\s)\s*\n\s*\n\s*")


def markup(pieces: Iterable[Piece]) -> str:
    """Return paragraphs of HTML; every piece is text and nothing in it is markup."""
    body = "".join(_marked(text, link) for text, link in pieces).strip()
    body = _BLANK_LINES.sub("</p><p>", body.replace("\r\n", "\n").replace("\r", "\n"))
    return f"<p>{body}</p>".replace("\n", "<br>") if body else ""


def quote(author: str, link: str | None, content: str) -> str:
    """Return somebody's words as a quotation, under their name."""
    name = _marked(author or link or "", link)
    return f"<blockquote><p>{name}</p>{content}</blockquote>"


def _marked(text: str, link: str | None) -> str:
    escaped = html.escape(text, quote=False)
    return f'<a href="{html.escape(link)}">{escaped}</a>' if link else escaped
