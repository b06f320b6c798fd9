"""How a command speaks to a service: its address, and a token for it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from feedsvc.client import Feed
from feedsvc.config import Settings
from feedsvc.core.channel import STAR
from feedsvc.net.tokens import from_settings

# A command that speaks to the service of this machine signs its own short token.
OWN_TOKEN = timedelta(minutes=5)


def feed_of(
    options: argparse.Namespace,
    settings: Settings,
    *,
    publish: Sequence[str] = (),
    admin: bool = False,
) -> Feed:
    """Return the service that the options name, else the one of these settings."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = options.url_of_service or f"http://{host}:{server.port}"
    token = options.token
    if token is None and has_secret(settings, is_own=options.url_of_service is None):
        # Who has the secret may read everything.
        token = from_settings(settings.auth, server.data_dir).issue(
            "feedsvc-cli",
            read=[STAR],
            publish=publish,
            admin=admin,
            lifetime=OWN_TOKEN,
            now=datetime.now(UTC),
        )
    return Feed(url, token)


def has_secret(settings: Settings, *, is_own: bool) -> bool:
    """True if the secret at hand is that of the service that is spoken to.

    ``is_own`` says that no other one was named.
    """
    if settings.auth.secret is not None:
        return True
    # What lies in our data directory says nothing of a service elsewhere.
    return is_own and (settings.server.data_dir / "secret").is_file()
