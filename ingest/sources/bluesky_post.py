"""One post of Bluesky as the fields of an item.

What a post shows comes as a view; where there is only the record as its author wrote
it, pictures are looked up by their content's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ingest.richtext import Piece, markup, quote
from ingest.shape import mapping, mappings, text
from ingest.text import one_line

WEB = "https://bsky.app"
CDN = "https://cdn.bsky.app/img/feed_fullsize/plain"

# Nobody is to be shown these; the last one, nobody who is not logged in there.
_HIDDEN = frozenset({"!hide", "!takedown", "!suspend", "!no-unauthenticated"})
_SENSITIVE = frozenset(
    {
        *("!warn", "porn", "sexual", "nudity", "sexual-figurative"),
        *("graphic-media", "gore", "nsfl", "corpse", "self-harm"),
    }
)
# How the site calls the collections of a repository.
_PAGES = {
    "app.bsky.feed.post": "post",
    "app.bsky.feed.generator": "feed",
    "app.bsky.graph.list": "lists",
}
_HLS = "application/vnd.apple.mpegurl"


def web_url(uri: object, handle: str = "") -> str | None:
    """Return the page of what ``at://did/collection/key`` names."""
    parts = text(uri).removeprefix("at://").split("/")
    if not text(uri).startswith("at://") or len(parts) != 3 or parts[1] not in _PAGES:
        return None
    return f"{WEB}/profile/{handle or parts[0]}/{_PAGES[parts[1]]}/{parts[2]}"


def did_of(uri: object) -> str:
    """Return whose record it is."""
    return text(uri).removeprefix("at://").partition("/")[0]


def name_of(actor: Mapping[str, Any]) -> str:
    return one_line(text(actor.get("displayName")) or handle_of(actor))


def author_of(actor: Mapping[str, Any]) -> dict[str, Any]:
    profile = handle_of(actor) or text(actor.get("did"))
    return {
        "name": name_of(actor) or profile,
        "url": f"{WEB}/profile/{profile}" if profile else None,
        "avatar": actor.get("avatar"),
    }


def is_hidden(view: Mapping[str, Any]) -> bool:
    """True if the post, or its author as a whole, is not for everybody to see."""
    author = mapping(view.get("author"))
    return bool(_HIDDEN & {*_labels(view), *_labels(author)})


