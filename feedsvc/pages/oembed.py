"""oEmbed 1.0: how another site is told to show a page of ours in a frame."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from feedsvc.pages.html import h
from feedsvc.pages.view import View

WIDTH, HEIGHT = 600, 800
CACHE_S = 86_400


def oembed(view: View, base: str, max_width: int, max_height: int) -> dict[str, Any]:
    """Return what the specification wants of a ``rich`` resource."""
    width, height = min(WIDTH, max_width), min(HEIGHT, max_height)
    return {
        "version": "1.0",
        "type": "rich",
        "title": view.channel,
        "provider_name": base.partition("://")[2].partition("/")[0],
        "provider_url": base,
        "cache_age": CACHE_S,
        "html": frame(view, base, width, height),
        "width": width,
        "height": height,
    }


def frame(view: View, base: str, width: int, height: int) -> str:
    """Return the frame that shows the page; it is narrower where there is no room."""
    return h(
        "iframe",
        {
            "src": view.address(base),
            "title": view.channel,
            "width": width,
            "height": height,
            "loading": "lazy",
            "style": "border:0;max-width:100%",
        },
    )


def oembed_xml(fields: dict[str, Any]) -> bytes:
    """Return the same as XML; the library escapes."""
    root = Element("oembed")
    for name, value in fields.items():
        SubElement(root, name).text = str(value)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document
