"""What is kept of what a source offers, and when it is asked next; no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from feedsvc.core.access import Rules
from feedsvc.core.item import Candidate, Item, ItemType
from ingest.pacing import MAX_WAIT_S

# Failures double the wait up to here; a page that is not found up to MAX_WAIT_S.
MAX_BACKOFF_S = 3_600.0
# A source that is gone for good is looked at so rarely.
GONE_S = 30 * MAX_WAIT_S
# The least that a failed source waits, however its lot falls.
MIN_BACKOFF_S = 1.0

# Hosts fire at times of their own, a tenth of the interval early or late.  Whoever
# comes first after this part of the interval takes the run.
DUE_AFTER = 0.75

NOT_FOUND, GONE = 404, 410

# The status of an event that does not take place.
CANCELLED = "cancelled"
# Missing events that are remembered from one run to the next.
MAX_SUSPECTS = 1_000


class Drop(StrEnum):
    """Why a candidate does not become an item."""

    DUPLICATE = "duplicate"
    TOO_OLD = "too old"
    EXPIRED = "past the channel's retention"
    WRONG_TYPE = "type not allowed in its channel"
    TOO_MANY = "over max_items"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator wants of one source."""

    max_items: int = 500
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes to the store, oldest first, and why the rest does not."""

    kept: list[Candidate] = field(default_factory=list)
    dropped: Counter[Drop] = field(default_factory=Counter)


def select(
    offers: Iterable[Candidate], policy: Policy, rules: Rules, now: datetime
) -> Selection:
    """Decide for each offer whether it is written.

    The newest are kept, and written in the order of their dates, so that positions
    follow it where they can.  Selecting from what was selected keeps all of it.
    """
    selection = Selection()
    seen: set[str] = set()
    for offer in sorted(offers, key=lambda one: _age_s(one, now)):
        reason = _reason(offer, policy, rules, now)
        if offer.id in seen:
            reason = Drop.DUPLICATE
        elif reason is None and len(selection.kept) >= policy.max_items:
            reason = Drop.TOO_MANY
        seen.add(offer.id)
        if reason is None:
            selection.kept.append(offer)
        else:
            selection.dropped[reason] += 1
    selection.kept.reverse()
    return selection


def _reason(
    offer: Candidate, policy: Policy, rules: Rules, now: datetime
) -> Drop | None:
    types = rules.types(offer.channel)
    if types is not None and offer.type not in types:
        return Drop.WRONG_TYPE
    if policy.max_age_s is not None and _age_s(offer, now) > policy.max_age_s:
        return Drop.TOO_OLD
    retention_s = rules.retention_s(offer.channel)
    date = offer.date or now
    if retention_s is not None and (now - date).total_seconds() > retention_s:
        return Drop.EXPIRED
    return None


def _age_s(offer: Candidate, now: datetime) -> float:
    """Return how long ago it was; negative for events to come."""
    at = offer.date
    if offer.type is ItemType.EVENT:
        at = offer.body.get("ends_at") or offer.body.get("starts_at")
    return (now - at).total_seconds() if at else 0.0


def recognise(offers: Sequence[Candidate], known: Iterable[Item]) -> list[Candidate]:
    """Return the offers, each under the id that its item has by now.

    A guid may change with the scheme or the host of a site; ``known`` are the items
    that share a second key with one of the offers.  Two sites of one feed may use
    the same paths, so the date or the title has to be the same as well.
    """
    offered = {offer.id for offer in offers}
    known_ids = set()
    free: dict[str | None, list[Item]] = {}
    for item in known:
        known_ids.add(item.id)
        if item.id not in offered:
            free.setdefault(item.alt_id, []).append(item)
    found = []
    for offer in offers:
        candidates = [] if offer.id in known_ids else free.get(offer.alt_id, [])
        same = next((item for item in candidates if _is_same(offer, item)), None)
        if same is not None:
            candidates.remove(same)
        found.append(offer if same is None else replace(offer, id=same.id))
    return found


def _is_same(offer: Candidate, item: Item) -> bool:
    if offer.channel != item.channel:
        return False
    title = offer.body.get("title")
    if title is not None and title == item.body.get("title"):
        return True
    # MongoDB keeps whole milliseconds.
    return offer.date is not None and abs(offer.date - item.date) < timedelta(
        milliseconds=1
    )


def absent(
    stored: Collection[Item], seen: Set[str], suspects: Collection[str]
) -> tuple[list[Item], list[str]]:
    """Return which events are gone from a calendar, and which may be.

    ``stored`` are its events to come, ``seen`` the ids that a complete fetch has,
    ``suspects`` those that were missing the last time.  A calendar that lost half of
    its events has rather lost its mind: then nothing is gone.
    """
    there = [item for item in stored if item.body.get("status") != CANCELLED]
    missing = [item for item in there if item.id not in seen]
    if len(missing) * 2 >= len(there):
        return [], []
    gone = [item for item in missing if item.id in suspects]
    again = [item.id for item in missing if item.id not in suspects]
    return gone, again[:MAX_SUSPECTS]


def next_due(
    now: datetime, interval_s: float, asked_s: Iterable[float | None] = ()
) -> datetime:
    """Return when a source that answered is due again.

    ``asked_s`` is how long the publisher asks to wait, in all the ways there are.
    """
    asked = max((wait for wait in asked_s if wait is not None), default=0.0)
    wait_s = max(interval_s * DUE_AFTER, min(asked, MAX_WAIT_S))
    return now + timedelta(seconds=wait_s)


def next_try(
    now: datetime,
    interval_s: float,
    failures: int,
    lot: float,
    *,
    status: int | None = None,
    retry_after_s: float | None = None,
) -> datetime:
    """Return when a source that failed ``failures`` times in a row is due again.

    ``lot`` is a random number from 0 to 1: the wait is any part of what the failures
    allow, so that sources which fail together do not come back together.
    """
    if status == GONE:
        return now + timedelta(seconds=GONE_S)
    most = MAX_WAIT_S if status == NOT_FOUND else MAX_BACKOFF_S
    doubled = max(interval_s, MIN_BACKOFF_S) * 2.0 ** min(failures, 30)
    wait_s = max(MIN_BACKOFF_S, lot * min(most, doubled))
    return now + timedelta(seconds=max(wait_s, min(retry_after_s or 0.0, MAX_WAIT_S)))


# How many equal answers it takes to believe that a source has moved.
MOVED_AFTER = 3


def moved(
    known: Mapping[str, Any], asked: str, moved_to: str | None
) -> Mapping[str, Any]:
    """Return what is known of a move after one more answer: from, to, how often."""
    if moved_to is None:
        return {}
    is_same = known.get("from") == asked and known.get("to") == moved_to
    times = known.get("times", 0) + 1 if is_same else 1
    return {"from": asked, "to": moved_to, "times": min(times, MOVED_AFTER)}


def address(known: Mapping[str, Any], asked: str) -> str:
    """Return where to ask for ``asked``: where it moved, once that is believed."""
    has_moved = known.get("from") == asked and known.get("times", 0) >= MOVED_AFTER
    return str(known["to"]) if has_moved else asked