def is_sensitive(view: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    own = mappings(mapping(record.get("labels")).get("values"))
    return bool(_SENSITIVE & {*_labels(view), *(text(one.get("val")) for one in own)})


def content(view: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that hold what the post says and shows."""
    embed = mapping(view.get("embed")) or mapping(record.get("embed"))
    facets = mappings(record.get("facets"))
    quoted = _quoted(embed)
    links = [link for one in facets for link in _links(one, "link")]
    external = mapping(_media(embed).get("external"))
    tags = record.get("tags")
    return {
        "content_html": _html(record) + _quotation(quoted),
        "attachments": list(_attachments(_media(embed), did_of(view.get("uri")))),
        "external_url": next(
            filter(None, [text(external.get("uri")), *links, _page(quoted)]), None
        ),
        "tags": [
            *(tag for one in facets for tag in _features(one, "tag")),
            *(text(tag) for tag in (tags if isinstance(tags, list) else [])),
        ],
    }


def _html(record: Mapping[str, Any]) -> str:
    body = record.get("text")
    return markup(_pieces(body, record)) if isinstance(body, str) else ""


def _pieces(body: str, record: Mapping[str, Any]) -> Iterator[Piece]:
    """Yield the text piece by piece; facets count its bytes in UTF-8."""
    raw = body.encode("utf-8", "replace")
    done = 0
    spans = sorted(_spans(raw, mappings(record.get("facets"))))
    for start, end, link in spans:
        # Of two that overlap the first is shown, as the protocol has it.
        if start >= done:
            yield raw[done:start].decode(), None
            yield raw[start:end].decode(), link
            done = end
    yield raw[done:].decode(), None


def _spans(
    raw: bytes, facets: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[int, int, str]]:
    for facet in facets:
        index = mapping(facet.get("index"))
        start, end = index.get("byteStart"), index.get("byteEnd")
        link = next(iter(_targets(facet)), None)
        if (
            link
            and type(start) is int
            and type(end) is int
            and 0 <= start < end <= len(raw)
            and _is_boundary(raw, start)
            and _is_boundary(raw, end)
        ):
            yield start, end, link


def _is_boundary(raw: bytes, at: int) -> bool:
    return at == len(raw) or raw[at] & 0xC0 != 0x80


def _targets(facet: Mapping[str, Any]) -> Iterator[str]:
    yield from _links(facet, "link")
    yield from (f"{WEB}/profile/{did}" for did in _features(facet, "mention"))
    yield from (f"{WEB}/hashtag/{tag}" for tag in _features(facet, "tag"))


def _links(facet: Mapping[str, Any], kind: str) -> Iterator[str]:
    for link in _features(facet, kind):
        if link.startswith(("http://", "https://")):
            yield link


def _features(facet: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yield what the facet's features of that kind name."""
    name = {"link": "uri", "mention": "did", "tag": "tag"}[kind]
    for feature in mappings(facet.get("features")):
        if text(feature.get("$type")).endswith(f"#{kind}") and text(feature.get(name)):
            yield text(feature[name])


def _media(embed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is shown beside a quoted post, or else the embed itself."""
    return mapping(embed.get("media")) or embed


def _attachments(media: Mapping[str, Any], did: str) -> Iterator[dict[str, Any]]:
    for image in mappings(media.get("images")):
        shape = mapping(image.get("aspectRatio"))
        yield {
            "url": image.get("fullsize") or _blob(image.get("image"), did),
            "otherwise": "image/jpeg",
            "alt": image.get("alt"),
            "width": shape.get("width"),
            "height": shape.get("height"),
        }
    if media.get("playlist"):
        shape = mapping(media.get("aspectRatio"))
        yield {
            "url": media["playlist"],
            "mime_type": _HLS,
            "alt": media.get("alt"),
            "width": shape.get("width"),
            "height": shape.get("height"),
        }
        yield {"url": media.get("thumbnail"), "otherwise": "image/jpeg"}


def _blob(blob: object, did: str) -> str | None:
    cid = text(mapping(mapping(blob).get("ref")).get("$link"))
    return f"{CDN}/{did}/{cid}@jpeg" if cid and did.startswith("did:") else None


def _quoted(embed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the view of what is quoted, or of a record its reference."""
    quoted = mapping(embed.get("record"))
    # Beside media it is wrapped once more.
    quoted = mapping(quoted.get("record")) if "uri" not in quoted else quoted
    is_away = any(quoted.get(name) for name in ("notFound", "blocked", "detached"))
    return {} if is_away else quoted


def _page(quoted: Mapping[str, Any]) -> str | None:
    return web_url(quoted.get("uri"), handle_of(mapping(quoted.get("author"))))


def _quotation(quoted: Mapping[str, Any]) -> str:
    words = _html(mapping(quoted.get("value")))
    if not words or is_hidden(quoted):
        return ""
    return quote(name_of(mapping(quoted.get("author"))), _page(quoted), words)


def handle_of(actor: Mapping[str, Any]) -> str:
    """Return the account's name, "" if it has none that holds."""
    handle = text(actor.get("handle"))
    # What is shown in the place of a handle whose domain disowns it.
    return "" if handle == "handle.invalid" else handle


def _labels(labelled: Mapping[str, Any]) -> set[str]:
    """Return the labels that stand: one may be taken back by another."""
    standing: set[str] = set()
    for label in mappings(labelled.get("labels")):
        if label.get("neg") is True:
            standing.discard(text(label.get("val")))
        else:
            standing.add(text(label.get("val")))
    return standing
