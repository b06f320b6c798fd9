"""What all doors to a backlog share: who may see it, and how long it is good for."""

from __future__ import annotations

import hashlib

from feedsvc.core.access import ANYONE, Rights, Scope
from feedsvc.core.channel import Channel
from feedsvc.errors import NotFound, Refused
from feedsvc.net.handler import Handler

# Long enough that a page's many readers share one answer of a cache in between,
# short enough that nobody sees it age.
MAX_AGE_S = 1
SHARED_S = 5
# Meanwhile a cache may answer as before: while it asks again, or while we are down.
STALE_S = 30
ERROR_S = 600
FRESH = f"public, max-age={MAX_AGE_S}, s-maxage={SHARED_S}"
CACHE_CONTROL = f"{FRESH}, stale-while-revalidate={STALE_S}, stale-if-error={ERROR_S}"


class BacklogHandler(Handler):
    """Shows a channel's items; what may not be read reads like what is not there.

    Also by the clock: both take the same way through the same queries.
    """

    _tag: str | None = None
    _sought: Channel

    def scope(self, rights: Rights, channel: Channel) -> Scope:
        """Return what the caller sees of the channel, which may be nothing."""
        self._sought = channel
        try:
            return self.service.rules.scope(rights, channel, self.types())
        except Refused:
            return Scope(_nowhere(channel), self.types())

    async def require_exists(self, scope: Scope) -> None:
        """Raise ``NotFound`` unless something is or was there for the caller."""
        everything = Scope(scope.channel, None, scope.access)
        if not await self.service.store.exists(everything):
            raise NotFound(f"no such channel: {self._sought}")

    def tag(self, content: str) -> None:
        """Have the answer's ETag made of ``content``.

        It is a weak one: compressed or not, and with whatever cursor, it is the same
        answer.
        """
        self._tag = f'W/"{hashlib.sha256(content.encode()).hexdigest()[:24]}"'

    def is_known(self, content: str) -> bool:
        """Tag the answer, and end it with 304 if the client has it."""
        self.tag(content)
        self.set_etag_header()
        if known := self.check_etag_header():
            self.set_status(304)
        return known

    def compute_etag(self) -> str | None:
        return self._tag

    def cache(self, rights: Rights, *, may_be_stale: bool = True) -> None:
        """Say how long the answer is good for, and for whom."""
        self.vary_on("Authorization")
        self.vary_on("Accept-Encoding")
        if rights is ANYONE:
            age = CACHE_CONTROL if may_be_stale else FRESH
            self.set_header("Cache-Control", age)
        else:
            self.set_header("Cache-Control", "private, no-store")


def _nowhere(channel: Channel) -> Channel:
    """Return a channel that is as long and can't exist: no name begins so."""
    _, *rest = channel.segments
    return Channel(".".join(["-", *rest]))
