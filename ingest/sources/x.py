"""Posts of an account on X, through version 2 of its API, which is paid by the post."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from feedsvc.errors import SourceError
from ingest import dates, identity, trim
from ingest.exchange import Request, Response
from ingest.secret import Secret
from ingest.shape import mapping, mappings, text
from ingest.sources import x_post as posts
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
from ingest.sources.x_post import Included
from ingest.text import one_line

# The most posts of one page, and pages that a run reads.
PAGE = 100
PAGES = 8
# The most posts that may be asked for by their ids at once.
LOOKUP = 100

# Without these an answer holds ids and shortened texts.
FIELDS = {
    "tweet.fields": (
        "article,attachments,author_id,created_at,edit_history_tweet_ids,entities,"
        "in_reply_to_user_id,lang,note_tweet,possibly_sensitive,referenced_tweets,"
        "withheld"
    ),
    "expansions": (
        "attachments.media_keys,attachments.poll_ids,author_id,referenced_tweets.id,"
        "referenced_tweets.id.author_id"
    ),
    "media.fields": (
        "alt_text,duration_ms,height,media_key,preview_image_url,type,url,variants,width"
    ),
    "poll.fields": "options",
    "user.fields": "name,profile_image_url,protected,username,withheld",
}
# What it says of a post that was deleted, or whose account is closed or protected.
_GONE = ("resource-not-found", "not-authorized-for-resource")


def _username(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"@?\w{1,15}", value, re.ASCII):
        raise ValueError("must be a name of 1 to 15 letters, digits and '_'")
    return value.removeprefix("@")


def _user_id(value: object) -> str:
    if not isinstance(value, (str, int)) or not re.fullmatch("[0-9]{1,19}", str(value)):
        raise ValueError("must be the account's number")
    return str(value)


def _token(value: object) -> Secret:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,4096}", value):
        raise ValueError('must be a bearer token, as in token = "${X_TOKEN}"')
    return Secret(value)


def _history(value: object) -> int:
    if type(value) is not int or not 5 <= value <= PAGE:
        raise ValueError(f"must be a whole number from 5 to {PAGE}")
    return value


class XSource(Source):
    """The account that ``username`` or ``user_id`` names.

    The first run takes the newest ``history`` posts; each later one those that are
    newer than any before, since every post that is read is paid for.
    """

    kind = "x"
    home = "https://api.x.com"
    options: ClassVar[Mapping[str, Option]] = {
        "username": Option(_username, "name of the account, looked up once"),
        "user_id": Option(_user_id, "number of the account, instead of username"),
        "token": Option(_token, "the app's bearer token", required=True),
        "history": Option(_history, "posts that the first run takes, 5 to 100", 20),
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        if bool(options["username"]) == bool(options["user_id"]):
            return "username", "is required, or user_id, but not both"
        return None

    def request(self, state: State) -> Request:
        user = self.given["user_id"] or state.get("user_id")
        if not user:
            return self._get(f"users/by/username/{quote(self.given['username'])}", {})
        query: dict[str, Any] = {"max_results": self.given["history"], **FIELDS}
        left_out = {"replies": "replies", "reposts": "retweets"}
        exclude = [word for key, word in left_out.items() if not self.given[key]]
        if exclude:
            query["exclude"] = ",".join(exclude)
        since = state.get("since") or state.get("newest")
        if since:
            query |= {"max_results": PAGE, "since_id": since}
        if state.get("token"):
            query["pagination_token"] = state["token"]
        return self._get(f"users/{quote(user)}/tweets", query)

    def parse(self, response: Response, state: State) -> Batch:
        answer = mapping(read_json(response.body, "X"))
        found = answer.get("data")
        if isinstance(found, dict) and "username" in found:
            return Batch(state={**state, "user_id": text(found.get("id"))}, more=True)
        if answer.get("action") == "delete":
            return Batch(state=state, removed=[text(answer.get("id"))])
        if found is None and "result_count" not in mapping(answer.get("meta")):
            raise SourceError(f"not a list of posts: {_told(answer)}")
        batch, removed = Batch(), []
        included = Included.of(answer)
        for number, post in enumerate(_newest_versions(found), start=1):
            if posts.is_withheld(_original(post, included), included):
                removed.append(posts.key_of(post))
                continue
            candidate = _candidate(post, included, response.fetched_at)
            if candidate is None:
                batch.faults.append(f"post {number}: has no id or nothing to show")
            else:
                batch.candidates.append(candidate)
        batch.faults.extend(_errors(answer))
        kept, more = _next(answer, state, batch.faults)
        return Batch(batch.candidates, batch.faults, kept, more, removed=removed)

    def recheck(self, source_ids: Sequence[str], state: State) -> Sequence[Recheck]:
        known = [one for one in source_ids if one.isascii() and one.isdecimal()]
        fields = {key: FIELDS[key] for key in ("user.fields", "tweet.fields")}
        return [
            Recheck(
                self._get(
                    "tweets",
                    {"ids": ",".join(asked), "expansions": "author_id", **fields},
                ),
                asked,
            )
            for asked in (
                known[at : at + LOOKUP] for at in range(0, len(known), LOOKUP)
            )
        ]

    def gone(self, asked: Recheck, response: Response) -> Set[str]:
        """A post is gone if the answer says so; one that it leaves out is not."""
        answer = mapping(read_json(response.body, "X"))
        errors = mappings(answer.get("errors"))
        if response.status != 200 or not (mappings(answer.get("data")) or errors):
            raise SourceError("does not tell which posts there are")
        included = Included.of(answer)
        withheld = {
            text(post.get("id"))
            for post in mappings(answer.get("data"))
            if posts.is_withheld(post, included)
        }
        told = {
            text(error.get("resource_id")) or text(error.get("value"))
            for error in errors
            if text(error.get("type")).rpartition("/")[2] in _GONE
        }
        return (withheld | told) & set(asked.source_ids)

    def _get(self, path: str, query: Mapping[str, Any]) -> Request:
        url = f"{self.url.rstrip('/')}/2/{path}"
        return Request(
            f"{url}?{urlencode(query)}" if query else url,
            {"Authorization": Secret(f"Bearer {self.given['token']}")},
        )


def _newest_versions(found: object) -> list[Mapping[str, Any]]:
    """Return the posts; of one in several versions the last."""
    newest: dict[str, Mapping[str, Any]] = {}
    for number, post in enumerate(mappings(found)):
        key = posts.key_of(post) or f"#{number}"
        if key not in newest or _order(post) > _order(newest[key]):
            newest[key] = post
    return list(newest.values())


def _order(post: Mapping[str, Any]) -> tuple[int, str]:
    """Return what ids are sorted by: they are numbers, of any length."""
    post_id = text(post.get("id"))
    return len(post_id), post_id


def _original(post: Mapping[str, Any], included: Included) -> Mapping[str, Any]:
    """Return the post itself, of a repost the one that is reposted, if it came."""
    return included.posts.get(posts.referred(post, "retweeted"), post)


def _candidate(
    post: Mapping[str, Any], included: Included, now: datetime
) -> RawCandidate | None:
    original, key = _original(post, included), posts.key_of(post)
    author, parent = included.author(original), posts.referred(original, "replied_to")
    reposted = posts.referred(post, "retweeted")
    page = posts.page_of(text(original.get("id")), author)
    fields = trim.fit(
        {
            "type": "post",
            "url": page,
            **posts.content(original, included),
            "language": posts.language(original),
            "authors": [posts.author_of(author)],
            "sensitive": original.get("possibly_sensitive") is True or None,
            "repost_of": _page_of_id(reposted, included),
            "in_reply_to": _page_of_id(parent, included),
            **_dates(post, key, now),
        }
    )
    if not key or not fields.keys() & (SHOWN - {"url"}):
        return None
    return RawCandidate(
        source_id=identity.bounded(key),
        fields=fields,
        artist=posts.name_of(included.author(post)),
        account=text(included.author(post).get("username")),
        is_reply=_is_reply(post, included),
    )


def _page_of_id(post_id: str, included: Included) -> str | None:
    return posts.page_of(post_id, included.author(included.posts.get(post_id, {})))


def _is_reply(post: Mapping[str, Any], included: Included) -> bool:
    """True for an answer to somebody else; a thread of one's own is none."""
    parent = posts.referred(post, "replied_to")
    to = text(post.get("in_reply_to_user_id")) or text(
        included.posts.get(parent, {}).get("author_id")
    )
    return bool(parent or to) and (not to or to != text(post.get("author_id")))


