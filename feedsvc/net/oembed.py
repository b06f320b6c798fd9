"""``/oembed?url=…``: how to show a page of ours, for sites that ask."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from feedsvc.core.access import ANYONE
from feedsvc.core.channel import Channel
from feedsvc.core.messages import encode
from feedsvc.errors import BadMessage, FeedError, NotFound
from feedsvc.net.handler import JSON_TYPE, Handler
from feedsvc.pages import View, oembed, oembed_xml

XML_TYPE = "text/xml; charset=UTF-8"
# Larger than any screen.
MAX_PIXELS = 99_999
MAX_AGE_S = 3_600


class OEmbedHandler(Handler):
    """The description of a frame; what is private is not there."""

    async def get(self) -> None:
        form = self.get_query_argument("format", "").strip() or "json"
        if form not in ("json", "xml"):
            self.fail(501, "bad_message", "format: must be json or xml")
            return
        url = self.get_query_argument("url", None)
        if url is None:
            raise BadMessage("url", "is required")
        view = self._view(url.strip())
        width, height = self._pixels("maxwidth"), self._pixels("maxheight")
        await self._require_public(view)
        self.set_header("Cache-Control", f"public, max-age={MAX_AGE_S}")
        fields = oembed(view, self.base_url(), width, height)
        if form == "xml":
            await self.send_whole(oembed_xml(fields), XML_TYPE)
        else:
            await self.send_whole(encode(fields).encode(), JSON_TYPE)

    async def head(self) -> None:
        await self.get()

    def _view(self, url: str) -> View:
        """Return the view that the address names; raise ``NotFound`` for another's."""
        base = urlsplit(self.base_url())
        start = f"{base.path}/embed/"
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise NotFound("url: is no page of this service") from error
        is_ours = parts.netloc.lower() == base.netloc.lower()
        if not is_ours or not parts.path.startswith(start):
            raise NotFound("url: is no page of this service")
        try:
            channel = Channel.parse_pattern(unquote(parts.path.removeprefix(start)))
            asked = {name: one[-1] for name, one in parse_qs(parts.query).items()}
            return View.parse(channel.path, {**asked, "before": ""})
        except FeedError as error:
            raise NotFound(f"url: {error.text}") from error

    async def _require_public(self, view: View) -> None:
        try:
            scope = self.service.rules.scope(ANYONE, Channel(view.channel))
        except FeedError as error:
            raise NotFound(f"no such channel: {view.channel}") from error
        if not await self.service.store.exists(scope):
            raise NotFound(f"no such channel: {view.channel}")

    def _pixels(self, name: str) -> int:
        text = self.get_query_argument(name, None)
        if text is None:
            return MAX_PIXELS
        if not (text.isascii() and text.isdigit()) or not text.strip("0"):
            raise BadMessage(name, "must be a number of pixels")
        return min(int(text[:9]), MAX_PIXELS)
