"""Mastodon: recorded answers, paging, and what becomes of a post's parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feedsvc.errors import SourceError
from ingest.sources.base import State
from ingest.sources.mastodon import PAGE, MastodonSource
from tests.ingest.reading import parse, read
from tests.ingest.realdata import cases

SOURCE = MastodonSource("posts", "https://social.example/", acct="radio")

ACCOUNT = {"id": "7", "acct": "radio", "display_name": "Radio"}


def post(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": f"https://social.example/posts/{number}",
        "url": f"https://social.example/@radio/{number}",
        "created_at": "2026-11-24T10:00:00.000Z",
        "content": f"<p>post {number}</p>",
        "account": ACCOUNT,
        **changed,
    }


def query(state: State) -> dict[str, list[str]]:
    return parse_qs(urlsplit(SOURCE.request(state).url).query)


@pytest.mark.parametrize(
    "path", cases("mastodon/*.json", without=(".response.", "context", "status_edit."))
)
def test_recorded_posts_are_read(path: Path | None) -> None:
    """Of public posts none is lost; an answer that is an error is told."""
    if path is None:
        return
    found = json.loads(path.read_bytes())
    if path.name == "status_missing.0.json":
        with pytest.raises(SourceError, match="Not Found"):
            parse(SOURCE, path.read_bytes())
        return
    posts = found if isinstance(found, list) else [found]
    # The history of a post lists versions without an id.
    told = sum("id" not in one for one in posts)

    batch = parse(SOURCE, json.dumps(posts))

    assert len(batch.candidates) == len(posts) - told
    assert len(batch.faults) == told
    assert len(read(SOURCE, json.dumps(posts))) == len(batch.candidates)


def test_an_edited_post_is_the_same_item_with_another_content() -> None:
    """Known by its uri; the date stays, the date of the edit is told."""
    edit = post(1, content="<p>new</p>", edited_at="2026-11-24T11:00:00.000Z")

    (before,) = read(SOURCE, json.dumps([post(1)]))
    (after,) = read(SOURCE, json.dumps([edit]))

    assert before.id == after.id
    assert before.content_hash != after.content_hash
    assert before.body["date_published"] == after.body["date_published"]


def test_the_account_is_looked_up_first() -> None:
    """And its id is kept for all later runs."""
    assert query({})["acct"] == ["radio"]

    batch = parse(SOURCE, json.dumps(ACCOUNT))

    assert batch.more
    assert batch.state["account_id"] == "7"
    assert "/accounts/7/statuses?" in SOURCE.request(batch.state).url


def test_a_gap_since_the_last_run_is_filled_page_by_page() -> None:
    """Upwards from the newest known post, until a page is not full."""
    state: State = {"account_id": "7", "newest": "10"}
    newest = [post(n) for n in range(200, 200 - PAGE, -1)]
    between = [post(n) for n in range(10 + PAGE, 10, -1)]

    first = parse(SOURCE, json.dumps(newest), state)
    second = parse(SOURCE, json.dumps(between), first.state)
    third = parse(SOURCE, json.dumps(between[:5]), second.state)

    assert query(first.state)["min_id"] == ["10"]
    assert query(second.state)["min_id"] == [str(10 + PAGE)]
    assert [first.more, second.more, third.more] == [True, True, False]
    assert third.state == {"account_id": "7", "newest": "200"}


def test_without_a_gap_one_page_is_enough() -> None:
    """The newest known post is on it."""
    state: State = {"account_id": "7", "newest": "10"}
    page = [post(n) for n in range(10 + PAGE - 1, 9, -1)]

    batch = parse(SOURCE, json.dumps(page), state)

    assert not batch.more


def test_a_repost_shows_the_original_and_says_so() -> None:
    """Its author is the original's; it is about the account that reposts."""
    original = post(1, account={"id": "9", "acct": "ada", "display_name": "Ada"})
    repost = post(2, reblog=original, content="")

    batch = parse(SOURCE, json.dumps([repost]))

    fields = batch.candidates[0].fields
    assert fields["content_html"] == "<p>post 1</p>"
    assert fields["authors"][0]["name"] == "Ada"
    assert fields["repost_of"] == original["uri"]
    assert batch.candidates[0].source_id == repost["uri"]
    assert batch.candidates[0].artist == "Radio"
    assert batch.candidates[0].account == "radio"


def test_a_content_warning_becomes_the_summary() -> None:
    """With the mark that a page may hide the content behind."""
    (found,) = read(
        SOURCE, json.dumps([post(1, spoiler_text="Spoilers!", sensitive=True)])
    )

    assert found.body["summary"] == "Spoilers!"
    assert found.body["sensitive"] is True


def test_media_keep_their_descriptions() -> None:
    """For those who cannot see them."""
    media = {
        "type": "image",
        "url": "https://social.example/media/1",
        "description": "A guitar",
        "meta": {"original": {"width": 640, "height": 480}},
    }

    (found,) = read(SOURCE, json.dumps([post(1, media_attachments=[media])]))

    assert found.body["attachments"] == [
        {
            "url": "https://social.example/media/1",
            "mime_type": "image/jpeg",
            "alt": "A guitar",
            "width": 640,
            "height": 480,
        }
    ]


def test_posts_for_followers_only_are_not_taken() -> None:
    """A token may show them to us; they are not ours to spread."""
    batch = parse(SOURCE, json.dumps([post(1, visibility="private")]))

    assert not batch.candidates
    assert not batch.faults


@pytest.mark.parametrize(
    "broken",
    [
        {"account": None},
        {"tags": "x", "media_attachments": 1},
        {"tags": 1.5, "media_attachments": {"a": 1}},
        {"media_attachments": [{"url": 5, "meta": [1]}, 7]},
        {"card": "x", "created_at": 12, "content": "<p>ok</p>"},
        {"reblog": None, "language": 5, "spoiler_text": None},
    ],
)
def test_a_part_of_another_shape_does_not_lose_the_post(broken: dict[str, Any]) -> None:
    """Other servers speak this API too, each in its own accent."""
    assert len(read(SOURCE, json.dumps([post(1, **broken)]))) == 1


@pytest.mark.parametrize("answer", ["<html>", '"x"', "[1, null]", '{"error": "gone"}'])
def test_an_answer_of_another_kind_is_an_error_or_a_fault(answer: str) -> None:
    """Never a crash."""
    try:
        batch = parse(SOURCE, answer)
    except SourceError:
        return
    assert len(batch.faults) == 2
