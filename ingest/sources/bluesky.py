"""Posts of Bluesky: of an account, a list or a custom feed, without a key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from feedsvc.errors import SourceError
from ingest import dates, identity, trim
from ingest.exchange import Request, Response
from ingest.shape import mapping, text
from ingest.sources import bluesky_post as posts
from ingest.sources.answers import read_json
from ingest.sources.base import (
    SHOWN,
    Batch,
    Option,
    RawCandidate,
    Recheck,
    Source,
    State,
)
from ingest.text import one_line

# Posts of one page, and pages that a run reads to find where the last one began.
PAGE = 50
PAGES = 8
# The most posts that may be asked for by their ids at once.
LOOKUP = 25

# By the key that says what is read: the query, and the parameter that names it.
_QUERIES = {"actor": "getAuthorFeed", "list": "getListFeed", "feed": "getFeed"}
_DID = r"did:[a-z]+:[A-Za-z0-9._:%-]{1,256}"
_HANDLE = r"([A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}"
_POST = "app.bsky.feed.post"
# What follows a post's address in the key of its repost: who reposts it.
_REPOST = "#repost/"


def _like(pattern: str, example: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        bare = value.removeprefix("@") if isinstance(value, str) else ""
        if not re.fullmatch(pattern, bare):
            raise ValueError(f"must be such as {example}")
        return bare

    return read


class BlueskySource(Source):
    """What ``actor``, ``list`` or ``feed`` names, newest first.

    A run reads pages until it comes to what the last one has seen.
    """

    kind = "bluesky"
    home = "https://public.api.bsky.app"
    options: ClassVar[Mapping[str, Option]] = {
        "actor": Option(
            _like(f"{_DID}|{_HANDLE}", "radio.bsky.social or did:plc:…"),
            "handle or DID of the account",
        ),
        "list": Option(
            _like(rf"at://{_DID}/app\.bsky\.graph\.list/[\w.~:-]+", "at://did:plc:…"),
            "at-uri of a list, instead of actor",
        ),
        "feed": Option(
            _like(rf"at://{_DID}/app\.bsky\.feed\.generator/[\w.~:-]+", "at://did:…"),
            "at-uri of a custom feed, instead of actor",
        ),
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        if sum(bool(options[key]) for key in _QUERIES) != 1:
            return "actor", "is required, or list, or feed, and only one of them"
        return None

    def request(self, state: State) -> Request:
        key = next(key for key in _QUERIES if self.given[key])
        query = {key: self.given[key], "limit": PAGE}
        if key == "actor":
            threads = "posts_and_author_threads"
            query["filter"] = "posts_with_replies" if self.given["replies"] else threads
        if state.get("cursor"):
            query["cursor"] = state["cursor"]
        return self._query(_QUERIES[key], query)

    def parse(self, response: Response, state: State) -> Batch:
        found = read_json(response.body, "Bluesky")
        batch, removed, hidden = Batch(), [], 0
        for number, entry in enumerate(_entries(found), start=1):
            view = _view(entry)
            if _is_away(view):
                removed.append(_key(view, entry))
                hidden += posts.is_hidden(view)
                continue
            try:
                batch.candidates.append(_candidate(view, entry, response.fetched_at))
            except ValueError as error:
                batch.faults.append(f"post {number}: {error}")
        if hidden:
            batch.faults.append(f"{hidden} posts are not for everybody to see")
        kept, more = _next(found, state, batch.faults)
        return Batch(batch.candidates, batch.faults, kept, more, removed=removed)

    def recheck(self, source_ids: Sequence[str], state: State) -> Sequence[Recheck]:
        known = [one for one in source_ids if one.startswith("at://")]
        return [
            Recheck(self._query("getPosts", {"uris": _uris(asked)}), asked)
            for asked in (
                known[at : at + LOOKUP] for at in range(0, len(known), LOOKUP)
            )
        ]

    def gone(self, asked: Recheck, response: Response) -> Set[str]:
        """A post that is not in the answer was deleted, or its account is gone."""
        found = mapping(read_json(response.body, "Bluesky"))
        if response.status != 200 or not isinstance(found.get("posts"), list):
            raise SourceError("does not tell which posts there are")
        views = [mapping(one) for one in found["posts"]]
        there = {text(view.get("uri")) for view in views if not _is_away(view)}
        return {one for one in asked.source_ids if _uri(one) not in there}

    def _query(self, name: str, query: Mapping[str, Any]) -> Request:
        method = f"{self.url.rstrip('/')}/xrpc/app.bsky.feed.{name}"
        return Request(f"{method}?{urlencode(query, doseq=True)}")


def _entries(found: object) -> list[Any]:
    """Return the posts of any answer that holds posts."""
    answer = mapping(found)
    for name in ("feed", "posts", "records"):
        if isinstance(answer.get(name), list):
            return list(answer[name])
    alone = mapping(answer.get("thread")) or answer
    if "post" in alone or "uri" in alone:
        return [alone]
    if text(alone.get("$type")) == _POST:
        return [{"record": alone}]
    told = one_line(f"{text(answer.get('error'))} {text(answer.get('message'))}")
    raise SourceError(f"not a list of posts: {told[:200] or 'something else'}")


def _view(entry: object) -> Mapping[str, Any]:
    """Return the post of an entry; its record is under ``record``."""
    view = mapping(mapping(entry).get("post")) or mapping(entry)
    if "value" in view and "record" not in view:
        return {**view, "record": view["value"]}
    return view


def _is_away(view: Mapping[str, Any]) -> bool:
    """True if there is nothing to show any more, or not to everybody."""
    is_told = bool(view.get("notFound") or view.get("blocked"))
    return text(view.get("uri")).startswith("at://") and (
        is_told or posts.is_hidden(view)
    )


def _candidate(view: Mapping[str, Any], entry: object, now: datetime) -> RawCandidate:
    """Return the post; raise ``ValueError`` if there is none."""
    record = mapping(view.get("record"))
    if text(record.get("$type")) not in ("", _POST):
        raise ValueError("is no post but another record")
    author, reposter = mapping(view.get("author")), _reposter(entry)
    url = posts.web_url(view.get("uri"), posts.handle_of(author))
    fields = trim.fit(
        {
            "type": "post",
            "url": url,
            **posts.content(view, record),
            "language": next(iter(_langs(record)), None),
            "authors": [posts.author_of(author)],
            "sensitive": posts.is_sensitive(view, record) or None,
            "repost_of": url if reposter else None,
            "in_reply_to": posts.web_url(_parent(record, "parent")),
            **_dates(view, record, entry, now),
        }
    )
    if not fields.keys() & (SHOWN - {"url"}):
        raise ValueError("has nothing to show")
    return RawCandidate(
        source_id=_key(view, entry),
        fields=fields,
        artist=posts.name_of(reposter or author),
        account=posts.handle_of(reposter or author),
        is_reply=not reposter and _is_reply(view, record),
    )


def _key(view: Mapping[str, Any], entry: object) -> str:
    """Return the post's at-uri, of a repost with who reposts it.

    Not the repost's own: an answer need not tell it.  A record that stands alone is
    known by what it says.
    """
    record, did = mapping(view.get("record")), text(_reposter(entry).get("did"))
    said = identity.digest(text(record.get("text")), text(record.get("createdAt")))
    return identity.bounded(
        (text(view.get("uri")) or said) + (f"{_REPOST}{did}" if did else "")
    )


def _uri(source_id: str) -> str:
    return source_id.partition(_REPOST)[0]


def _uris(source_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(_uri, source_ids)))


def _reposter(entry: object) -> Mapping[str, Any]:
    """Return who reposts the entry's post, if anybody; a pinned post is itself."""
    return mapping(_reason(entry, "reasonRepost").get("by"))


