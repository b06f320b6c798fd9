"""How a command speaks to the operator's doors of a service: the admin listener."""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from feedsvc.cli.remote import OWN_TOKEN, has_secret
from feedsvc.client import Feed
from feedsvc.config import Settings
from feedsvc.net.tokens import from_settings

PAGE = 100


class Desk(Feed):
    """The operator's doors as calls; ``token`` must say ``admin``."""

    def do(self, deed: str, item_id: str) -> dict[str, Any]:
        """Do a deed on an item; return what the item is now."""
        address = f"/admin/api/items/{quote(item_id, safe='')}/{deed}"
        found: dict[str, Any] = self._call("POST", address)
        return found

    def switch(self, deed: str, source: str) -> dict[str, Any]:
        """Disable or enable a source."""
        address = f"/admin/api/sources/{quote(source, safe='')}/{deed}"
        found: dict[str, Any] = self._call("POST", address)
        return found

    def queue(self, reason: str, limit: int) -> Iterator[dict[str, Any]]:
        """Yield what is held for a reason, that which was held first at the head."""
        return self._pages("queue", "items", "after", limit, {"reason": reason})

    def audit(self, limit: int) -> Iterator[dict[str, Any]]:
        """Yield who did what, the newest first."""
        return self._pages("audit", "entries", "before", limit, {})

    def _pages(
        self, door: str, name: str, place: str, limit: int, query: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        following: str | None = None
        while limit > 0:
            asked = {**query, "limit": min(limit, PAGE), place: following}
            page = self._call("GET", f"/admin/api/{door}", query=asked)
            yield from page[name]
            limit -= len(page[name])
            following = page["next"]
            if following is None:
                return


def add_desk_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which service is meant."""
    parser.add_argument(
        "--admin",
        dest="admin_url",
        default=os.environ.get("FEEDSVC_ADMIN_URL"),
        metavar="URL",
        help="address of the admin listener (FEEDSVC_ADMIN_URL)",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("FEEDSVC_TOKEN"),
        help="admin token (FEEDSVC_TOKEN); else one is signed with the secret",
    )


def desk_of(options: argparse.Namespace, settings: Settings) -> Desk:
    """Return the desk that the options name, else that of the service here."""
    server, token = settings.server, options.token
    port = server.port + 1 if server.admin_port is None else server.admin_port
    url = options.admin_url or f"http://127.0.0.1:{port}"
    if token is None and has_secret(settings, is_own=options.admin_url is None):
        # The record says which of the machine's users it was.
        token = from_settings(settings.auth, server.data_dir).issue(
            f"cli:{getpass.getuser()}",
            admin=True,
            lifetime=OWN_TOKEN,
            now=datetime.now(UTC),
        )
    return Desk(url, token)
