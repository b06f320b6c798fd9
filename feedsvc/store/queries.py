"""Scopes as filters of MongoDB, and the indexes that answer them.

A backlog is one walk along an index that already has the order wanted: a subtree is
one key of the multikey ``lineage``, and so costs the same at every level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from feedsvc.core.access import Scope
from feedsvc.core.channel import STAR, Channel, lineage
from feedsvc.core.item import Order

Filter = dict[str, Any]
Roots = Sequence[str] | None

ITEMS = "items"

# The most that one query may cost the server.
QUERY_MS = 5_000
# A pattern that stands for more channels is matched item by item.
MAX_NAMES = 10_000
# Intervals that MongoDB still merges; of more than 200 it would sort the lot.
MAX_BRANCHES = 150

ORDER = [("date", DESCENDING), ("_id", DESCENDING)]

INDEXES = [
    # The backlog of a subtree.
    IndexModel([("lineage", ASCENDING), *ORDER], name="subtree"),
    # The same of some types: 20 articles among many thousand tracks.
    IndexModel(
        [("lineage", ASCENDING), ("type", ASCENDING), *ORDER], name="subtree_types"
    ),
    # The backlog of all channels at once, where they are too many to list.
    IndexModel(ORDER, name="everything"),
    # The few that come before all others, wherever that is asked.
    IndexModel(
        [("lineage", ASCENDING), *ORDER],
        name="pinned",
        partialFilterExpression={"pinned": True},
    ),
    # What time will release, and what waits for an editor.
    IndexModel(
        [("held.due_at", ASCENDING)],
        name="due",
        partialFilterExpression={"held.due_at": {"$exists": True}},
    ),
    IndexModel(
        [("held.reason", ASCENDING), ("held.since", ASCENDING), ("_id", ASCENDING)],
        name="queue",
        partialFilterExpression={"held.reason": {"$exists": True}},
    ),
    IndexModel(
        [("held.item.source", ASCENDING), ("held.item.alt_id", ASCENDING)],
        name="held_source",
        partialFilterExpression={"held.reason": {"$exists": True}},
    ),
    # Which channels there are, and how many items each has: without a document read.
    IndexModel(
        [("channel", ASCENDING), ("removed_at", ASCENDING), ("expire_at", ASCENDING)],
        name="channels",
    ),
    # MongoDB deletes what is past its time by itself.
    IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    # Ingest finds the items of a source again, also under an id that changed.
    IndexModel(
        [("source", ASCENDING), ("alt_id", ASCENDING)],
        name="source",
        partialFilterExpression={"alt_id": {"$exists": True}},
    ),
    # All that one source brought, to ask whether it is still there.
    IndexModel([("source", ASCENDING), *ORDER], name="of_source"),
]


def index_of(scope: Scope, roots: Roots = None) -> str:
    """Return the name of the index that has the scope's backlog in order.

    It is given as a hint, since a plan that is right for one channel and was cached
    would be used for the next one, where it may be a scan of everything.
    """
    if not _subtrees(scope, roots):
        return "everything"
    return "subtree" if scope.types is None else "subtree_types"


def can_merge(scope: Scope, roots: int) -> bool:
    """True if the backlogs of so many channels are merged without sorting them."""
    kinds = 1 if scope.types is None else len(scope.types)
    pages = 2
    return roots * kinds * pages <= MAX_BRANCHES


def backlog_command(
    scope: Scope,
    limit: int,
    now: datetime,
    before: Order | None = None,
    roots: Roots = None,
) -> Filter:
    """Return the command that reads a backlog: the newest, or a page of older ones.

    ``roots`` are the channels that the scope's pattern stands for, if known.  Pinned
    items are not in it.
    """
    return _find(
        {
            **_branches(scope, before, roots),
            **_residual(scope, roots),
            "removed_at": None,
            "expire_at": {"$not": {"$lte": now}},
            "pinned": None,
        },
        limit,
        index_of(scope, roots),
    )


def pinned_command(
    scope: Scope,
    limit: int,
    now: datetime,
    before: Order | None = None,
    roots: Roots = None,
) -> Filter:
    """Return the command that reads what comes before a backlog: its pinned items."""
    return _find(
        {
            **_branches(scope, before, roots),
            **_residual(scope, roots),
            "expire_at": {"$not": {"$lte": now}},
            "pinned": True,
        },
        limit,
        "pinned",
    )


def _find(wanted: Filter, limit: int, index: str) -> Filter:
    return {
        "find": ITEMS,
        "filter": wanted,
        "sort": dict(ORDER),
        "hint": index,
        "limit": limit,
        "batchSize": limit,
        "maxTimeMS": QUERY_MS,
    }


def scope_filter(scope: Scope, roots: Roots = None) -> Filter:
    """Select all that the scope sees, tombstones too."""
    return {**_branches(scope, None, roots), **_residual(scope, roots)}


def names_pipeline(pattern: Channel) -> list[Filter]:
    """List the channels that there are in the range of a pattern.

    It jumps along the index from one to the next, however many items each has.
    """
    return [
        {"$match": _range(pattern)},
        {"$group": {"_id": "$channel"}},
        {"$limit": MAX_NAMES + 1},
    ]


def counts_pipeline(scope: Scope, now: datetime) -> list[Filter]:
    """Count the items of each channel in the scope's range, out of the index alone.

    Whether an item counts is asked in the sum and not in the match, where "none" can't
    be told from the index: a field that is not there is null in it.
    """
    is_there = {"$lte": ["$removed_at", None]}
    stays = {"$or": [{"$lte": ["$expire_at", None]}, {"$gt": ["$expire_at", now]}]}
    counted = {"$cond": [{"$and": [is_there, stays]}, 1, 0]}
    types = {} if scope.types is None else {"type": {"$in": sorted(scope.types)}}
    return [
        {"$match": {**_range(scope.channel), **types}},
        {"$group": {"_id": "$channel", "count": {"$sum": counted}}},
        {"$match": {"count": {"$gt": 0}}},
        {"$sort": {"_id": 1}},
    ]


def _range(channel: Channel) -> Filter:
    """Select an interval that has the channel's subtree, and a few that sound alike."""
    fixed = channel.fixed
    # "/" is what follows "." in the order of characters.
    return {"channel": {"$gte": fixed, "$lt": f"{fixed}/"} if fixed else {"$gte": ""}}


