"""Bluesky: recorded answers, paging, and what becomes of a post's parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feedsvc.errors import SourceError
from ingest.offers import Template
from ingest.sources.base import Batch, State
from ingest.sources.bluesky import LOOKUP, PAGES, BlueskySource
from tests.ingest.reading import parse, read, respond
from tests.ingest.realdata import cases

SOURCE = BlueskySource("sky", BlueskySource.home, actor="radio.example")
ADA = {"did": "did:plc:ada", "handle": "ada.example", "displayName": "Ada"}
BOB = {"did": "did:plc:bob", "handle": "bob.example", "displayName": "Bob"}
URI = "at://did:plc:ada/app.bsky.feed.post/1"
OTHER = "at://did:plc:bob/app.bsky.feed.post/9"
EXTERNAL = {"uri": "https://radio.example/", "title": "Radio", "description": ""}
PICTURE = {
    "fullsize": "https://cdn.example/1",
    "alt": "A guitar",
    "aspectRatio": {"width": 640, "height": 480},
}
QUOTED = {
    "$type": "app.bsky.embed.record#viewRecord",
    "uri": OTHER,
    "author": BOB,
    "value": {"text": "Bob's <words>"},
}

# How many posts each recorded payload holds, and how many of them cannot be told.
RECORDED = {
    "getAuthorFeed.json": (25, 0),
    "getPosts.json": (1, 0),
    "granary_comment_inreplyto_id.bsky.json": (1, 0),
    "granary_note.bsky.json": (1, 0),
    "granary_note_with_article_tag_indices.bsky.json": (1, 0),
    "granary_note_with_custom_feed.bsky.json": (1, 0),
    "granary_note_with_mention_linked_text.bsky.json": (1, 0),
    "granary_quote.bsky.json": (1, 0),
    "granary_quote_and_attachment.bsky.json": (1, 0),
    "granary_quote_with_image.bsky.json": (1, 0),
    "granary_repost.bsky.json": (1, 0),
    "py_custom_record.json": (0, 1),
    "py_extended_like_record.json": (0, 1),
    "py_post_record.json": (1, 0),
}


def entry(uri: str = URI, text: str = "Hello", **changed: Any) -> dict[str, Any]:
    """Return an entry of a feed; what is given stands in its post or its record."""
    of_record = ("createdAt", "facets", "langs", "reply", "tags", "$type")
    record = {"$type": "app.bsky.feed.post", "text": text}
    record |= {key: changed.pop(key) for key in of_record if key in changed}
    record.setdefault("createdAt", "2026-11-24T10:00:00.000Z")
    reason = changed.pop("reason", None)
    post = {
        "uri": uri,
        "cid": "c",
        "author": ADA,
        "record": record,
        "indexedAt": "2026-11-24T10:00:01.000Z",
        **changed,
    }
    return {"post": post, **({"reason": reason} if reason else {})}


def facet(text: str, words: str, **feature: Any) -> dict[str, Any]:
    start = len(text.partition(words)[0].encode())
    kind = next(iter(feature))
    name = (
        f"app.bsky.richtext.facet#{ {'uri': 'link', 'did': 'mention'}.get(kind, kind) }"
    )
    return {
        "index": {"byteStart": start, "byteEnd": start + len(words.encode())},
        "features": [{"$type": name.replace(" ", ""), **feature}],
    }


def feed(*entries: Any, cursor: str | None = None) -> str:
    return json.dumps({"feed": entries, "cursor": cursor})


def fields(one: dict[str, Any]) -> dict[str, Any]:
    (found,) = read(SOURCE, feed(one))
    return dict(found.body)


def query(state: State, source: BlueskySource = SOURCE) -> dict[str, list[str]]:
    return parse_qs(urlsplit(source.request(state).url).query)


@pytest.mark.parametrize("path", cases("bluesky/*.json"))
def test_recorded_answers_are_read(path: Path | None) -> None:
    """Of posts none is lost; profiles and follows are none."""
    if path is None:
        return
    if path.name not in RECORDED:
        with pytest.raises(SourceError, match="not a list of posts"):
            parse(SOURCE, path.read_bytes())
        return

    batch = parse(SOURCE, path.read_bytes())

    assert (len(batch.candidates), len(batch.faults)) == RECORDED[path.name]
    assert len(read(SOURCE, path.read_bytes())) == len(batch.candidates)


def test_links_mentions_and_tags_stand_where_their_bytes_are() -> None:
    """An emoji is four bytes and one character."""
    text = "🎸 new: radio.example/live with @bob on #stage <b>"
    facets = [
        facet(text, "#stage", tag="stage"),
        facet(text, "radio.example/live", uri="https://radio.example/live?a=1&b=2"),
        facet(text, "@bob", did="did:plc:bob"),
    ]

    found = fields(entry(text=text, facets=facets, tags=["extra", 5]))

    assert found["content_text"] == text
    assert 'href="https://radio.example/live?a=1&amp;b=2"' in found["content_html"]
    assert '<a href="https://bsky.app/profile/did:plc:bob"' in found["content_html"]
    assert "https://bsky.app/hashtag/stage" in found["content_html"]
    assert "&lt;b&gt;" in found["content_html"]
    assert found["tags"] == ["stage", "extra", "5"]
    assert found["external_url"] == "https://radio.example/live?a=1&b=2"


@pytest.mark.parametrize(
    "index",
    [
        {"byteStart": 1, "byteEnd": 3},
        {"byteStart": 0, "byteEnd": 99},
        {"byteStart": -2, "byteEnd": 3},
        {"byteStart": 3, "byteEnd": 3},
        {"byteStart": "0", "byteEnd": 4},
        {"byteStart": True, "byteEnd": 4},
        None,
    ],
)
def test_a_facet_out_of_place_is_left_out(index: Any) -> None:
    """The text is shown all the same."""
    one = facet("🎸 text", "text", uri="https://radio.example")

    found = fields(entry(text="🎸 text", facets=[{**one, "index": index}]))

    assert found["content_html"] == "<p>🎸 text</p>"


def test_of_facets_that_overlap_the_first_is_shown() -> None:
    """Links do not nest."""
    text = "one two"
    facets = [
        facet(text, "one two", uri="https://a.example"),
        facet(text, "two", uri="https://b.example"),
    ]

    found = fields(entry(text=text, facets=facets))

    assert found["content_html"].count("<a ") == 1
    assert found["content_text"] == text


@pytest.mark.parametrize(
    ("created", "indexed", "date"),
    [
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:05Z", "10:00:00"),
        ("2026-11-24T11:30:00Z", "2026-11-24T10:00:05Z", "10:00:05"),
        ("2026-11-24T10:00:00.123456789", None, "10:00:00"),
        ("", "2026-11-24T10:00:05Z", "10:00:05"),
        (5, "2026-11-24T10:00:05Z", "10:00:05"),
    ],
)
def test_the_date_is_the_earlier_of_the_two(
    created: object, indexed: object, date: str
) -> None:
    """Authors' programs may say what they like."""
    found = fields(entry(createdAt=created, indexedAt=indexed))

    assert f"{found['date_published']:%H:%M:%S}" == date


