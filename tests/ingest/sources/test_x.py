"""X: recorded answers, paging, removals, and what becomes of a post's parts."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feedsvc.errors import SourceError
from ingest.sources.base import Batch, State
from ingest.sources.x import PAGES, XSource
from ingest.sources.x_post import time_of
from tests.ingest.reading import parse, read, respond
from tests.ingest.realdata import cases

TOKEN = XSource.options["token"].read("secret-token")
SOURCE = XSource("x", XSource.home, username="radio", token=TOKEN)
ADA = {"id": "7", "username": "ada", "name": "Ada", "profile_image_url": "https://i/a"}
BOB = {"id": "8", "username": "bob", "name": "Bob"}
ID = "1576994746135764992"
EDIT = "1576994789110992896"

# How many posts each recorded answer holds.
RECORDED = {
    "get_list_tweets.0.json": 97,
    "get_tweet.0.json": 1,
    "get_tweets.0.json": 2,
    "get_users_tweets.0.json": 2,
    "search_recent_tweets.0.json": 10,
    "twarc_edited.json": 1,
    "twarc_edited_before.json": 1,
    "twarc_media_tweet.json": 1,
    "twarc_two_tweets.json": 1,
    "tweet_example_v2.json": 1,
    "user_timeline_example_v2.json": 10,
}


def post(post_id: str = ID, text: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {
        "id": post_id,
        "edit_history_tweet_ids": [post_id],
        "text": text,
        "author_id": "7",
        "created_at": "2022-10-03T17:57:01.000Z",
        **fields,
    }


def answer(*posts: Any, meta: Any = None, **more: Any) -> str:
    includes = {"users": [ADA, BOB], **more.pop("includes", {})}
    meta = {"result_count": len(posts), **(meta or {})}
    return json.dumps({"data": posts, "includes": includes, "meta": meta, **more})


def fields(one: dict[str, Any], **includes: Any) -> dict[str, Any]:
    (found,) = read(SOURCE, answer(one, includes=includes))
    return dict(found.body)


def query(state: State, source: XSource = SOURCE) -> dict[str, list[str]]:
    return parse_qs(urlsplit(source.request(state).url).query)


@pytest.mark.parametrize("path", cases("x/*.json", without=(".response.",)))
def test_recorded_answers_are_read(path: Path | None) -> None:
    """Of posts none is lost; a line of a compliance job removes one."""
    if path is None:
        return

    batch = parse(SOURCE, path.read_bytes())

    assert batch.faults == []
    assert len(batch.candidates) == RECORDED.get(path.name, 0)
    assert len(read(SOURCE, path.read_bytes())) == len(batch.candidates)
    assert batch.removed == (
        ["1170025343920402432"] if path.name == "twarc_compliance_0.json" else []
    )


@pytest.mark.parametrize("path", cases("x/twarc_edited*.json"))
def test_recorded_versions_of_an_edited_post_are_one(path: Path | None) -> None:
    """Known by the first one's id, and dated by when that was written."""
    if path is None:
        return

    (found,) = read(SOURCE, path.read_bytes())

    assert found.source_id == ID
    assert f"{found.date:%FT%T.%f}" == "2022-10-03T17:57:01.000000"
    assert "t.co" not in found.body["content_html"]
    assert ("date_modified" in found.body) == (path.name == "twarc_edited.json")


def test_short_links_become_what_they_stand_for() -> None:
    """The page behind all redirects; media and the post itself need no link."""
    urls = [
        {
            "url": "https://t.co/aaa",
            "expanded_url": "https://bit.ly/1",
            "unwound_url": "https://radio.example/live?a=1&b=2",
            "display_url": "bit.ly/1",
        },
        {
            "url": "https://t.co/bbb",
            "expanded_url": f"https://twitter.com/ada/status/{ID}/photo/1",
        },
        {"url": "https://t.co/ccc", "expanded_url": f"https://x.com/i/web/status/{ID}"},
        {"url": "https://t.co/ddd", "expanded_url": "https://x", "media_key": "3_1"},
    ]
    text = "Live: https://t.co/aaa &lt;now&gt; https://t.co/bbb https://t.co/ccc"

    found = fields(post(text=f"{text} https://t.co/ddd", entities={"urls": urls}))

    assert found["content_text"] == "Live: https://radio.example/live?a=1&b=2 <now>"
    assert found["external_url"] == "https://radio.example/live?a=1&b=2"
    assert ">bit.ly/1</a> &lt;now&gt;" in found["content_html"]
    assert "t.co" not in json.dumps(found, default=str)


