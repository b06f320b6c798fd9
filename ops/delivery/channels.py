"""The channels of the check, and who may see what in them.

It says in its own words what ``feedsvc.core.access`` says too, so that a fault there
does not hide itself.
"""

from __future__ import annotations

CHANNELS = (
    "radio.news",
    "radio.news.local",
    "radio.artist.tour",
    "radio.artistry",
    "radio.staff",
    "radio.staff.rota",
    "radio.staff.board.minutes",
    "secret.plans",
    "shop.offers",
)

# A private subtree with a public one inside of it, and one that is all private.
RULES = """
[[channel]]
path = "radio.staff"
access = "private"

[[channel]]
path = "radio.staff.board"
access = "public"

[[channel]]
path = "secret"
access = "private"
"""


def covers(pattern: str, channel: str) -> bool:
    """True if the channel lies in the pattern's subtree."""
    own, other = pattern.split("."), channel.split(".")
    if len(own) > len(other):
        return False
    return all(mine in ("*", its) for mine, its in zip(own, other, strict=False))


def is_private(channel: str) -> bool:
    """True if only those with a token see the channel."""
    if covers("radio.staff.board", channel):
        return False
    return covers("radio.staff", channel) or covers("secret", channel)


def may_see(pattern: str, channel: str, *, has_token: bool) -> bool:
    """True if a subscription to the pattern gets what happens in the channel."""
    return covers(pattern, channel) and (has_token or not is_private(channel))
