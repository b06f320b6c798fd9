"""``/feeds``: a channel's backlog for feed readers, podcast players and calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from feedsvc import __version__
from feedsvc.core.access import ANYONE, Rights, Scope
from feedsvc.core.messages import WireItem, encode_item, join
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
        item_id = self.get_query_argument("id", None)
        # An item that is removed is 404 then, which some caches take for a failure
        # that they may hide: of one item there must be no old answers.
        self.cache(rights, may_be_stale=item_id is None)
        if item_id is not None:
            items: Sequence[WireItem] = [await self._one(scope, item_id)]
            self.set_header("Content-Disposition", f'inline; filename="item.{ending}"')
        else:
            items = (await self.service.page(scope, self.limit())).items
        if not items:
            await self.require_exists(scope)
        found = scope.channel.path
        feed = Feed(
            channel=found,
            url=self._url(found, ending),
            entries=(),
            home=f"{self.base_url()}/embed/{quote(found)}",
            hub=self._hub(rights),
        )
        await self._send(feed, items)

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

    async def _one(self, scope: Scope, item_id: str) -> WireItem:
        """Return one item of the channel, for whoever wants it in a calendar."""
        item = await self.service.store.get(item_id)
        is_seen = item is not None and scope.sees(item.channel, item.type)
        if item is None or item.is_removed or not is_seen:
            raise NotFound("no such item")
        return encode_item(item)

    async def _send(self, feed: Feed, items: Sequence[WireItem]) -> None:
        if feed.hub:
            links = f'<{feed.hub}>; rel="hub", <{feed.url}>; rel="self"'
            self.set_header("Link", links)
        if self.is_known(f"{__version__} {feed} {join(items)}"):
            # Most visits end here, before anything is rendered.
            return
        # In a thread: a long feed takes longer than live sessions should wait.
        document = await asyncio.to_thread(_render, self._format, feed, items)
        await self.send_whole(document, self._format.mime_type)

    def _hub(self, rights: Rights) -> str | None:
        """Return who tells of changes of this feed: of public ones, in full only."""
        is_whole = rights is ANYONE and not self.request.query_arguments
        has_hub = is_whole and self._format.only is None
        return self.service.settings.server.websub_hub if has_hub else None

    def _url(self, path: str, ending: str) -> str:
        """Return the feed's own address, as whoever asks has reached it."""
        query = {
            name: self.get_query_arguments(name) for name in ("limit", "types", "id")
        }
        asked = urlencode({name: told for name, told in query.items() if told}, True)
        address = f"{self.base_url()}/feeds/{quote(path)}.{ending}"
        return f"{address}?{asked}" if asked else address


def _render(form: Format, feed: Feed, items: Sequence[WireItem]) -> bytes:
    return form.render(
        replace(feed, entries=[Entry.parse(item.text) for item in items])
    )
