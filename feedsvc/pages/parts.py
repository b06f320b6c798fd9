"""Pieces that several types of item share, as the widget's own modules have them.

The widget takes these articles over as they are, so both must look the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feedsvc.feeds import Entry
from feedsvc.pages.dates import moment
from feedsvc.pages.html import Html, h, link, safe_url
from feedsvc.pages.words import Speech
from feedsvc.schema import small_markup

# Beyond this a mosaic is a smear; the rest is where the post is.
MAX_PICTURES = 4

_MEDIA = re.compile(r"(image|video|audio)/")


@dataclass(frozen=True, slots=True)
class Context:
    """In which language an article speaks, when, and where the service is."""

    speech: Speech
    now: datetime
    base: str

    def text(self, name: str) -> str:
        return self.speech.texts[name]


def line(selector: str, text: str | None, entry: Entry | None = None) -> Html | None:
    """Return a line of the item's own words, in whatever direction they run."""
    if not text:
        return None
    lang = entry.fields.get("language") if entry else None
    return h(selector, {"dir": "auto", "lang": lang}, text)


def title(entry: Entry) -> Html | None:
    text = entry.fields.get("title")
    named = link(entry.fields.get("url"), "", text) if text else None
    return line("p.title", named, entry)


def when(entry: Entry, context: Context) -> Html:
    """Return the instant of the item; the widget lets it age where there is one."""
    at = entry.instant("started_at") or entry.published_at
    text = moment(at, context.speech.locale)
    iso = at.astimezone(UTC).isoformat(timespec="milliseconds")
    told = {"datetime": iso.replace("+00:00", "Z"), "title": text}
    return h("time.time", told, text)


def byline(entry: Entry, context: Context) -> Html:
    author: Mapping[str, Any] = entry.authors[0] if entry.authors else {}
    name = str(author.get("name") or entry.fields["channel"])
    face = safe_url(author.get("avatar"))
    avatar = picture(face) if face else name.strip()[:1].upper()
    return h(
        "div.byline",
        None,
        h("span.avatar", {"aria-hidden": "true"}, avatar),
        line("bdi.name", link(author.get("url"), "", name)),
        link(entry.fields.get("url"), ".when", when(entry, context)),
    )


def prose(entry: Entry) -> Html | None:
    """Return the content: its HTML, cleaned once more, else its text."""
    if entry.html and (rich := small_markup(entry.html)).strip():
        return line("div.prose.text", Html(rich), entry)
    plain = entry.text or entry.fields.get("summary")
    return line("div.prose.plain.text", plain, entry)


def picture(src: str, alt: str = "", **size: object) -> Html:
    fixed = {"loading": "lazy", "referrerpolicy": "no-referrer"}
    return h("img.image", {"src": src, "alt": alt, **size, **fixed})


def media(entry: Entry, most: int = MAX_PICTURES) -> Html | None:
    found = [
        one
        for one in entry.attachments
        if safe_url(one["url"]) and _MEDIA.match(one["mime_type"])
    ]
    if not found:
        return None
    shown = found[:most]
    return h(f"div.media.n{len(shown)}", None, *(_frame(one, entry) for one in shown))


def _frame(attachment: Mapping[str, Any], entry: Entry) -> Html:
    size = {name: attachment.get(name) for name in ("width", "height")}
    label = attachment.get("alt", attachment.get("title"))
    kind = attachment["mime_type"].partition("/")[0]
    if kind == "image":
        return picture(attachment["url"], label or "", **size)
    told = {"aria-label": label or entry.headline, "controls": True, "preload": "none"}
    return h(f"{kind}.{kind}", {"src": attachment["url"], **size, **told})