def test_a_repost_shows_the_original_and_is_an_item_of_its_own() -> None:
    """About who reposts, dated by when; a pinned post is the post itself."""
    reason = {
        "$type": "app.bsky.feed.defs#reasonRepost",
        "by": ADA,
        "indexedAt": "2026-11-24T11:00:00Z",
    }
    pin = {"$type": "app.bsky.feed.defs#reasonPin"}
    original = entry(OTHER, author=BOB)

    batch = parse(
        SOURCE, feed(original | {"reason": reason}, original | {"reason": pin})
    )

    repost, pinned = batch.candidates
    assert repost.source_id == f"{OTHER}#repost/did:plc:ada"
    assert repost.artist == "Ada"
    assert repost.fields["authors"][0]["name"] == "Bob"
    assert repost.fields["repost_of"] == "https://bsky.app/profile/bob.example/post/9"
    assert f"{repost.fields['date_published']:%H}" == "11"
    assert pinned.source_id == OTHER
    assert "repost_of" not in pinned.fields


def test_a_thread_of_ones_own_is_no_reply() -> None:
    """An answer in somebody else's thread is one, also to oneself."""
    own = {"root": {"uri": URI}, "parent": {"uri": URI}}
    other = {"root": {"uri": OTHER}, "parent": {"uri": URI}}

    batch = parse(SOURCE, feed(entry(reply=own), entry(reply=other), entry(reply=None)))

    assert [one.is_reply for one in batch.candidates] == [False, True, False]
    assert batch.candidates[0].fields["in_reply_to"].endswith("did:plc:ada/post/1")


