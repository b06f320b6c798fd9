"""``feedsvc token``: tokens, signed with the secret at hand."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

from feedsvc.cli.command import Commands, lifetime
from feedsvc.config import Settings
from feedsvc.net.tokens import from_settings


def register(commands: Commands) -> None:
    """Add ``token``."""
    one = commands.add("token", _token, "Make a token, signed with the secret.")
    one.add_argument("--subject", default="cli", help="whom the token is for")
    for right, told in (("read", "open"), ("publish", "publish in")):
        one.add_argument(
            f"--{right}",
            action="append",
            default=[],
            metavar="CHANNEL",
            help=f"channel to {told}, and all below; repeatable",
        )
    one.add_argument("--admin", action="store_true", help="may do everything")
    one.add_argument(
        "--expires", type=lifetime, default=3_600, help="lifetime, such as 12h or 30d"
    )


def _token(options: argparse.Namespace, settings: Settings) -> int:
    token = from_settings(settings.auth, settings.server.data_dir).issue(
        options.subject,
        read=options.read,
        publish=options.publish,
        admin=options.admin,
        lifetime=timedelta(seconds=options.expires),
        now=datetime.now(UTC),
    )
    print(json.dumps({"token": token}) if options.json else token)
    return 0
