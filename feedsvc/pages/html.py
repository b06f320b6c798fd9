"""Building HTML from data: elements, attributes and text, each escaped in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

# Content of strangers: no opener, no referrer, no vote for search engines.
REL = "noopener noreferrer nofollow ugc"


class Html(str):
    """Text that is HTML already; everything else is escaped."""

    __slots__ = ()


def h(
    selector: str, attributes: Mapping[str, object] | None = None, *children: str | None
) -> Html:
    """Return an element, as the widget's own ``h`` makes it.

    ``selector`` is a tag and its classes, as ``p.meta``; each class is a part too.
    What is None or False, and what is empty of the children, is left out.
    """
    tag, *names = selector.split(".")
    named = {"class": " ".join(names), "part": " ".join(names)} if names else {}
    opened = "".join(
        f" {name}" if value is True else f' {name}="{escape(str(value))}"'
        for name, value in {**named, **(attributes or {})}.items()
        if value is not None and value is not False
    )
    if tag == "img":
        return Html(f"<{tag}{opened}>")
    inner = "".join(
        child if isinstance(child, Html) else escape(child)
        for child in children
        if child
    )
    return Html(f"<{tag}{opened}>{inner}</{tag}>")


def safe_url(value: object) -> str | None:
    """Return an absolute http or https address, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        return None
    return value if is_good else None


def link(url: object, names: str, *children: str | None) -> Html:
    """Return a link, or a plain span where the address is no good."""
    href = safe_url(url)
    if href is None:
        return h(f"span{names}", None, *children)
    fixed = {"href": href, "rel": REL, "target": "_blank"}
    return h(f"a{names}", fixed, *children)


def script_json(value: object) -> Html:
    """Return JSON that ends no script element that it stands in, and opens none."""
    return script_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def script_text(text: str) -> Html:
    """Return JSON text for a script element: in JSON, ``<`` is in strings only."""
    return Html(text.replace("<", "\\u003c"))