def test_pictures_and_videos_are_attached() -> None:
    """With what they show, for those who cannot see them."""
    video = {
        "playlist": "https://v.example/p.m3u8",
        "thumbnail": "https://v.example/t",
        "alt": "Live",
    }

    pictures = fields(entry(embed={"images": [PICTURE]}))["attachments"]
    videos = fields(entry(embed=video))["attachments"]

    assert pictures == [
        {
            "url": "https://cdn.example/1",
            "mime_type": "image/jpeg",
            "alt": "A guitar",
            "width": 640,
            "height": 480,
        }
    ]
    assert [one["mime_type"] for one in videos] == [
        "application/vnd.apple.mpegurl",
        "image/jpeg",
    ]
    assert videos[0]["alt"] == "Live"


def test_pictures_of_a_bare_record_are_looked_up() -> None:
    """There the author's repository names their content only."""
    blob = {"$type": "blob", "ref": {"$link": "bafk"}, "mimeType": "image/png"}
    value = {
        "$type": "app.bsky.feed.post",
        "text": "",
        "embed": {"images": [{"image": blob}]},
    }

    (found,) = read(SOURCE, json.dumps({"records": [{"uri": URI, "value": value}]}))

    assert found.body["attachments"][0]["url"].endswith("/did:plc:ada/bafk@jpeg")


@pytest.mark.parametrize("with_media", [False, True])
def test_a_quoted_post_is_quoted(with_media: bool) -> None:
    """With its author, beside media or alone."""
    embed: dict[str, Any] = {"record": QUOTED}
    if with_media:
        embed = {"record": embed, "media": {"external": EXTERNAL}}

    found = fields(entry(embed=embed))

    assert "<blockquote>" in found["content_html"]
    assert "Bob's &lt;words&gt;" in found["content_html"]
    assert found["external_url"] == (
        EXTERNAL["uri"] if with_media else "https://bsky.app/profile/bob.example/post/9"
    )


@pytest.mark.parametrize(
    "away",
    [
        {"uri": OTHER, "notFound": True},
        {"uri": OTHER, "blocked": True, "author": {"did": "did:plc:bob"}},
        {"uri": OTHER, "detached": True},
        QUOTED | {"author": BOB | {"labels": [{"val": "!no-unauthenticated"}]}},
        QUOTED | {"labels": [{"val": "!hide"}]},
        None,
    ],
)
def test_a_quoted_post_that_is_away_is_not_quoted(away: Any) -> None:
    """Deleted, blocked, detached by its author, or not for everybody."""
    found = fields(entry(embed={"record": away}))

    assert found["content_html"] == "<p>Hello</p>"


def test_labels_make_a_post_sensitive() -> None:
    """The author's own and those of moderators, as long as they stand."""
    moderated = entry(labels=[{"val": "graphic-media"}])
    taken_back = entry(labels=[{"val": "porn"}, {"val": "porn", "neg": True}])
    own = entry()
    own["post"]["record"]["labels"] = {"values": [{"val": "nudity"}]}

    assert fields(moderated)["sensitive"] is True
    assert fields(own)["sensitive"] is True
    assert "sensitive" not in fields(taken_back)


def test_posts_that_are_away_are_removed() -> None:
    """And posts of those who show them to people with an account only."""
    shy = ADA | {"labels": [{"val": "!no-unauthenticated", "src": "did:plc:ada"}]}
    away = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": OTHER, "notFound": True}

    batch = parse(SOURCE, feed(entry(author=shy), {"post": away}, away))

    assert batch.candidates == []
    assert batch.removed == [URI, OTHER, OTHER]
    assert batch.faults == ["1 posts are not for everybody to see"]


