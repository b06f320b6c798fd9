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
STALE_S = 30


class BacklogHandler(Handler):
    """Shows a channel's items; what may not be read reads like what is not there."""

    _tag: str | None = None

    def scope(self, rights: Rights, channel: Channel) -> Scope:
        """Return what the caller sees of the channel; raise ``NotFound`` if nothing."""
        try:
            return self.service.rules.scope(rights, channel, self.types())
        except Refused as error:
            raise NotFound(f"no such channel: {channel}") from error

    async def require_exists(self, scope: Scope) -> None:
        """Raise ``NotFound`` unless something is or was there for the caller."""
        everything = Scope(scope.channel, None, scope.access)
        if not await self.service.store.exists(everything):
            raise NotFound(f"no such channel: {scope.channel}")

    def tag(self, content: str) -> None:
        """Have the answer's ETag made of ``content``."""
        self._tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:24]}"'

    def compute_etag(self) -> str | None:
        return self._tag

    def cache(self, rights: Rights) -> None:
        """Say how long the answer is good for, and for whom."""
        self.add_header("Vary", "Authorization")
        if rights is ANYONE:
            control = f"public, max-age={MAX_AGE_S}, stale-while-revalidate={STALE_S}"
            self.set_header("Cache-Control", control)
        else:
            self.set_header("Cache-Control", "private, no-store")
