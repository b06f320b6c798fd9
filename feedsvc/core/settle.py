"""What an offer makes of what is stored: shown, held, unchanged or kept out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from feedsvc.core.item import Candidate, Item, ItemType, Status
from feedsvc.core.record import Reason, Record
from feedsvc.errors import BadMessage, Conflict


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms offers are taken.

    ``revive``: they may bring back what was removed, as a publisher's may and a
    source's that still shows it may not.  ``review``: an editor sees them first.
    ``delay_s``: so much later than the studio the listeners hear it.
    """

    revive: bool = False
    review: bool = False
    delay_s: float = 0


def settle(
    offer: Candidate, known: Record | None, now: datetime, terms: Terms
) -> tuple[Status, Record]:
    """Decide what ``offer`` makes of the ``known`` record of the same id.

    The same offer twice is one change: the second finds its own hash.  A run that
    was overtaken by a later one of the same source changes nothing, however late it
    writes.  Raise ``Conflict`` if the id lives in another channel, and ``BadMessage``
    if a version that is out already is to appear later.
    """
    record = known or Record(offer.id)
    if record.channel not in (None, offer.channel):
        raise Conflict(offer.id)
    if not terms.revive and _is_barred(offer, record):
        return Status.GONE, record.kept_out(now)
    visible, waiting = record.visible, record.waiting
    if visible is not None and _is_ahead(offer.publish_at, now):
        raise BadMessage("publish_at", "must not be ahead of what is visible already")
    latest = waiting.item if waiting else visible
    if latest and latest.source == offer.source and latest.fence > offer.fence:
        return Status.UNCHANGED, record
    if visible is not None and _is_same(visible, offer, now):
        return Status.UNCHANGED, record.settled()
    reason, until = _hold(offer, record, now, terms)
    if waiting and _is_same(waiting.item, offer, now):
        is_due = waiting.due_at is not None and waiting.due_at <= now
        if is_due or waiting.until == until:
            return Status.UNCHANGED, record.release(now)
    item = _accepted(offer, record, latest, now)
    status = Status.UPDATED if latest else Status.CREATED
    if reason is None:
        return status, record.show(item)
    return status, record.hold(item, reason, now, until)


def _accepted(
    offer: Candidate, record: Record, latest: Item | None, now: datetime
) -> Item:
    """Return the item that the offer becomes, as it would be shown next."""
    return Item(
        id=offer.id,
        type=offer.type,
        channel=offer.channel,
        date=_date(offer, latest.date if latest else now, now),
        rev=record.rev + 1,
        body=offer.body,
        source=offer.source,
        source_id=offer.source_id,
        alt_id=offer.alt_id,
        backfill=offer.backfill and latest is None and record.shown is None,
        fence=offer.fence,
        content_hash=offer.content_hash,
        first_seen=latest.first_seen if latest else now,
    )


def _is_barred(offer: Candidate, record: Record) -> bool:
    """True for what was removed or rejected: a source that shows it brings it again."""
    if record.waiting is not None:
        return False
    if record.visible is None:
        return record.shown is not None or record.held is not None
    rejected = record.held
    return rejected is not None and rejected.item.content_hash == offer.content_hash


def _hold(
    offer: Candidate, record: Record, now: datetime, terms: Terms
) -> tuple[Reason | None, datetime | None]:
    """Return why the offer is held, if it is, and until when."""
    waiting = record.waiting
    if waiting is not None and waiting.reason is Reason.REVIEW:
        return Reason.REVIEW, offer.publish_at or waiting.until
    if record.visible is not None:
        return (Reason.REVIEW if terms.review else None), None
    if terms.review:
        return Reason.REVIEW, offer.publish_at
    publish_at, heard_at = offer.publish_at, _heard_at(offer, now, terms.delay_s)
    if waiting is not None:  # what waits already keeps its time
        came_at = waiting.item.first_seen or waiting.since
        heard_at = _heard_at(offer, came_at, terms.delay_s)
        if waiting.reason is Reason.DELAY and waiting.until is not None:
            heard_at = waiting.until
        publish_at = publish_at or waiting.until
    if publish_at is not None and publish_at > max(heard_at, now):
        return Reason.EMBARGO, publish_at
    return (Reason.DELAY, heard_at) if heard_at > now else (None, None)


def _heard_at(offer: Candidate, now: datetime, delay_s: float) -> datetime:
    """Return when listeners hear what the offer is about.

    A track is heard that long after it started, all else that long after it came in.
    History that a source brings along has been heard.
    """
    if offer.backfill:
        return now
    is_track = offer.type is ItemType.TRACK
    began_at = offer.body.get("started_at", now) if is_track else now
    return min(began_at, now) + timedelta(seconds=delay_s)


def _is_same(version: Item, offer: Candidate, now: datetime) -> bool:
    is_same = version.content_hash == offer.content_hash
    return is_same and version.date == _date(offer, version.date, now)


def _date(offer: Candidate, default: datetime, now: datetime) -> datetime:
    """Return the offer's date; one that is to appear later has its date then."""
    if offer.date is not None:
        return offer.date
    ahead = offer.publish_at if _is_ahead(offer.publish_at, now) else None
    return ahead or default


def _is_ahead(at: datetime | None, now: datetime) -> bool:
    return at is not None and at > now