def _subtrees(scope: Scope, roots: Roots) -> Sequence[str]:
    if roots is not None:
        return roots
    return [scope.channel.fixed] if scope.channel.fixed else []


def _branches(scope: Scope, before: Order | None, roots: Roots) -> Filter:
    """Select the subtrees, their types and the page in a way that keeps the order.

    Every branch is one interval of the index, so that MongoDB merges them as they
    come and sorts nothing.
    """
    subtrees: list[Filter] = [{"lineage": path} for path in _subtrees(scope, roots)]
    types = sorted(scope.types) if scope.types is not None else None
    kinds: list[Filter] = [{}] if types is None else [{"type": {"$in": types}}]
    if subtrees and types:
        kinds = [{"type": item_type} for item_type in types]
    pages: list[Filter] = [{}]
    if before is not None:
        _, date, item_id = before
        pages = [{"date": date, "_id": {"$lt": item_id}}, {"date": {"$lt": date}}]
    branches = [
        {**subtree, **kind, **page}
        for subtree in subtrees or [{}]
        for kind in kinds
        for page in pages
    ]
    return branches[0] if len(branches) == 1 else {"$or": branches}


def _residual(scope: Scope, roots: Roots) -> Filter:
    """Select by ``channel``, which these indexes have not: checked on what is read.

    Deliberately not by ``lineage``, lest the planner take these for the interval.
    """
    pattern: Filter = {}
    if roots is None and scope.channel.is_pattern:
        pattern = {"channel": _below([scope.channel.path])}
    access = _visible("", True, dict(scope.access)) if scope.access else {}
    parts = [part for part in (pattern, access) if part]
    return {"$and": parts} if parts else {}


def _visible(path: str, shown: bool, table: dict[str, bool]) -> Filter:
    """Select what is visible of the subtree of ``path``, which the table decides."""
    nearest = [child for child in table if _decided_above(child, table) == path]
    if not nearest:
        return {} if shown else {"channel": {"$in": []}}
    options: list[Filter] = [
        {"$and": [{"channel": _below([child])}, _visible(child, table[child], table)]}
        for child in nearest
        if table[child] or _has_inside(child, table)
    ]
    if shown:
        options.append({"channel": {"$not": _below(nearest)}})
    return {"$or": options} if options else {"channel": {"$in": []}}


def _decided_above(path: str, table: dict[str, bool]) -> str:
    """Return the nearest channel above ``path`` that the table has, or ''."""
    return next((above for above in reversed(lineage(path)[:-1]) if above in table), "")


def _has_inside(path: str, table: dict[str, bool]) -> bool:
    return any(other.startswith(path + ".") for other in table)


def _below(paths: Iterable[str]) -> re.Pattern[str]:
    """Match the channels, which may be patterns, and all that is below them."""
    heads = "|".join(
        re.escape(path).replace(re.escape(STAR), r"[^.]+") for path in paths
    )
    return re.compile(rf"^(?:{heads})(?:\.|$)")