def test_names_and_tags_that_entities_name_are_linked() -> None:
    """Others that look like them are text."""
    entities = {
        "mentions": [{"username": "Bob"}],
        "hashtags": [{"tag": "Größe"}],
    }

    found = fields(post(text="@bob @eve #Größe #2 a@bob &#39;", entities=entities))

    assert found["content_html"].count("<a ") == 2
    assert found["content_text"] == "@bob @eve #Größe #2 a@bob '"
    assert found["tags"] == ["Größe"]


def test_a_long_post_is_read_to_its_end() -> None:
    """With the entities that its whole text has."""
    url = {"url": "https://t.co/aaa", "expanded_url": "https://radio.example/"}
    note = {"text": "Long text https://t.co/aaa", "entities": {"urls": [url]}}

    found = fields(post(text="Long te…", note_tweet=note))

    assert found["content_text"] == "Long text https://radio.example/"


def test_a_repost_shows_the_original_whole() -> None:
    """And is an item of its own, about who reposts; its text is cut off."""
    original = post("5", "The whole text", author_id="8")
    repost = post(
        text="RT @bob: The wh…", referenced_tweets=[{"type": "retweeted", "id": "5"}]
    )

    (found,) = parse(SOURCE, answer(repost, includes={"tweets": [original]})).candidates

    assert found.source_id == ID
    assert (found.artist, found.account) == ("Ada", "ada")
    assert found.fields["authors"][0]["name"] == "Bob"
    assert found.fields["content_text"] == "The whole text"
    assert found.fields["repost_of"] == "https://x.com/bob/status/5"


def test_a_repost_whose_original_did_not_come_is_still_one() -> None:
    """It is shown as far as it goes."""
    found = fields(
        post(
            text="RT @bob: The wh…", referenced_tweets=[{"type": "retweeted", "id": 5}]
        )
    )

    assert found["repost_of"] == "https://x.com/i/web/status/5"
    assert found["content_text"] == "RT @bob: The wh…"


def test_a_quoted_post_is_quoted_instead_of_linked() -> None:
    """If it may be shown; otherwise its link stays."""
    url = {"url": "https://t.co/q", "expanded_url": "https://twitter.com/bob/status/5"}
    one = post(
        text="Look https://t.co/q",
        entities={"urls": [url]},
        referenced_tweets=[{"type": "quoted", "id": "5"}],
    )
    quoted = post("5", "Bob's words", author_id="8")

    shown = fields(one, tweets=[quoted])
    withheld = fields(one, tweets=[quoted | {"withheld": {"country_codes": ["XX"]}}])

    assert "<blockquote>" in shown["content_html"]
    assert shown["content_text"] == "Look\n\n“Bob's words”"
    assert shown["external_url"] == "https://x.com/bob/status/5"
    assert withheld["content_text"] == "Look https://twitter.com/bob/status/5"


def test_a_thread_of_ones_own_is_no_reply() -> None:
    """Whether the parent came along or not."""
    parent = [{"type": "replied_to", "id": "5"}]
    own = post("11", referenced_tweets=parent, in_reply_to_user_id="7")
    other = post("12", referenced_tweets=parent, in_reply_to_user_id="8")
    unknown = post("13", referenced_tweets=parent)

    found = parse(SOURCE, answer(own, other, unknown, post("14"))).candidates

    assert [one.is_reply for one in found] == [False, True, True, False]
    assert found[0].fields["in_reply_to"] == "https://x.com/i/web/status/5"


