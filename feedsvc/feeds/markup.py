"""XML as the two formats share it; the library escapes, nobody else does."""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import Element, SubElement, tostring

from feedsvc.feeds.entry import Entry


def put(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    """Append an element; attributes that are None or empty are left out."""
    given = {
        name: str(value)
        for name, value in attributes.items()
        if value is not None and value != ""
    }
    element = SubElement(parent, tag, given)
    element.text = text
    return element


def document(root: Element) -> bytes:
    """Return the whole document, with its declaration."""
    rendered: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return rendered


def content(entry: Entry) -> str:
    """Return the content as HTML, made of the text if there is none."""
    if entry.html is not None:
        return entry.html
    paragraphs = (entry.text or entry.summary or entry.headline).split("\n\n")
    return "".join(
        f"<p>{escape(one, quote=False)}</p>".replace("\n", "<br>") for one in paragraphs
    )
