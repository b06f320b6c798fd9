"""One post of X as the fields of an item.

An answer holds posts, and beside them the users, media and other posts that they
refer to by their ids.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.richtext import markup, quote
from ingest.shape import mapping, mappings, number, text
from ingest.text import one_line

WEB = "https://x.com"

# Ids before this one, of November 2010, hold no time; the epoch is the site's own.
_FIRST_TIMED = 29_700_859_247
_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)

_SHORT = re.compile(r"https?://t\.co/\w+")
_TOKEN = re.compile(r"https?://t\.co/\w+|(?<![\w@#])[@#＠＃]\w{1,140}")
_STATUS = re.compile(
    r"https?://(?:mobile\.)?(?:twitter|x)\.com/(?:\w+|i/web)/status(?:es)?/(\d+)"
    r"(?P<media>/(?:photo|video)/\d+)?/?(?:\?.*)?"
)
# What the site says where it knows no language: undetermined, emoji, a link alone, …
_NO_LANGUAGE = frozenset({"und", "zxx", *(f"q{c}{d}" for c in "hmsc" for d in "ctet")})


@dataclass(frozen=True, slots=True)
class Included:
    """What posts of an answer refer to, by its id."""

    users: Mapping[str, Mapping[str, Any]]
    posts: Mapping[str, Mapping[str, Any]]
    media: Mapping[str, Mapping[str, Any]]
    polls: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Included:
        found = mapping(answer.get("includes"))

        def by(key: str, name: str) -> Mapping[str, Mapping[str, Any]]:
            return {text(one.get(key)): one for one in mappings(found.get(name))}

        return cls(
            users=by("id", "users"),
            posts=by("id", "tweets"),
            media=by("media_key", "media"),
            polls=by("id", "polls"),
        )

    def author(self, post: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.users.get(text(post.get("author_id")), {})


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a post: as it is shown, where it leads, and as plain text."""

    shown: str
    link: str | None = None
    plain: str | None = None


def key_of(post: Mapping[str, Any]) -> str:
    """Return the id of the first version: an edit gives a post another one."""
    history = post.get("edit_history_tweet_ids")
    first = text(history[0]) if isinstance(history, list) and history else ""
    return first or text(post.get("id"))


def time_of(post_id: str) -> datetime | None:
    """Return the second when a post of that id was written, as the id itself tells."""
    if not re.fullmatch(r"[0-9]{11,19}", post_id) or int(post_id) < _FIRST_TIMED:
        return None
    at = _EPOCH + timedelta(milliseconds=int(post_id) >> 22)
    return at.replace(microsecond=0)


def referred(post: Mapping[str, Any], how: str) -> str:
    """Return the id of the post that is ``retweeted``, ``quoted``, ``replied_to``."""
    for one in mappings(post.get("referenced_tweets")):
        if one.get("type") == how:
            return text(one.get("id"))
    return ""


def page_of(post_id: str, author: Mapping[str, Any]) -> str | None:
    name = text(author.get("username")) or "i/web"
    return f"{WEB}/{name}/status/{post_id}" if post_id else None


def name_of(user: Mapping[str, Any]) -> str:
    return one_line(text(user.get("name")) or text(user.get("username")))


def author_of(user: Mapping[str, Any]) -> dict[str, Any]:
    name = text(user.get("username"))
    return {
        "name": name_of(user),
        "url": f"{WEB}/{name}" if name else None,
        "avatar": user.get("profile_image_url"),
    }


def is_withheld(post: Mapping[str, Any], included: Included) -> bool:
    """True if it may not be shown to everybody, everywhere."""
    author = included.author(post)
    is_protected = author.get("protected") is True
    return bool(is_protected or post.get("withheld") or author.get("withheld"))


def language(post: Mapping[str, Any]) -> str | None:
    tag = text(post.get("lang"))
    return None if tag in _NO_LANGUAGE else tag


def content(post: Mapping[str, Any], included: Included) -> dict[str, Any]:
    """Return the fields that hold what the post says and shows."""
    quoted = included.posts.get(referred(post, "quoted"), {})
    is_shown = bool(quoted) and not is_withheld(quoted, included)
    pieces = list(_pieces(post, hidden=referred(post, "quoted") if is_shown else ""))
    options = [one_line(label) for label in _options(post, included)]
    links = [link for link in map(_target, _urls(post)) if not _STATUS.match(link)]
    plain = "".join(one.shown if one.plain is None else one.plain for one in pieces)
    words = markup((one.shown, one.link) for one in pieces)
    listed = "".join(f"<li>{html.escape(option)}</li>" for option in options)
    fields = {
        "content_text": "\n".join([plain.strip(), *(f"- {one}" for one in options)]),
        "content_html": words + (f"<ul>{listed}</ul>" if listed else ""),
        "title": text(mapping(post.get("article")).get("title")),
        "tags": [text(tag.get("tag")) for tag in _entities(post, "hashtags")],
        "external_url": next(iter(links), None),
        "attachments": list(_attachments(post, included)),
    }
    return _with_quote(fields, quoted, included) if is_shown else fields


