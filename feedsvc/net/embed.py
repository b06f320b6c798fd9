"""``/embed/{channel}``: a channel as a page, for a frame or by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedsvc import __version__
from feedsvc.core.channel import Channel
from feedsvc.core.messages import Page, encode, join
from feedsvc.feeds import Entry
from feedsvc.net.backlog import BacklogHandler
from feedsvc.net.handler import Handler
from feedsvc.net.pages import policy, version_of
from feedsvc.net.service import BacklogPage, Service
from feedsvc.pages import (
    FIELDS,
    Embed,
    View,
    load_words,
    playing_now,
    render,
    render_error,
    speech,
)
from feedsvc.schema import parse_types

HTML_TYPE = "text/html; charset=UTF-8"
WORDS = "words.json"


class PageHandler(Handler):
    """A page of ours that is made when it is asked for; its errors are pages too."""

    #: From the page to where the built files are.
    up = ""

    def initialize(self, service: Service, path: Path) -> None:  # type: ignore[override]  # with the built files
        super().initialize(service)
        self.files = path

    def asset(self, name: str) -> str:
        """Return the address of a built file, which changes with the file."""
        return f"{self.up}{name}?v={version_of(self.files / name)}"

    def frames(self) -> str:
        """Return whose pages may show this one in a frame."""
        allowed = self.service.settings.server.allowed_origins
        return " ".join(("'self'", *allowed)) if allowed else "*"

    def fail(self, status: int, code: str, text: str) -> None:
        """Write an error as a page, without ending the answer."""
        self.set_status(status)
        self.set_header("Content-Type", HTML_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", policy(self.frames()))
        self.write(render_error(status, text, self.asset))


class EmbedHandler(PageHandler, BacklogHandler):
    """The page; who may read it and for how long it is good are the API's rules."""

    up = "../"
    view: View

    async def get(self, channel: str) -> None:
        path = self.pattern(channel).path
        self.view = View.parse(path, {name: self._asked(name) for name in FIELDS})
        rights = self.rights()
        scope = self.scope(rights, Channel(path))
        self.cache(rights)
        before = Page.parse(self.view.before) if self.view.before else None
        found = await self.service.page(scope, self.view.backlog, before)
        if not found.items:
            await self.require_exists(scope)
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        rules = policy(self.frames(), self.view.style)
        self.set_header("Content-Security-Policy", rules)
        embed = self._embed(found)
        if not self.is_known(_identity(embed)):
            document = await asyncio.to_thread(render, embed)
            await self.send_whole(document, HTML_TYPE)

    async def head(self, channel: str) -> None:
        await self.get(channel)

    def types(self) -> Any:
        """Return the types that are shown; None means all."""
        return parse_types(list(self.view.types) or None)

    def _asked(self, name: str) -> str:
        return " ".join(self.get_query_arguments(name))

    def _embed(self, found: BacklogPage) -> Embed:
        following = str(found.following) if found.following else None
        snapshot = (
            f'{{"items":{join(found.items)},"next":{encode(following)}'
            f',"cursor":"{found.cursor}"}}'
        )
        return Embed(
            view=self.view,
            base=self.base_url(),
            entries=[Entry.parse(item.text) for item in found.items],
            following=following,
            snapshot=snapshot,
            now=datetime.now(UTC),
            speech=speech(self.view.lang, load_words(self.files / WORDS)),
            asset=self.asset,
        )


def _identity(embed: Embed) -> str:
    """Return what the page depends on, but for its cursor, which is no news."""
    playing = playing_now(embed.entries, embed.now)
    snapshot = embed.snapshot.rpartition(',"cursor":')[0]
    files = [embed.asset(name) for name in ("embed.js", "embed.css", WORDS)]
    told = [__version__, repr(embed.view), embed.base, *files, snapshot]
    return "\n".join([*told, playing.fields["id"] if playing else ""])