def _reason(entry: object, kind: str) -> Mapping[str, Any]:
    reason = mapping(mapping(entry).get("reason"))
    return reason if text(reason.get("$type")).endswith(f"#{kind}") else {}


def _langs(record: Mapping[str, Any]) -> list[str]:
    langs = record.get("langs")
    return [text(one) for one in langs] if isinstance(langs, list) else []


def _parent(record: Mapping[str, Any], which: str) -> str:
    return text(mapping(mapping(record.get("reply")).get(which)).get("uri"))


def _is_reply(view: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """True in a thread of somebody else; one's own thread is no reply."""
    own = posts.did_of(view.get("uri"))
    others = (posts.did_of(_parent(record, which)) for which in ("parent", "root"))
    return any(did and did != own for did in others)


def _dates(
    view: Mapping[str, Any], record: Mapping[str, Any], entry: object, now: datetime
) -> dict[str, Any]:
    """Return the date: when it was written, or seen by the network if that is before.

    What an author's program says of the date need not be so.
    """
    raw = text(record.get("createdAt")) or None
    instants = [dates.read_instant(raw), dates.read_instant(view.get("indexedAt"))]
    reposted = dates.read_instant(_reason(entry, "reasonRepost").get("indexedAt"))
    at = reposted or min(filter(None, instants), default=None)
    return dates.published(at, raw, now)


def _next(found: object, state: State, faults: list[str]) -> tuple[State, bool]:
    """Return the state after a page, and whether the last run's end is not reached.

    Feeds are in the order in which the network saw their entries.
    """
    answer = mapping(found)
    entries = answer.get("feed")
    times = [
        at for at in map(_seen_at, entries if isinstance(entries, list) else []) if at
    ]
    newest = max([*times, *filter(None, [_at(state, "newest")])], default=None)
    kept = {"newest": newest.isoformat()} if newest else {}
    since = _at(state, "since") or _at(state, "newest")
    cursor, page = text(answer.get("cursor")), int(state.get("page", 1))
    if since is None or not cursor or not times or min(times) <= since:
        return kept, False
    if page >= PAGES:
        faults.append(f"more than {PAGES * PAGE} new posts: the oldest are left out")
        return kept, False
    later = {"since": since.isoformat(), "cursor": cursor, "page": page + 1}
    return {**kept, **later}, True


def _at(state: State, name: str) -> datetime | None:
    return dates.read_instant(state.get(name))


def _seen_at(entry: object) -> datetime | None:
    if _reason(entry, "reasonPin"):
        return None
    reposted = _reason(entry, "reasonRepost").get("indexedAt")
    return dates.read_instant(reposted or _view(entry).get("indexedAt"))
