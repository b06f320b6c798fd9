"""``feedsvc token``: tokens, signed with the secret at hand, and their end."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

from feedsvc.cli.command import Commands, lifetime
from feedsvc.cli.remote import feed_of
from feedsvc.config import Settings
from feedsvc.errors import BadMessage
from feedsvc.net.tokens import from_settings, identify


def register(commands: Commands) -> None:
    """Add ``token`` and ``token revoke``."""
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
    _register_revoke(Commands(one, required=False))


def _register_revoke(commands: Commands) -> None:
    one = commands.add(
        "revoke",
        _revoke,
        "End a token, or all of a subject's, before its time.",
        remote=True,
    )
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("revoked", nargs="?", metavar="JWT", help="the token itself")
    what.add_argument("--jti", help="the token's id")
    what.add_argument("--sub", help="subject whose tokens end")
    one.add_argument(
        "--issued-before", metavar="TIME", help="of a subject; default: all up to now"
    )
    one.add_argument(
        "--expires", metavar="TIME", help="when all of them are over by themselves"
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


def _revoke(options: argparse.Namespace, settings: Settings) -> int:
    jti, expires = options.jti, options.expires
    if options.revoked is not None:
        jti, expires = identify(options.revoked)
        if jti is None:
            raise BadMessage("JWT", "has no jti to be revoked by; revoke its --sub")
    done = feed_of(options, settings, admin=True).revoke(
        jti=jti,
        sub=options.sub,
        issued_before=options.issued_before,
        expires=expires,
    )
    if options.json:
        print(json.dumps(done, ensure_ascii=False))
    else:
        print(" ".join(f"{name}={value}" for name, value in done.items()))
    return 0