def page(*minutes: int, cursor: str | None = "more") -> str:
    return feed(
        *(
            entry(f"{URI}{minute}", indexedAt=f"2026-11-24T10:{minute:02}:00Z")
            for minute in minutes
        ),
        cursor=cursor,
    )


def test_pages_are_read_back_to_what_the_last_run_saw() -> None:
    """Of a first run the newest page only."""
    first = parse(SOURCE, page(10, 9))
    newest = parse(SOURCE, page(30, 29), first.state)
    between = parse(SOURCE, page(20, 19), newest.state)
    last = parse(SOURCE, page(11, 10), between.state)

    assert [one.more for one in (first, newest, between, last)] == [
        *(False, True, True, False)
    ]
    assert query(newest.state)["cursor"] == ["more"]
    assert set(last.state) == {"newest"}
    assert str(last.state["newest"]).startswith("2026-11-24T10:30")


def test_pages_end_at_a_bound_which_is_told() -> None:
    """Whatever the server says."""
    batch = Batch(state={"newest": "2026-11-24T09:00:00Z"})
    for _ in range(PAGES):
        assert not batch.faults
        batch = parse(SOURCE, page(30), batch.state)

    assert not batch.more
    assert "left out" in batch.faults[0]
    assert set(batch.state) == {"newest"}


def test_a_pinned_post_is_not_the_end_of_a_page() -> None:
    """It is old and stands first."""
    pin = {"reason": {"$type": "app.bsky.feed.defs#reasonPin"}}
    state = {"newest": "2026-11-24T10:00:00Z"}
    pinned = entry(indexedAt="2020-01-01T00:00:00Z") | pin
    newer = entry(f"{URI}2", indexedAt="2026-11-24T11:00:00Z")

    assert parse(SOURCE, feed(pinned, newer, cursor="c"), state).more


def test_the_request_names_the_account_the_list_or_the_feed() -> None:
    """And asks for replies only if they are wanted."""
    listed = BlueskySource(
        "l", "https://x", list="at://did:plc:a/app.bsky.graph.list/1"
    )
    talk = BlueskySource("t", "https://x", actor="a.example", replies=True)

    assert query({})["actor"] == ["radio.example"]
    assert query({})["filter"] == ["posts_and_author_threads"]
    assert query({}, talk)["filter"] == ["posts_with_replies"]
    assert "getListFeed?list=at" in listed.request({}).url
    assert BlueskySource.check({"actor": None, "list": None, "feed": None})
    assert BlueskySource.check({"actor": "a.b", "list": "at://", "feed": None})


def test_posts_that_an_answer_leaves_out_are_gone() -> None:
    """Asked for by 25; a repost is gone with its post."""
    ids = [f"{URI}{number}" for number in range(LOOKUP + 1)]
    repost = f"{ids[0]}#repost/did:plc:bob"

    first, second = SOURCE.recheck([repost, *ids, "digest"], {})
    answer = json.dumps({"posts": [entry(uri)["post"] for uri in ids[1:]]})

    assert len(first.source_ids) == LOOKUP
    assert parse_qs(urlsplit(first.request.url).query)["uris"] == ids[:24]
    assert SOURCE.gone(first, respond(answer)) == {repost, ids[0]}
    assert SOURCE.gone(second, respond(answer)) == set()
    with pytest.raises(SourceError):
        SOURCE.gone(first, respond("{}"))


def test_the_schema_and_the_template_take_what_comes() -> None:
    """The language is the first of those that the author names."""
    batch = parse(SOURCE, feed(entry(langs=["en-GB", "de"])))

    assert batch.candidates[0].fields["language"] == "en-GB"
    channel = Template.parse("radio.{account_slug}").channel(batch.candidates[0])
    assert channel.path == "radio.ada-example"


@pytest.mark.parametrize(
    "answer", ["<html>", "[]", '{"error": "NotFound", "message": "gone"}', "5", "null"]
)
def test_an_answer_of_another_kind_is_an_error(answer: str) -> None:
    """With what the server tells."""
    with pytest.raises(SourceError):
        parse(SOURCE, answer)