def _dates(post: Mapping[str, Any], key: str, now: datetime) -> dict[str, Any]:
    """Return when the first version was written, and the last if that is another."""
    raw = text(post.get("created_at"))
    written = dates.read_instant(raw) or posts.time_of(text(post.get("id")))
    if key == text(post.get("id")):
        return dates.published(written, raw or None, now)
    first = posts.time_of(key)
    fields = dates.published(first or written, raw or None, now)
    return {**fields, "date_modified": written} if first else fields


def _next(
    answer: Mapping[str, Any], state: State, faults: list[str]
) -> tuple[State, bool]:
    """Return the state after a page, and whether the last run's end is not reached."""
    ids = [text(post.get("id")) for post in mappings(answer.get("data"))]
    ids += [
        text(state.get("newest")),
        text(mapping(answer.get("meta")).get("newest_id")),
    ]
    newest = max((one for one in ids if one.isdecimal()), key=int, default="")
    kept = {key: state[key] for key in ("user_id",) if key in state}
    if newest:
        kept["newest"] = newest
    since = state.get("since") or state.get("newest")
    token, page = (
        text(mapping(answer.get("meta")).get("next_token")),
        state.get("page", 1),
    )
    if not since or not token:
        return kept, False
    if page >= PAGES:
        faults.append(f"more than {PAGES * PAGE} new posts: the oldest are left out")
        return kept, False
    return {**kept, "since": since, "token": token, "page": page + 1}, True


def _errors(answer: Mapping[str, Any]) -> list[str]:
    """Return what an answer tells of what it could not include."""
    told = (
        text(one.get("detail")) or text(one.get("title"))
        for one in mappings(answer.get("errors"))
    )
    return [one_line(one)[:200] for one in told if one]


def _told(answer: Mapping[str, Any]) -> str:
    told = [*_errors(answer), *_errors({"errors": answer})]
    return "; ".join(told[:3]) or "something else"