def test_the_finest_film_and_its_picture_are_attached() -> None:
    """Of photos the photo."""
    film = {
        "media_key": "7_1",
        "type": "video",
        "preview_image_url": "https://i.example/p.jpg",
        "duration_ms": 61_500,
        "alt_text": "Live",
        "variants": [
            {
                "content_type": "application/x-mpegURL",
                "url": "https://v.example/p.m3u8",
            },
            {
                "bit_rate": 1,
                "content_type": "video/mp4",
                "url": "https://v.example/1.mp4",
            },
            {
                "bit_rate": 9,
                "content_type": "video/mp4",
                "url": "https://v.example/9.mp4",
            },
        ],
    }
    photo = {"media_key": "3_1", "type": "photo", "url": "https://i.example/1.jpg"}
    keys = {"media_keys": ["7_1", "3_1", "3_404"]}

    found = fields(post(attachments=keys), media=[film, photo])

    assert [one["url"] for one in found["attachments"]] == [
        "https://v.example/9.mp4",
        "https://i.example/p.jpg",
        "https://i.example/1.jpg",
    ]
    assert found["attachments"][0]["duration_in_seconds"] == 61
    assert found["attachments"][0]["alt"] == "Live"


def test_what_a_poll_asks_is_told_without_its_counts() -> None:
    """Those change all the time."""
    poll = {"id": "1", "options": [{"label": "Yes", "votes": 3}, {"label": "No"}]}

    found = fields(post(attachments={"poll_ids": ["1"]}), polls=[poll])

    assert found["content_text"] == "Hello\n- Yes\n- No"
    assert "<li>Yes</li>" in found["content_html"]


@pytest.mark.parametrize(
    "lang", ["und", "qme", "qst", "zxx", None, 5, "xx-waytoolong1"]
)
def test_what_is_no_language_is_none(lang: object) -> None:
    """The site has codes of its own for emoji and links."""
    assert "language" not in fields(post(lang=lang))
    assert fields(post(lang="pt"))["language"] == "pt"


def test_ids_tell_the_time_where_nothing_else_does() -> None:
    """An answer without fields holds ids and texts."""
    (found,) = read(SOURCE, json.dumps({"data": [{"id": ID, "text": "x"}]}))

    assert f"{found.date:%FT%T}" == "2022-10-03T17:57:01"
    assert time_of("20") is None
    assert time_of("9" * 40) is None


def test_of_several_versions_the_newest_is_taken() -> None:
    """An edit is the same item."""
    first = post()
    second = post(EDIT, "Edited", edit_history_tweet_ids=[ID, EDIT])

    found = parse(SOURCE, answer(second, first)).candidates

    assert [(one.source_id, one.fields["content_text"]) for one in found] == [
        (ID, "Edited")
    ]


@pytest.mark.parametrize(
    ("of_post", "of_author"),
    [
        ({"withheld": {"copyright": True, "country_codes": ["XY"]}}, {}),
        ({}, {"protected": True}),
        ({}, {"withheld": {"country_codes": ["DE"]}}),
    ],
)
def test_what_is_withheld_is_removed(
    of_post: dict[str, Any], of_author: dict[str, Any]
) -> None:
    """Also if only the author's account is."""
    batch = parse(
        SOURCE, answer(post(**of_post), includes={"users": [ADA | of_author]})
    )

    assert batch.candidates == []
    assert batch.removed == [ID]


def test_errors_beside_posts_are_faults() -> None:
    """A post whose reference is gone is still a post."""
    error = {"resource_id": "5", "detail": "Could not find tweet: [5]."}

    batch = parse(SOURCE, answer(post(), errors=[error, {"title": "Odd"}, 7]))

    assert len(batch.candidates) == 1
    assert batch.faults == ["Could not find tweet: [5].", "Odd"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"errors": [{"detail": "No such user"}]}', "No such user"),
        ('{"title": "Unauthorized", "status": 401}', "Unauthorized"),
        ("[]", "something else"),
        ("<html>", "JSON"),
        ('{"meta": {}}', "something else"),
    ],
)
def test_an_answer_without_posts_is_an_error(body: str, told: str) -> None:
    """With what it says, even under status 200."""
    with pytest.raises(SourceError, match=told):
        parse(SOURCE, body)


