"""``/builder``: a page that writes the snippet for a page of one's own."""

from __future__ import annotations

import asyncio

from feedsvc.core.access import ANYONE
from feedsvc.core.channel import Channel
from feedsvc.net.embed import HTML_TYPE, WORDS, PageHandler
from feedsvc.net.pages import policy
from feedsvc.pages import load_words, render_builder

# More than anybody reads; what is not in the list can be typed.
MAX_CHANNELS = 500


class BuilderHandler(PageHandler):
    """The page; it knows of public channels only, whoever looks at it."""

    async def get(self) -> None:
        counts = await self.service.channels(ANYONE)
        known = {above for path, _ in counts for above in Channel(path).lineage}
        channels = sorted(known)[:MAX_CHANNELS]
        languages = sorted(load_words(self.files / WORDS))
        # In a thread: what languages call themselves takes a while to find at first.
        document = await asyncio.to_thread(
            render_builder, channels, languages, self.base_url(), self.asset
        )
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", policy("'self'"))
        await self.send_whole(document, HTML_TYPE)

    async def head(self) -> None:
        await self.get()
