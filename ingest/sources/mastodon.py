"""Posts of a Mastodon account, also of servers that speak the same API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from feedsvc.errors import BadJSON, SourceError
from feedsvc.schema import parse_json
from ingest import dates, identity, trim
from ingest.exchange import Request, Response
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

# The most that a server returns at once.
PAGE = 40

_ACCT = re.compile(r"@?[\w.-]{1,64}(@[\w.-]{1,255})?")
# A post's "uri", which its item is known by; a repost's ends in "activity".
_STATUS = re.compile(
    r"(?P<server>https?://[^/]+)/(?:ap/)?users/[^/]+/statuses/(?P<id>\d{1,30})(?:/activity)?"
)
_SHOWN_TO_ALL = ("public", "unlisted")
_MEDIA = {
    "image": "image/jpeg",
    "gifv": "video/mp4",
    "video": "video/mp4",
    "audio": "audio/mpeg",
}


def _acct(value: object) -> str:
    if not isinstance(value, str) or not _ACCT.fullmatch(value):
        raise ValueError("must be a name such as newsroom or newsroom@radio.example")
    return value.removeprefix("@")


def _account_id(value: object) -> str:
    if not isinstance(value, (str, int)) or not re.fullmatch(r"\w{1,64}", str(value)):
        raise ValueError("must be the account's id on the server")
    return str(value)


class MastodonSource(Source):
    """The account that ``acct`` or ``account_id`` names on the server at ``url``.

    Each run reads the newest page, which also shows edits, and if that does not
    reach back to the newest post of the last run, the pages between.
    """

    kind = "mastodon"
    options: ClassVar[Mapping[str, Option]] = {
        "acct": Option(_acct, "name of the account, looked up once"),
        "account_id": Option(_account_id, "id of the account, instead of acct"),
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        if bool(options["acct"]) == bool(options["account_id"]):
            return "acct", "is required, or account_id, but not both"
        return None

    def request(self, state: State) -> Request:
        account = self.given["account_id"] or state.get("account_id")
        base = f"{self.url.rstrip('/')}/api/v1/accounts"
        if not account:
            return Request(f"{base}/lookup?{urlencode({'acct': self.given['acct']})}")
        query: dict[str, Any] = {"limit": PAGE}
        if not self.given["replies"]:
            query["exclude_replies"] = "true"
        if not self.given["reposts"]:
            query["exclude_reblogs"] = "true"
        if state.get("fill_from"):
            query["min_id"] = state["fill_from"]
        return Request(f"{base}/{quote(account)}/statuses?{urlencode(query)}")

    def parse(self, response: Response, state: State) -> Batch:
        found = _json(response.body)
        if isinstance(found, dict) and "acct" in found and found.get("id"):
            return Batch(state={**state, "account_id": str(found["id"])}, more=True)
        if not isinstance(found, list):
            raise SourceError(f"not a list of posts: {_told(found)}")
        batch = _read(found, response.fetched_at)
        ids = [str(one["id"]) for one in found if isinstance(one, dict) and "id" in one]
        kept, more = self._next(ids, state)
        return Batch(batch.candidates, batch.faults, kept, more)

    def recheck(self, source_ids: Sequence[str], state: State) -> Sequence[Recheck]:
        """Ask for each post of this server by the id in its address.

        The ids that this server has for other servers' posts nobody kept.
        """
        base = self.url.rstrip("/")
        found = ((one, _STATUS.fullmatch(one)) for one in source_ids)
        return [
            Recheck(Request(f"{base}/api/v1/statuses/{match['id']}"), (source_id,))
            for source_id, match in found
            if match and match["server"].lower() == base.lower()
        ]

    def gone(self, asked: Recheck, response: Response) -> Set[str]:
        if response.status in (404, 410):
            return frozenset(asked.source_ids)
        post = _json(response.body)
        if not isinstance(post, dict) or "id" not in post:
            raise SourceError(f"not a post: {_told(post)}")
        is_shown = post.get("visibility", "public") in _SHOWN_TO_ALL
        return frozenset() if is_shown else frozenset(asked.source_ids)

    def _next(self, ids: list[str], state: State) -> tuple[dict[str, Any], bool]:
        """Return the state after a page with these ids, and whether a gap is left."""
        kept = {key: state[key] for key in ("account_id", "newest") if key in state}
        filling = state.get("fill_from")
        if filling:
            # A page after min_id holds the posts that follow it, newest first.
            if len(ids) < PAGE or ids[0] == filling:
                return kept, False
            return {**kept, "fill_from": ids[0]}, True
        known = state.get("newest")
        if ids:
            kept["newest"] = ids[0]
        if known and known not in ids and len(ids) >= PAGE:
            return {**kept, "fill_from": known}, True
        return kept, False


def _json(body: bytes) -> Any:
    try:
        return parse_json(body, "answer")
    except BadJSON as error:
        raise SourceError(f"not an answer of Mastodon's API: {error.rule}") from error


def _told(found: Any) -> str:
    error = found.get("error") if isinstance(found, dict) else None
    return one_line(str(error))[:200] if error else "something else"


def _read(statuses: list[Any], now: datetime) -> Batch:
    batch = Batch()
    for number, status in enumerate(statuses, start=1):
        if not isinstance(status, dict) or not isinstance(_original(status), dict):
            batch.faults.append(f"post {number}: is not an object")
        elif status.get("visibility", "public") in _SHOWN_TO_ALL:
            candidate = _candidate(status, now)
            if candidate is None:
                batch.faults.append(f"post {number}: has no id or nothing to show")
            else:
                batch.candidates.append(candidate)
    return batch


def _candidate(status: Mapping[str, Any], now: datetime) -> RawCandidate | None:
    post = _original(status)
    key = status.get("uri") or status.get("url") or status.get("id")
    raw = _text(status, "created_at")
    fields: dict[str, Any] = {
        "type": "post",
        "url": _text(post, "url") or _text(post, "uri"),
        "content_html": _text(post, "content"),
        # What the author wants read before the post is shown.
        "summary": _text(post, "spoiler_text"),
        "language": _text(post, "language"),
        "authors": [_author(post)],
        "attachments": list(_attachments(post)),
        "tags": [str(tag.get("name") or "") for tag in _dicts(post, "tags")],
        "sensitive": bool(post.get("sensitive")) or None,
        "external_url": _text(_dict(post, "card"), "url"),
        "repost_of": _text(post, "uri") if post is not status else None,
        **dates.published(dates.read_instant(raw), raw, now),
    }
    if post.get("edited_at"):
        fields["date_modified"] = dates.read_instant(post["edited_at"])
    fields = trim.fit(fields)
    if not key or not fields.keys() & SHOWN:
        return None
    return RawCandidate(
        source_id=identity.bounded(str(key)),
        fields=fields,
        artist=_name(status),
        account=_text(_account(status), "acct") or "",
        is_reply=_is_reply(status),
    )


def _is_reply(status: Mapping[str, Any]) -> bool:
    """True for an answer to somebody else; a thread of one's own is none."""
    if not status.get("in_reply_to_id"):
        return False
    return status.get("in_reply_to_account_id") != _account(status).get("id")


