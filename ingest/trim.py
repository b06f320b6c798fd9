"""Fields of an item brought within its limits: a long text is no reason to lose it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ingest import links
from ingest.shape import number
from ingest.text import cut, one_line, paragraphs

MAX_AUTHORS = 10
MAX_PERFORMERS = 50
MAX_OFFERS = 20
MAX_ATTACHMENTS = 20
MAX_TAGS = 30
MAX_HTML = 100_000

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_LINES = {
    "title": 300,
    "date_raw": 200,
    "artist": 200,
    "album": 300,
    "isrc": 32,
    "timezone": 64,
}
_TEXTS = {"content_text": 20_000, "summary": 1_000}
_URLS = frozenset({"url", "external_url", "art", "repost_of", "in_reply_to"})


def fit(fields: Mapping[str, Any], base: str = "") -> dict[str, Any]:
    """Return the fields that hold something, each within the limits of an item.

    Links are resolved against ``base``; those that may not be published go.
    """
    fitted = {name: _fit(name, value, base) for name, value in fields.items()}
    return {name: value for name, value in fitted.items() if not _is_empty(value)}


def _fit(name: str, value: Any, base: str) -> Any:
    if name in _LINES and isinstance(value, str):
        return cut(one_line(value), _LINES[name])
    if name in _TEXTS and isinstance(value, str):
        return cut(paragraphs(value), _TEXTS[name])
    if name in _URLS:
        return links.absolute(value, base)
    nested = _NESTED.get(name)
    return nested(value, base) if nested and value else value


def _html(value: str, base: str) -> str:
    # Cut, not closed: the sanitiser closes what is open and drops half a tag.
    # Half of a surrogate pair is no character, and cannot be stored.
    sound = value.encode("utf-8", "ignore").decode()
    return sound.replace("\x00", "").strip()[:MAX_HTML]


def _language(value: str, base: str) -> str | None:
    tag = value.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _tags(values: Iterable[str], base: str) -> list[str]:
    tidy = (cut(one_line(value).lstrip("#"), 64) for value in values)
    return list(dict.fromkeys(tag for tag in tidy if tag))[:MAX_TAGS]


def _people(values: Iterable[Mapping[str, Any]], base: str) -> list[dict[str, Any]]:
    tidy = (_known(_person(value, base)) for value in values)
    return [person for person in tidy if "name" in person][:MAX_AUTHORS]


def _performers(values: Iterable[Mapping[str, Any]], base: str) -> list[dict[str, Any]]:
    """Return the performers in their order, each once."""
    tidy = (_known({**_person(value, base), "avatar": None}) for value in values)
    named = {one["name"]: one for one in reversed(list(tidy)) if "name" in one}
    return list(reversed(named.values()))[:MAX_PERFORMERS]


def _offers(values: Iterable[Mapping[str, Any]], base: str) -> list[dict[str, Any]]:
    tidy = (_known(_offer(value, base)) for value in values)
    return [one for one in tidy if one][:MAX_OFFERS]


def _offer(value: Mapping[str, Any], base: str) -> dict[str, Any]:
    price = number(value.get("price"))
    currency = str(value.get("currency") or "").strip().upper()
    return {
        "name": cut(one_line(str(value.get("name") or "")), 200),
        "url": links.absolute(value.get("url"), base),
        "price": price if price is not None and price >= 0 else None,
        "currency": currency if re.fullmatch("[A-Z]{3}", currency) else None,
        "availability": cut(one_line(str(value.get("availability") or "")), 64),
    }


def _person(value: Mapping[str, Any], base: str) -> dict[str, Any]:
    return {
        "name": cut(one_line(str(value.get("name") or "")), 200),
        "url": links.absolute(value.get("url"), base),
        "avatar": links.absolute(value.get("avatar"), base),
    }


def _attachments(
    values: Iterable[Mapping[str, Any]], base: str
) -> list[dict[str, Any]]:
    tidy: dict[str, dict[str, Any]] = {}
    for value in values:
        url = links.absolute(value.get("url"), base)
        if url and url not in tidy:
            tidy[url] = _known(_attachment(value, url))
    return list(tidy.values())[:MAX_ATTACHMENTS]


def _attachment(value: Mapping[str, Any], url: str) -> dict[str, Any]:
    return {
        "url": url,
        "mime_type": links.mime_type(
            url, value.get("mime_type"), value.get("otherwise")
        ),
        "title": cut(one_line(str(value.get("title") or "")), 300),
        "alt": cut(one_line(str(value.get("alt") or "")), 1_000),
        "size_in_bytes": whole(value.get("size_in_bytes")),
        "duration_in_seconds": whole(value.get("duration_in_seconds")),
        "width": whole(value.get("width")),
        "height": whole(value.get("height")),
    }


def _venue(value: Mapping[str, Any], base: str) -> dict[str, Any]:
    words = ("name", "street", "city", "region", "country")
    tidy = {word: cut(one_line(str(value.get(word) or "")), 200) for word in words}
    lat, lon = number(value.get("lat")), number(value.get("lon"))
    on_earth = lat is not None and lon is not None and abs(lat) <= 90 >= abs(lon) / 2
    place = {"lat": lat, "lon": lon} if on_earth else {}
    return _known({**tidy, **place, "url": links.absolute(value.get("url"), base)})


def whole(value: object) -> int | None:
    """Return a positive whole number that fits into 53 bits, or None."""
    try:
        number = int(float(value)) if isinstance(value, (str, int, float)) else 0
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < 2**53 else None


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return value is None or value == "" or value == [] or value == {}


_NESTED: dict[str, Callable[[Any, str], Any]] = {
    "content_html": _html,
    "language": _language,
    "tags": _tags,
    "authors": _people,
    "performers": _performers,
    "offers": _offers,
    "attachments": _attachments,
    "venue": _venue,
}