def test_nothing_new_is_no_error() -> None:
    """And what is known stays known."""
    state = {"user_id": "7", "newest": "99"}

    batch = parse(SOURCE, '{"meta": {"result_count": 0}}', state)

    assert batch == Batch(state=state, removed=[])


def test_the_account_is_looked_up_once() -> None:
    """And its number kept."""
    assert SOURCE.request({}).url == "https://api.x.com/2/users/by/username/radio"

    batch = parse(SOURCE, json.dumps({"data": ADA}))

    assert batch.more
    assert "/2/users/7/tweets?" in SOURCE.request(batch.state).url


def test_the_request_asks_for_all_that_is_read() -> None:
    """And for no post twice, since each is paid for."""
    first = query({"user_id": "7"})
    later = query({"user_id": "7", "newest": "99"})
    all_of_it = XSource("x", "https://x", user_id="7", token=TOKEN, replies=True)
    little = XSource("x", "https://x", user_id="7", token=TOKEN, reposts=False)

    assert first["max_results"] == ["20"]
    assert "note_tweet" in first["tweet.fields"][0].split(",")
    assert "variants" in first["media.fields"][0].split(",")
    assert "attachments.media_keys" in first["expansions"][0].split(",")
    assert "since_id" not in first
    assert (later["since_id"], later["max_results"]) == (["99"], ["100"])
    assert first["exclude"] == ["replies"]
    assert "exclude" not in query({}, all_of_it)
    assert query({}, little)["exclude"] == ["replies,retweets"]


def test_pages_are_read_back_to_the_last_run() -> None:
    """The newest of the first page is kept, and the bound of all of them."""
    state: State = {"user_id": "7", "newest": "10"}

    first = parse(SOURCE, answer(post("30"), meta={"next_token": "t1"}), state)
    second = parse(SOURCE, answer(post("20")), first.state)

    asked = query(first.state)
    assert first.more
    assert (asked["since_id"], asked["pagination_token"]) == (["10"], ["t1"])
    assert not second.more
    assert second.state == {"user_id": "7", "newest": "30"}


def test_a_first_run_reads_one_page_and_any_run_so_many_at_most() -> None:
    """No token outlives a run: it might not be good any more."""
    first = parse(SOURCE, answer(post("30"), meta={"next_token": "t"}), {})
    batch = Batch(state={"newest": "10"})
    for _ in range(PAGES):
        assert not batch.faults
        batch = parse(SOURCE, answer(post("30"), meta={"next_token": "t"}), batch.state)

    assert not first.more
    assert not batch.more
    assert "left out" in batch.faults[0]
    assert batch.state == {"newest": "30"}


def test_posts_that_the_answer_calls_gone_are_gone() -> None:
    """Deleted, or its account is closed; what it does not speak of is not."""
    problems = "https://api.twitter.com/2/problems"
    errors = [
        {"resource_id": "1", "type": f"{problems}/resource-not-found"},
        {"value": "2", "type": f"{problems}/not-authorized-for-resource"},
        {"resource_id": "3", "type": "about:blank"},
        {"resource_id": "77", "type": f"{problems}/resource-not-found"},
    ]
    withheld = post("4", withheld={"country_codes": ["XX"]})

    (asked,) = SOURCE.recheck(["1", "2", "3", "4", "5", "6", "other"], {})
    found = SOURCE.gone(asked, respond(answer(withheld, post("5"), errors=errors)))

    ids = parse_qs(urlsplit(asked.request.url).query)["ids"]
    assert ids == ["1,2,3,4,5,6"]
    assert found == {"1", "2", "4"}
    with pytest.raises(SourceError):
        SOURCE.gone(asked, respond("{}"))


def test_the_token_goes_to_the_server_and_nowhere_else() -> None:
    """Not to logs, digests of the configuration or worker processes."""
    assert SOURCE.request({}).headers == {"Authorization": "Bearer secret-token"}
    assert "secret-token" not in repr(SOURCE.given)
    assert b"secret-token" not in pickle.dumps((SOURCE, SOURCE.recheck(["1"], {})))
    assert "secret-token" not in SOURCE.request({}).url
    with pytest.raises(ValueError, match="bearer token"):
        XSource.options["token"].read("two words")
