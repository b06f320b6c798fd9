"""schema.org in pages: finds the JSON-LD of a page and reads its nodes.

A property may be a value, a node, a reference to a node elsewhere on the page, or a
list of those; names may carry a prefix.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest import lenient, shape
from ingest.exchange import Response
from ingest.sources.tracks import decoded

# More of a page is not looked at.
MAX_SCRIPTS = 500
MAX_NODES = 100_000
MAX_VALUES = 1_000

_SCRIPT = re.compile(r"<!--|<script\b([^<>]{0,1000})>", re.IGNORECASE)
_END = re.compile(r"</script\b[^>]{0,100}>", re.IGNORECASE)
_TYPE = re.compile(
    r"""\btype\s*=\s*["']?\s*application/ld\+json\s*(?:;[^"'>]*)?["'\s>]?""",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)

Node = Mapping[str, Any]


class Graph:
    """The nodes of a page; ``faults`` tell what could not be read of it."""

    def __init__(self, response: Response) -> None:
        self.faults: list[str] = []
        self._by_id: dict[str, Node] = {}
        self._nodes: list[tuple[Node, str, Node | None]] = []
        for number, text in enumerate(_scripts(_text(response)), start=1):
            if number > MAX_SCRIPTS:
                self.faults.append(f"only the first {MAX_SCRIPTS} scripts are read")
                break
            try:
                self._add(_read(text))
            except ValueError as error:
                told = str(error).partition(":")[0]
                self.faults.append(f"script {number}: not JSON ({told})")

    @property
    def is_empty(self) -> bool:
        """True for a page that describes nothing at all."""
        return not self._nodes and not self.faults

    def nodes(self) -> Iterator[tuple[Node, str, Node | None]]:
        """Yield each node, the property that it stands in, and the node around it."""
        yield from self._nodes

    def values(self, node: Node, name: str) -> list[Any]:
        """Return the values of a property, references followed."""
        found = node.get(name)
        values = found if isinstance(found, list) else [found]
        return [self._followed(one) for one in values[:MAX_VALUES] if one is not None]

    def texts(self, node: Node, *names: str) -> list[str]:
        """Return the texts of these properties, of nodes among them their names."""
        return [
            text
            for name in names
            for value in self.values(node, name)
            if (text := self._text(value))
        ]

    def text(self, node: Node, *names: str) -> str:
        """Return the first of these texts, or ""."""
        return next(iter(self.texts(node, *names)), "")

    def inner(self, node: Node, *names: str) -> list[Node]:
        """Return the nodes in these properties; a text is a node with a name."""
        found: list[Node] = []
        for name in names:
            for value in self.values(node, name):
                if isinstance(value, dict):
                    found.append(value)
                elif text := shape.text(value):
                    found.append({"name": text})
        return found

    def _add(self, value: Any) -> None:
        """Take over all nodes, in the order of the page; none is too deep."""
        waiting: list[tuple[Any, str, Node | None]] = [(value, "", None)]
        while waiting and len(self._nodes) < MAX_NODES:
            one, name, around = waiting.pop()
            if isinstance(one, list):
                waiting.extend((inner, name, around) for inner in reversed(one))
            elif isinstance(one, dict):
                node = {_bare(key): inner for key, inner in one.items()}
                one.clear()
                one.update(node)
                self._nodes.append((one, name, around))
                waiting.extend(
                    (inner, key, one)
                    for key, inner in reversed(one.items())
                    if isinstance(inner, (dict, list))
                )
                key = one.get("@id")
                # A node that only refers to another says less than the other.
                if isinstance(key, str) and len(one) > len(self._by_id.get(key, ())):
                    self._by_id[key] = one

    def _followed(self, value: Any) -> Any:
        if not isinstance(value, dict) or not value.keys() <= {"@id", "@type"}:
            return value
        key = value.get("@id")
        return self._by_id.get(key, value) if isinstance(key, str) else value

    def _text(self, value: Any) -> str:
        if isinstance(value, dict):
            for name in ("@value", "name", "@id"):
                inner = value.get(name)
                inner = inner[0] if isinstance(inner, list) and inner else inner
                if text := shape.text(inner):
                    return text
            return ""
        return shape.text(value)


def types(node: Node) -> set[str]:
    """Return the node's types, without prefixes."""
    found = node.get("@type")
    values = found if isinstance(found, list) else [found]
    return {last_part(one) for one in values if isinstance(one, str)}


def last_part(name: str) -> str:
    """Return a name without what stands before it: EventScheduled, InStock."""
    return re.split(r"[/#:]", name.strip().rstrip("/"))[-1]


def _bare(key: str) -> str:
    return _PREFIX.sub("", key)


def _read(text: str) -> Any:
    try:
        return lenient.read(text)
    except ValueError:
        is_escaped = "&quot;" in text or "&#34;" in text
        if not is_escaped or len(text) > lenient.MAX_MENDED:
            raise
    # Some write scripts as if they were attributes.
    return lenient.read(html.unescape(text))


def _scripts(page: str) -> Iterator[str]:
    """Yield the JSON-LD scripts; a document that is JSON itself is one."""
    if page.lstrip()[:1] in ("{", "["):
        yield page
        return
    at = closed = 0
    while (start := _SCRIPT.search(page, at)) is not None:
        if start[1] is None:
            # What stands in a comment is not part of the page, if the comment ends.
            closed = page.find("-->", start.end()) if closed >= 0 else closed
            at = closed + 3 if closed >= 0 else start.end()
            continue
        end = _END.search(page, start.end())
        if _TYPE.search(html.unescape(start[1])):
            yield page[start.end() : end.start() if end else None]
        if end is None:
            return
        at = end.end()


def _text(response: Response) -> str:
    """Return the page in the charset that its header or its head names."""
    header = response.headers.get("content-type", "").encode("latin-1", "replace")
    named = _CHARSET.search(header) or _CHARSET.search(response.body[:2_048])
    try:
        name = codecs.lookup(named[1].decode()).name if named else "utf-8"
        # Whatever says Latin-1 means what Windows made of it, as browsers know.
        name = "cp1252" if name in ("iso8859-1", "ascii") else name
        return response.body.decode(name if name != "utf-8" else "utf-8-sig")
    except (LookupError, ValueError):
        return decoded(response.body)
