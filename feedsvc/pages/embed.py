"""The page of a channel: articles that stand by themselves, and for the widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from feedsvc.feeds import FORMATS, Entry
from feedsvc.pages.articles import articles
from feedsvc.pages.html import Html, h, script_json, script_text
from feedsvc.pages.linked import linked_data
from feedsvc.pages.parts import Context
from feedsvc.pages.template import Asset, templates
from feedsvc.pages.view import View
from feedsvc.pages.words import Speech

FEED_NAMES = {"atom": "Atom", "rss": "RSS", "json": "JSON Feed", "ics": "iCalendar"}


@dataclass(frozen=True, slots=True)
class Embed:
    """All that the page is made of; ``snapshot`` is its items as the API gives them."""

    view: View
    base: str
    entries: Sequence[Entry]
    following: str | None
    snapshot: str
    now: datetime
    speech: Speech
    asset: Asset

    @property
    def is_live(self) -> bool:
        """True for the newest page; what is further back does not change."""
        return not self.view.before

    @property
    def next_address(self) -> str | None:
        """Where older items are, from the page itself."""
        if self.following is None:
            return None
        address = self.view.address("", self.following)
        return address.removeprefix("/embed/")

    @property
    def newest_address(self) -> str:
        return self.view.address("").removeprefix("/embed/")

    @property
    def oembed(self) -> list[tuple[str, str]]:
        """Type and address of each description of the frame."""
        asked = {"url": self.view.address(self.base)}
        return [
            (kind, f"{self.base}/oembed?{urlencode({**asked, 'format': name})}")
            for name, kind in (
                ("json", "application/json+oembed"),
                ("xml", "text/xml+oembed"),
            )
        ]

    @property
    def feeds(self) -> list[tuple[str, str, str]]:
        """Name, type and address of the same items for other programs."""
        channel = quote(self.view.channel)
        types = self.view.types
        query = f"?{urlencode({'types': ','.join(types)})}" if types else ""
        return [
            (
                FEED_NAMES[ending],
                one.mime_type.partition(";")[0],
                f"{self.base}/feeds/{channel}.{ending}{query}",
            )
            for ending, one in FORMATS.items()
            if one.only is None or not types or one.only.value in types
        ]

    @property
    def image(self) -> str | None:
        """A picture to show with a link to the page."""
        nodes = linked_data(self.entries, "", "")["@graph"]
        return next((node["image"] for node in nodes if "image" in node), None)


def render(embed: Embed) -> bytes:
    """Return the page."""
    view, context = embed.view, Context(embed.speech, embed.now, embed.base)
    size = len(embed.entries) if embed.following is None else -1
    canonical = view.canonical(embed.base)
    data = linked_data(embed.entries, view.channel, canonical)
    return (
        templates()
        .load("embed.html")
        .generate(
            page=embed,
            view=view,
            canonical=canonical,
            headline=embed.entries[0].headline if embed.entries else view.channel,
            articles=articles(embed.entries, size, context),
            linked_data=script_json(data) if data["@graph"] else None,
            snapshot=script_text(embed.snapshot),
            widget=_widget_tag(view),
            text=context.text,
        )
    )


def render_error(status: int, text: str, asset: Asset) -> bytes:
    """Return a page that says why there is none."""
    template = templates().load("error.html")
    return template.generate(status=status, text=text, asset=asset)


def _widget_tag(view: View) -> Html:
    """Return the opening tag of the element."""
    attributes = {name: value or None for name, value in view.attributes.items()}
    return Html(h("feed-widget", attributes).removesuffix("</feed-widget>"))