def _original(status: Mapping[str, Any]) -> Any:
    """Return the post itself, of a repost the one that is reposted."""
    return status.get("reblog") or status


def _author(post: Mapping[str, Any]) -> dict[str, Any]:
    account = _account(post)
    return {
        "name": _name(post),
        "url": account.get("url"),
        "avatar": account.get("avatar_static") or account.get("avatar"),
    }


def _name(post: Mapping[str, Any]) -> str:
    account = _account(post)
    return one_line(str(account.get("display_name") or account.get("acct") or ""))


def _account(post: Mapping[str, Any]) -> Mapping[str, Any]:
    return _dict(post, "account")


def _attachments(post: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for media in _dicts(post, "media_attachments"):
        meta = _dict(media, "meta")
        size = _dict(meta, "original")
        yield {
            "url": media.get("url") or media.get("remote_url"),
            "otherwise": _MEDIA.get(str(media.get("type"))),
            "alt": media.get("description"),
            "width": size.get("width"),
            "height": size.get("height"),
            "duration_in_seconds": size.get("duration") or meta.get("duration"),
        }


def _dict(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = mapping.get(name)
    return value if isinstance(value, dict) else {}


def _dicts(mapping: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = mapping.get(name)
    items = value if isinstance(value, list) else []
    return [one for one in items if isinstance(one, dict)]


def _text(mapping: Mapping[str, Any], name: str) -> str | None:
    value = mapping.get(name)
    return value if isinstance(value, str) else None
