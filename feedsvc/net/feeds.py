"""``/feeds``: a channel's backlog for feed readers, podcast players and calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from feedsvc import __version__
from feedsvc.core.messages import WireItem, join
from feedsvc.errors import BadMessage, NotFound
from feedsvc.feeds import FORMATS, Entry, Feed, Format
from feedsvc.net.backlog import BacklogHandler

# Readers come rarely: what they may have missed since.
DEFAULT_LIMIT = 50


class FeedHandler(BacklogHandler):
    """``/feeds/{channel}.{format}``: the items of the API's page, for other programs.

    Who may read them, what is not there and how long an answer is good for are the
    API's rules, and therefore its code.
    """

    _format: Format

    async def get(self, channel: str) -> None:
        path, _, ending = channel.rpartition(".")
        if not path or ending not in FORMATS:
            known = ", ".join(f".{name}" for name in FORMATS)
            raise NotFound(f"no such feed: must be a channel with one of {known}")
        self._format = FORMATS[ending]
        rights = self.rights()
        scope = self.scope(rights, self.pattern(path))
        self.cache(rights)
        page = await self.service.page(scope, self.limit())
        if not page.items:
            await self.require_exists(scope)
        found = scope.channel.path
        await self._send(found, self._url(found, ending), page.items)

    async def head(self, channel: str) -> None:
        await self.get(channel)

    def limit(self, name: str = "limit") -> int:
        asked = self.get_query_argument(name, "").strip()
        return super().limit(name) if asked else DEFAULT_LIMIT

    def types(self) -> Any:
        """Return the item types asked for; of a calendar those that it can hold."""
        asked, only = super().types(), self._format.only
        if only is None:
            return asked
        if asked is not None and only not in asked:
            raise BadMessage("types", f"must have {only.value}: nothing else fits")
        return frozenset({only})

    async def _send(self, channel: str, url: str, items: Sequence[WireItem]) -> None:
        if self.is_known(f"{__version__} {url} {join(items)}"):
            # Most visits end here, before anything is rendered.
            return
        # In a thread: a long feed takes longer than live sessions should wait.
        document = await asyncio.to_thread(_render, self._format, channel, url, items)
        await self.send_whole(document, self._format.mime_type)

    def _url(self, path: str, ending: str) -> str:
        """Return the feed's own address, as whoever asks has reached it."""
        query = {name: self.get_query_arguments(name) for name in ("limit", "types")}
        asked = urlencode({name: told for name, told in query.items() if told}, True)
        address = f"{self.base_url()}/feeds/{quote(path)}.{ending}"
        return f"{address}?{asked}" if asked else address


def _render(form: Format, channel: str, url: str, items: Sequence[WireItem]) -> bytes:
    return form.render(Feed(channel, url, [Entry.parse(item.text) for item in items]))
