"""Records: all that is stored under one id, the version that is shown and another.

What is *shown* is what everybody may see, or its tombstone.  What is *held* is a
version that nobody sees yet: for a while (delay, embargo), until an editor approves
it, or for good.  Each change makes a new record; one that leaves ``shown`` as it was
is told to nobody.  No change looks at a clock: all are handed ``now``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from feedsvc.core.channel import Channel
from feedsvc.core.item import Item, tombstone
from feedsvc.errors import NotFound, Outdated


class Reason(StrEnum):
    """Why a version is held."""

    DELAY = "delay"
    EMBARGO = "embargo"
    REVIEW = "review"
    REJECTED = "rejected"


# So often at most a tombstone is written anew because its source still shows the item.
REMEMBER_EVERY = timedelta(days=1)
# These end by themselves.
TIMED = frozenset({Reason.DELAY, Reason.EMBARGO})


@dataclass(frozen=True, slots=True)
class Held:
    """A version that is not shown, since ``since`` and for a reason.

    ``until`` is when time releases it; of one in review, what is left of its embargo
    once it is approved.
    """

    item: Item
    reason: Reason
    since: datetime
    until: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        return self.until if self.reason in TIMED else None


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored under one id.

    ``shown.rev`` counts what readers were told; ``version`` grows with every write
    of a record that ever held something, and together they name one state of it.
    """

    id: str
    shown: Item | None = None
    held: Held | None = None
    version: int = 0

    @property
    def rev(self) -> int:
        return self.shown.rev if self.shown else 0

    @property
    def visible(self) -> Item | None:
        """The version that everybody may see."""
        return None if self.shown is None or self.shown.is_removed else self.shown

    @property
    def waiting(self) -> Held | None:
        """The held version that may yet be shown."""
        is_rejected = self.held is None or self.held.reason is Reason.REJECTED
        return None if is_rejected else self.held

    @property
    def newest(self) -> Item | None:
        """What was offered last and is not refused, else what stays of it."""
        if self.waiting is not None:
            return self.waiting.item
        return self.shown or (self.held.item if self.held else None)

    @property
    def channel(self) -> Channel | None:
        known = self.shown or (self.held.item if self.held else None)
        return known.channel if known else None

    def show(self, item: Item) -> Record:
        """Make the item the one that is shown; whatever was held is dropped."""
        before = self.shown
        item = replace(
            item,
            rev=self.rev + 1,
            pinned=self.visible is not None and self.visible.pinned,
            was=(before.was | {before.type}) - {item.type} if before else frozenset(),
        )
        return self._next(item, None)

    def hold(
        self, item: Item, reason: Reason, now: datetime, until: datetime | None
    ) -> Record:
        """Keep the item beside what is shown; if one waits already, in its place."""
        since = self.waiting.since if self.waiting else now
        return self._next(self.shown, Held(item, reason, since, until))

    def release(self, now: datetime) -> Record:
        """Show what time has released by now, if anything; else return the same."""
        held = self.held
        if held is None or held.due_at is None or held.due_at > now:
            return self
        return self.show(_as_news(held.item))

    def remove(self, now: datetime) -> Record:
        """Erase all content; what stays keeps sources from bringing it back."""
        if self.visible is not None:
            return self._next(tombstone(self.visible, now), None)
        if self.shown is not None:
            return self._next(self.shown, None) if self.held else self
        if self.held is None or self.held.item.is_removed:
            return self
        gone = replace(tombstone(self.held.item, now), rev=1)
        return self._next(None, Held(gone, Reason.REJECTED, now))

    def kept_out(self, now: datetime) -> Record:
        """Note that a source still brings what was removed or rejected.

        What stays of it is forgotten after a time; that begins anew, once a day.
        """
        shown, held = self.shown, self.held
        if held is not None:
            is_fresh = now - held.since < REMEMBER_EVERY
            return self if is_fresh else self._next(shown, replace(held, since=now))
        removed_at = shown.removed_at if shown else None
        if shown is None or removed_at is None or now - removed_at < REMEMBER_EVERY:
            return self
        return self._next(replace(shown, removed_at=now), None)

    def approve(self, now: datetime, version: int | None = None) -> Record:
        """Show what is in review, or leave it to its embargo.

        ``version`` is that of the record which the editor looked at; raise
        ``Outdated`` if it has changed since, ``NotFound`` if nothing is in review.
        """
        held = self.waiting
        if held is None or held.reason is not Reason.REVIEW:
            raise NotFound(f"item {self.id!r} does not wait for approval")
        self._require(version)
        if held.until is not None and held.until > now:
            return self._next(self.shown, replace(held, reason=Reason.EMBARGO))
        return self.show(_as_news(held.item))

    def reject(self, now: datetime, version: int | None = None) -> Record:
        """Keep back for good what waits; raise as ``approve`` does."""
        held = self.waiting
        if held is None:
            raise NotFound(f"item {self.id!r} does not wait for anything")
        self._require(version)
        return self._next(self.shown, Held(held.item, Reason.REJECTED, now, held.until))

    def review(self, now: datetime) -> Record:
        """Put the item into the queue again, away from readers if they see it.

        This takes back an approval and a rejection.
        """
        held = self.held
        if self.visible is not None:
            item = self.waiting.item if self.waiting else self.visible
            kept = Held(item, Reason.REVIEW, now)
            return self._next(tombstone(self.visible, now), kept)
        if held is None or held.item.is_removed:
            raise NotFound(f"there is no item {self.id!r}")
        if held.reason is Reason.REVIEW:
            return self
        kept = Held(held.item, Reason.REVIEW, now, held.until)
        return self._next(self.shown, kept)

    def pin(self, pinned: bool) -> Record:
        """Put the item before all others of its backlogs, or back into its place."""
        if self.visible is None:
            raise NotFound(f"nobody sees an item {self.id!r}")
        if self.visible.pinned == pinned:
            return self
        item = replace(self.visible, pinned=pinned, rev=self.rev + 1)
        return self._next(item, self.held)

    def settled(self) -> Record:
        """Drop what waits: what is shown is right as it is."""
        return self._next(self.shown, None) if self.waiting else self

    def _require(self, version: int | None) -> None:
        if version is not None and version != self.version:
            raise Outdated(self.id)

    def _next(self, shown: Item | None, held: Held | None) -> Record:
        counts = self.version or self.held or held
        version = self.version + 1 if counts else 0
        return Record(self.id, shown, held, version)


def _as_news(item: Item) -> Item:
    """Return the item as it appears: announced, though it was history when it came."""
    return replace(item, backfill=False)
