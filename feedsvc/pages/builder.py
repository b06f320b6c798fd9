"""The page that writes snippets."""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.core.item import ItemType
from feedsvc.pages.template import Asset, templates
from feedsvc.pages.view import LAYOUTS, THEMES
from feedsvc.pages.words import name_of

# What it writes: the name of its place, a title, and when to take it.
RESULTS = (
    ("snippet", "The element", "One script and one tag; it looks like your page."),
    ("frame", "A frame", "Where a page takes no scripts of others."),
    ("link", "A link", "The page itself; systems that know oEmbed show it."),
    ("oembed", "oEmbed", "What such a system asks for."),
)


def render_builder(
    channels: Sequence[str], languages: Sequence[str], base: str, asset: Asset
) -> bytes:
    """Return the page; ``channels`` are offered, others can be typed."""
    template = templates().load("builder.html")
    return template.generate(
        channels=channels,
        languages=[(tag, name_of(tag)) for tag in languages],
        types=[one.value for one in ItemType],
        layouts=LAYOUTS,
        themes=THEMES,
        results=RESULTS,
        base=base,
        asset=asset,
    )
