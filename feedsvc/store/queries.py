"""Scopes as filters of MongoDB, and the indexes that answer them.

A backlog is one walk along an index that already has the order wanted: a subtree is
one key of the multikey ``lineage``, and so costs the same at every level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from feedsvc.core.access import Scope
from feedsvc.core.channel import STAR, lineage

Filter = dict[str, Any]
Page = tuple[datetime, str]

ITEMS = "items"

# The most that one query may cost the server.
QUERY_MS = 5_000

ORDER = [("date", DESCENDING), ("_id", DESCENDING)]

INDEXES = [
    # The backlog of a subtree.
    IndexModel([("lineage", ASCENDING), *ORDER], name="subtree"),
    # The same of some types: 20 articles among many thousand tracks.
    IndexModel(
        [("lineage", ASCENDING), ("type", ASCENDING), *ORDER], name="subtree_types"
    ),
    # The backlog of patterns without a fixed first segment, for who reads all.
    IndexModel(ORDER, name="everything"),
    # MongoDB deletes what is past its time by itself.
    IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    # Ingest finds the items of a source again, also under an id that changed.
    IndexModel(
        [("source", ASCENDING), ("alt_id", ASCENDING)],
        name="source",
        partialFilterExpression={"alt_id": {"$exists": True}},
    ),
]


def index_of(scope: Scope) -> str:
    """Return the name of the index that has the scope's backlog in order.

    It is given as a hint, since a plan that is right for one channel and was cached
    would be used for the next one, where it may be a scan of everything.
    """
    if not scope.channel.fixed:
        return "everything"
    return "subtree" if scope.types is None else "subtree_types"


def backlog_command(
    scope: Scope, limit: int, now: datetime, before: Page | None = None
) -> Filter:
    """Return the command that reads a backlog: the newest, or a page of older ones."""
    return {
        "find": ITEMS,
        "filter": backlog_filter(scope, now, before),
        "sort": dict(ORDER),
        "hint": index_of(scope),
        "limit": limit,
        "batchSize": limit,
        "maxTimeMS": QUERY_MS,
    }


def backlog_filter(scope: Scope, now: datetime, before: Page | None = None) -> Filter:
    """Select what the scope sees, without removed and expired, below ``before``."""
    return {
        **_branches(scope, before),
        **_residual(scope),
        "removed_at": None,
        "expire_at": {"$not": {"$lte": now}},
    }


def scope_filter(scope: Scope) -> Filter:
    """Select all that the scope sees, tombstones too."""
    return {**_branches(scope, None), **_residual(scope)}


def _branches(scope: Scope, before: Page | None) -> Filter:
    """Select the subtree, its types and the page in a way that keeps the order.

    Every branch is one interval of the index, so that MongoDB merges them as they
    come and sorts nothing.
    """
    subtree: Filter = {"lineage": scope.channel.fixed} if scope.channel.fixed else {}
    types = sorted(scope.types) if scope.types is not None else None
    if types is None:
        kinds = [subtree]
    elif subtree and types:
        kinds = [{**subtree, "type": item_type} for item_type in types]
    else:
        kinds = [{**subtree, "type": {"$in": types}}]
    pages: list[Filter] = [{}]
    if before is not None:
        date, item_id = before
        pages = [{"date": date, "_id": {"$lt": item_id}}, {"date": {"$lt": date}}]
    branches = [{**kind, **page} for kind in kinds for page in pages]
    return branches[0] if len(branches) == 1 else {"$or": branches}


def _residual(scope: Scope) -> Filter:
    """Select by ``channel``, which no index has: checked on each document read.

    Deliberately not by ``lineage``, lest the planner take these for the interval.
    """
    parts: list[Filter] = []
    if scope.channel.is_pattern:
        parts.append({"channel": _below([scope.channel.path])})
    if scope.access:
        parts.append(_visible("", True, dict(scope.access)))
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
