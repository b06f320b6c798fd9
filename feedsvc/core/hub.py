"""The hub: who wants what, what happened lately, and who gets it in this tick.

A change finds the interests that it concerns.  The members of equal interests form a
cohort: whatever one of them gets, all get, as the same bytes.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from feedsvc.core.access import Scope
from feedsvc.core.backlog import HotBacklog, newest_per_item
from feedsvc.core.channel import Channel
from feedsvc.core.interests import Cohort, Interest, Interests, Load, Members
from feedsvc.core.messages import Delivery, WireItem
from feedsvc.core.position import Cursor, Position, Ring

# A hot backlog is read this much deeper than asked, so that removals and somewhat
# larger requests do not make it read again.
SPARE = 30
# Another process may be ahead of this one, and its cursors with it.  What lies
# between is then delivered again, which changes nothing; a cursor further ahead
# belongs to another history.
MAX_AHEAD_S = 60


M = TypeVar("M")


class Hub(Generic[M]):
    """All interests, cohorts and hot backlogs, exact as of ``head``.

    ``make_members`` makes the empty set of a new cohort.  The ring says which past
    can be resumed.
    """

    def __init__(
        self,
        epoch: bytes,
        ring: Ring[Delivery],
        make_members: Callable[[], Members[M]],
        *,
        hot_items: int,
    ) -> None:
        self.epoch = epoch
        self.ring = ring
        self.head = ring.floor
        self._make_members = make_members
        self._hot_items = hot_items
        self._hot_count = 0
        self._hot: OrderedDict[Scope, Interest[M]] = OrderedDict()
        self._interests: Interests[M] = Interests()
        self._cohorts: dict[frozenset[Scope], Cohort[M]] = {}
        self._touched: dict[Cohort[M], None] = {}
        self._subscriptions = 0
        #: What became of cursors: resumed, or why not.
        self.resumes = Counter(resumed=0, expired=0, ahead=0, foreign=0)
        #: Whether newest items that somebody asked for were in memory.
        self.asked = Counter(hit=0, miss=0)

    @property
    def cursor(self) -> Cursor:
        """The cursor of a client that knows everything up to now."""
        return Cursor(self.epoch, self.head)

    @property
    def cohorts(self) -> Sequence[Cohort[M]]:
        return list(self._cohorts.values())

    def accept(self, delivery: Delivery) -> None:
        """Take in the next committed change; its cohorts get it at the flush."""
        item = delivery.item
        self.head = delivery.cursor.position
        self.ring.append(self.head, delivery, len(delivery.message) * 2)
        for interest in self._interests.match(item.path, item.type):
            self._hand(delivery, interest)
        if item.was:
            self._hand_to_left(delivery)

    def expire(self, item_id: str) -> None:
        """Forget an item that the database deleted; nobody is told."""
        for interest in self._hot.values():
            if interest.backlog is not None:
                self._hot_count -= len(interest.backlog)
                interest.backlog.expire(item_id)
                self._hot_count += len(interest.backlog)

    def advance(self, head: Position) -> None:
        """Note that the stream has reached ``head`` without a change."""
        self.head = max(self.head, head)

    def flush(self) -> None:
        """Send every touched cohort what it has to get, as one batch."""
        touched, self._touched = self._touched, {}
        for cohort in touched:
            pending, cohort.pending = cohort.pending, []
            cohort.members.deliver(pending)

    def resume(self, scope: Scope, cursor: Cursor) -> list[WireItem] | None:
        """Return what changed in the scope after the cursor, or None for a gap.

        Each item once at its newest revision, in commit order.
        """
        missed = None
        if cursor.epoch != self.epoch:
            outcome = "foreign"
        elif cursor.position.seconds > self.head.seconds + MAX_AHEAD_S:
            outcome = "ahead"
        else:
            missed = self.ring.after(cursor.position)
            outcome = "expired" if missed is None else "resumed"
        self.resumes[outcome] += 1
        if missed is None:
            return None
        seen = (_seen(scope, delivery.item) for delivery in missed)
        return newest_per_item(item for item in seen if item is not None)

    def hot(self, scope: Scope, limit: int) -> HotBacklog | None:
        """Return the scope's hot backlog if it covers ``limit``."""
        interest = self._hot.get(scope)
        if interest is None or interest.backlog is None:
            return None
        self._hot.move_to_end(scope)
        return interest.backlog if interest.backlog.covers(limit) else None

    def note_asked(self, *, is_hot: bool) -> None:
        """Count a request for newest items, answered from memory or not."""
        self.asked["hit" if is_hot else "miss"] += 1

    def begin_load(self, scope: Scope, limit: int) -> tuple[Load, bool]:
        """Return the read that will make the scope hot; True if it is a new one.

        The caller of a new one reads the newest ``load.limit`` items of the scope
        as of ``load.at`` and hands them to ``end_load``.
        """
        interest = self._interests.of(scope)
        if interest.load is not None and interest.load.limit > limit:
            return interest.load, False
        interest.load = Load(scope, limit + SPARE, self.head)
        return interest.load, True

    def end_load(self, load: Load, items: Sequence[WireItem] | None) -> bool:
        """Make the scope hot with what was read; None means that the read failed.

        What was committed since ``load.at`` is added from the ring.  False if that
        is no longer there: begin again.
        """
        interest = self._interests.of(load.scope)
        if interest.load is load:
            interest.load = None
        since = self.ring.after(load.at)
        if items is None or since is None:
            self._interests.prune(interest)
            return False
        is_complete = len(items) < load.limit
        backlog = HotBacklog(items, is_complete=is_complete, ceiling=load.limit * 4)
        for delivery in since:
            item = _seen(load.scope, delivery.item)
            if item is not None:
                backlog.apply(item)
        self._make_hot(interest, backlog)
        return True

    def move(
        self, member: M, old: Cohort[M] | None, scopes: frozenset[Scope]
    ) -> Cohort[M] | None:
        """Move the member from its cohort to that of ``scopes``, and return that.

        What the old cohort has to get is sent first, so the member gets all up to
        ``head`` by its old scopes and all after it by the new ones.
        """
        self.flush()
        new = self._cohort(scopes) if scopes else None
        if new is old:
            return old
        if old is not None:
            old.members.discard(member)
            self._release(old)
        if new is not None:
            new.members.add(member)
        self._subscriptions += len(scopes) - (len(old.scopes) if old else 0)
        return new

    def restart(self, epoch: bytes, ring: Ring[Delivery]) -> None:
        """Begin anew after continuity was lost: no past and nothing hot.

        Cohorts stay; their members are to be told.
        """
        self.flush()
        self.epoch, self.ring, self.head = epoch, ring, ring.floor
        for interest in list(self._hot.values()):
            self._cool(interest)

    def counts(self) -> dict[str, int]:
        """Return how much of everything there is, for the metrics."""
        return {
            "subscriptions": self._subscriptions,
            "cohorts": len(self._cohorts),
            "hot_backlogs": len(self._hot),
            "hot_items": self._hot_count,
            "ring_changes": len(self.ring),
            "ring_bytes": self.ring.size_bytes,
        }

    def _cohort(self, scopes: frozenset[Scope]) -> Cohort[M]:
        cohort = self._cohorts.get(scopes)
        if cohort is None:
            cohort = self._cohorts[scopes] = Cohort(scopes, self._make_members())
            for scope in scopes:
                self._interests.of(scope).cohorts[cohort] = None
        return cohort

    def _release(self, cohort: Cohort[M]) -> None:
        # Members that close leave by themselves, so the last of them may come here
        # after another has released the cohort, and it has a successor by now.
        if len(cohort.members) or self._cohorts.get(cohort.scopes) is not cohort:
            return
        del self._cohorts[cohort.scopes]
        for scope in cohort.scopes:
            interest = self._interests.of(scope)
            interest.cohorts.pop(cohort, None)
            self._interests.prune(interest)

    def _hand(self, delivery: Delivery, interest: Interest[M]) -> None:
        """Bring the interest's backlog up to date, and have its cohorts told."""
        if interest.backlog is not None:
            self._apply(interest.backlog, delivery.item)
        for cohort in interest.cohorts:
            pending = cohort.pending
            # Two of a cohort's scopes may match; the change is one all the same.
            if not pending or pending[-1].cursor is not delivery.cursor:
                pending.append(delivery)
                self._touched[cohort] = None

    def _hand_to_left(self, delivery: Delivery) -> None:
        """Tell a removal to those who want only types that the item had before."""
        item, leaving = delivery.item, delivery.leaving()
        for former in item.was:
            for interest in self._interests.match(item.path, former):
                if not interest.scope.admits(item.path, item.type):
                    self._hand(leaving, interest)

    def _apply(self, backlog: HotBacklog, item: WireItem) -> None:
        self._hot_count -= len(backlog)
        backlog.apply(item)
        self._hot_count += len(backlog)

    def _make_hot(self, interest: Interest[M], backlog: HotBacklog) -> None:
        if interest.backlog is not None:
            self._hot_count -= len(interest.backlog)
        interest.backlog = backlog
        self._hot_count += len(backlog)
        self._hot[interest.scope] = interest
        self._hot.move_to_end(interest.scope)
        # An empty backlog takes room as well: anybody may ask for channels that no one
        # has ever published in.
        while self._hot_count + len(self._hot) > self._hot_items and len(self._hot) > 1:
            self._cool(next(iter(self._hot.values())))

    def _cool(self, interest: Interest[M]) -> None:
        del self._hot[interest.scope]
        if interest.backlog is not None:
            self._hot_count -= len(interest.backlog)
        interest.backlog = None
        self._interests.prune(interest)


def _seen(scope: Scope, item: WireItem) -> WireItem | None:
    """Return the item as the scope sees it: gone, if it left the scope's types."""
    channel = Channel(item.path)
    if scope.sees(channel, item.type):
        return item
    left = any(scope.sees(channel, former) for former in item.was)
    return item.gone if left else None
