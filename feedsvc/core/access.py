"""Rules of channels, rights of callers, and what both leave visible: a scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feedsvc.core.channel import STAR, Channel, lineage
from feedsvc.core.item import ItemType
from feedsvc.errors import BadChannel, Forbidden, Unauthorized


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What the configuration says of a channel and all below it.

    A more specific rule adds to the rules above it and wins where both speak.
    None means "as above".
    """

    path: Channel
    private: bool | None = None
    retention_s: int | None = None
    retention_count: int | None = None
    types: frozenset[ItemType] | None = None
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What one caller may do; the caller without a token is ``ANYONE``.

    ``read`` and ``publish`` hold channels that each mean their subtree.  What the
    token is known by, its id and when it was issued, is there to be revoked.
    """

    subject: str | None = None
    read: tuple[Channel, ...] = ()
    publish: tuple[Channel, ...] = ()
    admin: bool = False
    expires_at: datetime | None = None
    issued_at: datetime | None = None
    token_id: str | None = None

    def may_read_private(self, path: str) -> bool:
        """True if a private channel at ``path`` is open to the caller."""
        return self.admin or any(_covers(channel, path) for channel in self.read)

    def may_publish(self, channel: Channel) -> bool:
        return self.admin or any(_covers(own, channel.path) for own in self.publish)

    @property
    def reads_everything(self) -> bool:
        return self.admin or any(channel.path == STAR for channel in self.read)


ANYONE = Rights()


@dataclass(frozen=True, slots=True)
class Scope:
    """A channel's subtree as one caller may see it: all that any door filters by.

    ``access`` holds, for channels inside the subtree where visibility changes,
    whether the caller sees them; the deepest one that an item lies under decides.
    Equal scopes see the same items, whoever holds them.
    """

    channel: Channel
    types: frozenset[ItemType] | None = None
    access: tuple[tuple[str, bool], ...] = ()

    def admits(self, path: str, item_type: ItemType) -> bool:
        """True for an item of a channel that ``channel`` is known to cover."""
        if self.types is not None and item_type not in self.types:
            return False
        if not self.access:
            return True
        decided = dict(self.access)
        for above in reversed(lineage(path)):
            if above in decided:
                return decided[above]
        return True

    def sees(self, channel: Channel, item_type: ItemType) -> bool:
        """True for an item of any channel."""
        return self.channel.covers(channel) and self.admits(channel.path, item_type)


class Rules:
    """All channel rules; answers for a channel what holds there."""

    def __init__(self, rules: Iterable[ChannelRule] = ()) -> None:
        self._rules = {rule.path.path: rule for rule in rules}

    def is_private(self, path: str) -> bool:
        for above in reversed(lineage(path)):
            rule = self._rules.get(above)
            if rule is not None and rule.private is not None:
                return rule.private
        return False

    def retention_s(self, channel: Channel) -> int | None:
        """Seconds after its date until an item expires; None: it stays."""
        for rule in self._above(channel):
            if rule.retention_s is not None:
                return rule.retention_s
        return None

    def delay_s(self, channel: Channel) -> float:
        """Seconds by which listeners hear things later than they happen."""
        for rule in self._above(channel):
            if rule.delay_s is not None:
                return rule.delay_s
        return 0

    def types(self, channel: Channel) -> frozenset[ItemType] | None:
        """The types that may be published; None: all."""
        for rule in self._above(channel):
            if rule.types is not None:
                return rule.types
        return None

    def counted(self) -> list[tuple[Channel, int]]:
        """The channels that keep only their newest items, and how many."""
        return [
            (rule.path, rule.retention_count)
            for rule in self._rules.values()
            if rule.retention_count is not None
        ]

    def scope(
        self,
        rights: Rights,
        channel: Channel,
        types: frozenset[ItemType] | None = None,
    ) -> Scope:
        """Return what the caller sees of the channel's subtree.

        Raise ``Unauthorized`` (no token) or ``Forbidden`` if that is nothing, and
        ``BadChannel`` for a pattern that only those who read everything may use.
        """
        if channel.path.startswith(STAR) and not rights.reads_everything:
            raise BadChannel(
                "channel",
                "the first segment may be '*' only with the right to read all",
            )
        if not self._is_open(rights, channel.fixed):
            if rights.subject is None:
                raise Unauthorized(f"channel: {channel} needs a token")
            raise Forbidden(f"channel: the token does not read {channel}")
        return Scope(channel, types, self._access_inside(rights, channel))

    def view(self, rights: Rights) -> Scope:
        """Return all that the caller sees, of all channels."""
        everything = Channel(STAR)
        return Scope(everything, None, self._access_inside(rights, everything))

    def _is_open(self, rights: Rights, path: str) -> bool:
        return not path or not self.is_private(path) or rights.may_read_private(path)

    def _access_inside(
        self, rights: Rights, channel: Channel
    ) -> tuple[tuple[str, bool], ...]:
        inside = {
            path
            for path, rule in self._rules.items()
            if rule.private is not None and _meets(channel, path)
        }
        # Rights change visibility too, but only where something is private.
        inside |= {own.path for own in rights.read if _meets(channel, own.path)}
        table: dict[str, bool] = {}
        for path in sorted(inside):
            above = next(
                (table[p] for p in reversed(lineage(path)) if p in table), True
            )
            visible = self._is_open(rights, path)
            if visible != above:
                table[path] = visible
        return tuple(table.items())

    def _above(self, channel: Channel) -> Iterable[ChannelRule]:
        for path in reversed(channel.lineage):
            if path in self._rules:
                yield self._rules[path]


def _covers(own: Channel, path: str) -> bool:
    return own.path == STAR or own.covers(Channel(path))


def _meets(channel: Channel, path: str) -> bool:
    """True if ``path`` lies strictly below the channel or inside its pattern."""
    mine, theirs = channel.segments, path.split(".")
    if len(theirs) <= len(mine) and STAR not in channel.path:
        return False
    return all(m in (STAR, t) for m, t in zip(mine, theirs, strict=False))
