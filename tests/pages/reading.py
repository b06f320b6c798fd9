"""A page as a browser has it: its elements, by the rules that browsers parse by."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element

import html5lib


class Read:
    """One page; raises if it is not well-formed HTML."""

    def __init__(self, document: bytes) -> None:
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        self.root: Element = parser.parse(document.decode())
        self.elements = [one for one in self.root.iter() if isinstance(one.tag, str)]

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements with these attributes; ``class_`` is one of many."""
        wanted = attributes.pop("class_", None)
        return [
            one
            for one in self.elements
            if one.tag == tag
            and (wanted is None or wanted in one.get("class", "").split())
            and all(one.get(name) == value for name, value in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        [found] = self.all(tag, **attributes)
        return found

    def text(self, tag: str, **attributes: str) -> str:
        return text_of(self.one(tag, **attributes))

    @property
    def articles(self) -> list[Element]:
        return self.all("article")

    @property
    def linked(self) -> list[dict[str, Any]]:
        """The nodes of the JSON-LD."""
        found = self.all("script", type="application/ld+json")
        return json.loads(found[0].text or "")["@graph"] if found else []

    @property
    def snapshot(self) -> dict[str, Any]:
        """What the widget goes on from."""
        text = self.one("script", type="application/json").text
        return dict(json.loads(text or ""))

    @property
    def addresses(self) -> list[str]:
        """Every address that a reader may follow or that is loaded."""
        names = ("href", "src", "action", "data", "srcset", "poster", "formaction")
        found = (one.get(name) for one in self.elements for name in names)
        return [address for address in found if address]


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