def _with_quote(
    fields: Mapping[str, Any], quoted: Mapping[str, Any], included: Included
) -> dict[str, Any]:
    author = included.author(quoted)
    pieces = list(_pieces(quoted))
    words = markup((one.shown, one.link) for one in pieces)
    plain = "".join(one.shown if one.plain is None else one.plain for one in pieces)
    page = page_of(text(quoted.get("id")), author)
    return {
        **fields,
        "content_html": fields["content_html"] + quote(name_of(author), page, words),
        "content_text": f"{fields['content_text']}\n\n“{plain.strip()}”",
        "external_url": fields["external_url"] or page,
    }


def _pieces(post: Mapping[str, Any], hidden: str = "") -> Iterator[_Piece]:
    """Yield the text piece by piece, without links to itself and to ``hidden``.

    Links are found by what they are: the places that entities name do not count
    what is escaped, and those of a long post are others.
    """
    body = html.unescape(_body(post))
    urls = {text(one.get("url")): one for one in _urls(post)}
    names = {text(one.get("username")).lower() for one in _entities(post, "mentions")}
    tags = {text(one.get("tag")).lower() for one in _entities(post, "hashtags")}
    own = {text(post.get("id")), key_of(post), hidden}
    done = 0
    for found in _TOKEN.finditer(body):
        yield _Piece(body[done : found.start()])
        done = found.end()
        token, bare = found[0], found[0][1:]
        if _SHORT.match(token):
            yield _link(token, urls.get(token, {}), own)
        elif token[0] in "@＠" and bare.lower() in names:
            yield _Piece(token, f"{WEB}/{bare}")
        elif token[0] in "#＃" and bare.lower() in tags:
            yield _Piece(token, f"{WEB}/hashtag/{bare}")
        else:
            yield _Piece(token)
    yield _Piece(body[done:])


def _link(token: str, entity: Mapping[str, Any], own: set[str]) -> _Piece:
    """Return the link that a short one stands for; nothing for attached media."""
    target = _target(entity)
    status = _STATUS.fullmatch(text(entity.get("expanded_url")))
    if entity.get("media_key") or (status and (status["media"] or status[1] in own)):
        return _Piece("")
    if not target.startswith(("http://", "https://")):
        return _Piece(token, token)
    return _Piece(text(entity.get("display_url")) or target, target, target)


def _target(entity: Mapping[str, Any]) -> str:
    return text(entity.get("unwound_url")) or text(entity.get("expanded_url"))


def _body(post: Mapping[str, Any]) -> str:
    """Return the whole text: of a long post ``text`` is the beginning only."""
    note = mapping(post.get("note_tweet")).get("text")
    body = note if isinstance(note, str) and note.strip() else post.get("text")
    return body if isinstance(body, str) else ""


def _urls(post: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _entities(post, "urls")


def _entities(post: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    note = mapping(mapping(post.get("note_tweet")).get("entities"))
    own = mapping(post.get("entities"))
    return [*mappings(note.get(name)), *mappings(own.get(name))]


def _options(post: Mapping[str, Any], included: Included) -> Iterator[str]:
    for key in _keys(post, "poll_ids"):
        for option in mappings(included.polls.get(key, {}).get("options")):
            yield text(option.get("label"))


def _keys(post: Mapping[str, Any], name: str) -> list[str]:
    keys = mapping(post.get("attachments")).get(name)
    return [text(one) for one in keys] if isinstance(keys, list) else []


def _attachments(
    post: Mapping[str, Any], included: Included
) -> Iterator[dict[str, Any]]:
    for key in _keys(post, "media_keys"):
        media = included.media.get(key, {})
        still = media.get("url") or media.get("preview_image_url")
        film = _best(mappings(media.get("variants")))
        shared = {
            "alt": media.get("alt_text"),
            "width": media.get("width"),
            "height": media.get("height"),
        }
        if film:
            yield {
                "url": film.get("url"),
                "mime_type": film.get("content_type"),
                "otherwise": "video/mp4",
                "duration_in_seconds": (number(media.get("duration_ms")) or 0) / 1_000,
                **shared,
            }
        yield {"url": still, "otherwise": "image/jpeg", **shared}


def _best(variants: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return the finest film that any browser plays, else any."""
    ranked = (
        (one.get("content_type") == "video/mp4", number(one.get("bit_rate")) or 0, at)
        for at, one in enumerate(variants)
    )
    return variants[max(ranked)[2]] if variants else {}
