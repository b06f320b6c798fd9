"""Any JSON API: mappings in the configuration, all types of items, paging, faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedsvc.config import load
from feedsvc.core.item import Candidate
from feedsvc.errors import ConfigError, SourceError
from ingest.config import jobs
from ingest.exchange import Response
from ingest.offers import Template
from ingest.offers import read as read_offers
from ingest.sources.base import State
from ingest.sources.json_api import JsonSource
from tests.ingest.reading import NOW, parse, read, respond

Declare = Callable[..., JsonSource]

HEAD = """
[[source]]
name = "api"
type = "json"
url = "https://api.example/v1/items?key=${KEY:-k}"
channel = "radio.api"
schedule = "every 5m"
"""


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Return a source as the configuration declares it."""

    def declared(text: str, **environ: str) -> JsonSource:
        file = tmp_path / "feedsvc.toml"
        file.write_text(HEAD + text)
        (job,) = jobs(load(file, {}), environ)
        assert isinstance(job.source, JsonSource)
        return job.source

    return declared


def one(source: JsonSource, item: object) -> Candidate:
    (found,) = read(source, json.dumps(item))
    return found


def test_an_article(declare: Declare) -> None:
    """With all that an article may have; titles are text, links are absolute."""
    source = declare(
        """
items = "posts[]"
[source.fields]
id = "ID"
title = "title.rendered"
content_html = "content"
summary = "teaser"
url = "https://radio.example/{section}/{slug}"
external_url = "link"
author = "people[].name"
author_url = "people[].page"
image = ["picture.large", "picture.small"]
tags = "topics[].label"
language = { const = "de" }
date = "created"
date_modified = "changed"
sensitive = "adult"
"""
    )
    body = {
        "posts": [
            {
                "ID": 7,
                "title": {"rendered": "Rock &amp; <b>Roll</b>"},
                "content": "<p>x</p><script>y</script>",
                "teaser": "Short",
                "section": "news",
                "slug": "rock",
                "link": "/elsewhere",
                "people": [{"name": "Ada", "page": "/ada"}, {"name": "Bob"}],
                "picture": {"large": None, "small": "https://i.example/s.png"},
                "topics": [{"label": "Music"}, {"label": None}, {}],
                "created": "2026-11-24T10:00:00+01:00",
                "changed": "2026-11-24T10:30:00+01:00",
                "adult": "no",
            }
        ]
    }

    found = one(source, body)

    assert found.source_id == "7"
    assert found.date == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert found.body == {
        "title": "Rock & Roll",
        "content_html": "<p>x</p>",
        "content_text": "x",
        "summary": "Short",
        "url": "https://radio.example/news/rock",
        "external_url": "http://radio.example/elsewhere",
        "authors": [
            {"name": "Ada", "url": "http://radio.example/ada"},
            {"name": "Bob"},
        ],
        "attachments": [{"url": "https://i.example/s.png", "mime_type": "image/png"}],
        "tags": ["Music"],
        "language": "de",
        "date_published": datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        "date_modified": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    }


def test_an_event(declare: Declare) -> None:
    """Its times are in the zone of the source, its status in any spelling."""
    source = declare(
        """
item_type = "event"
timezone = "Europe/Berlin"
[source.fields]
id = "id"
title = "name"
starts_at = "start"
ends_at = "end"
doors_at = "doors"
status = "state"
venue = "place.name"
city = "place.city"
lat = "place.geo[0]"
lon = "place.geo[1]"
performers = "acts[]"
price = "price"
currency = { const = "eur" }
tickets_url = "tickets"
"""
    )
    event = {
        "id": "e1",
        "name": "Concert",
        "start": "2026-12-01 20:00",
        "end": "2026-12-01T23:00:00",
        "doors": 1_796_234_400,
        "state": "https://schema.org/EventCancelled",
        "place": {"name": "Hall", "city": "Köln", "geo": ["50.9", "6.9"]},
        "acts": ["Juno Peel", "", "The Ferries"],
        "price": "12.50",
        "tickets": "https://t.example/",
    }

    found = one(source, event).body

    assert found["starts_at"] == datetime(2026, 12, 1, 19, 0, tzinfo=UTC)
    assert found["ends_at"] == datetime(2026, 12, 1, 22, 0, tzinfo=UTC)
    assert found["timezone"] == "Europe/Berlin"
    assert found["status"] == "cancelled"
    assert found["venue"] == {"name": "Hall", "city": "Köln", "lat": 50.9, "lon": 6.9}
    assert [act["name"] for act in found["performers"]] == ["Juno Peel", "The Ferries"]
    assert found["offers"] == [
        {"price": 12.5, "currency": "EUR", "url": "https://t.example/"}
    ]


def test_a_day_alone_is_a_whole_day(declare: Declare) -> None:
    """From midnight to midnight where it takes place."""
    source = declare(
        'item_type = "event"\ntimezone = "Europe/Berlin"\n'
        '[source.fields]\ntitle = "name"\nstarts_at = "day"\n'
    )

    found = one(source, {"name": "Festival", "day": "2026-12-01"}).body

    assert found["all_day"] is True
    assert found["starts_at"] == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert found["ends_at"] == datetime(2026, 12, 1, 23, 0, tzinfo=UTC)


def test_a_track(declare: Declare) -> None:
    """What plays now, one object, is an item of its own each time."""
    source = declare(
        """
item_type = "track"
items = "now"
[source.fields]
title = "song.title"
artist = "song.artist"
album = "song.album"
art = "song.art"
duration = "song.length"
started_at = "since"
"""
    )
    song = {"title": "Kettle", "artist": "Tide", "album": "Tea", "length": "3:47"}

    first = one(source, {"now": {"song": song, "since": 1_795_510_000_000}})
    again = one(source, {"now": {"song": song, "since": 1_795_510_900}})

    assert first.type == "track"
    assert first.date == datetime.fromtimestamp(1_795_510_000, UTC)
    assert first.body["started_at"] == first.date
    assert first.body["duration"] == 227
    assert first.id != again.id


def test_an_episode(declare: Declare) -> None:
    """Its sound is attached."""
    source = declare(
        'item_type = "episode"\n'
        '[source.fields]\nid = "id"\ntitle = "t"\naudio = "file"\nduration = "length"\n'
    )

    found = one(source, {"id": 1, "t": "Night", "file": "/1.m4a", "length": "PT1H2M"})

    assert found.type == "episode"
    assert found.body["attachments"] == [
        {
            "url": "http://radio.example/1.m4a",
            "mime_type": "audio/mp4",
            "duration_in_seconds": 3_720,
        }
    ]


def test_a_post(declare: Declare) -> None:
    """Needs no title; an answer to a post is a reply, left out unless wanted."""
    source = declare(
        'item_type = "post"\n[source.fields]\n'
        'id = "id"\ncontent_text = "text"\nin_reply_to = "to"\n'
    )
    body = json.dumps([{"id": 1, "text": "x"}, {"id": 2, "text": "y", "to": "/1"}])

    batch = parse(source, body)

    assert [raw.is_reply for raw in batch.candidates] == [False, True]
    assert read(source, body)[0].body == {"content_text": "x"}


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-11-24T10:00:00Z", 10),
        ("2026-11-24T10:00:00+02:00", 8),
        ("2026-11-24 10:00", 9),
        ("Tue, 24 Nov 2026 10:00:00 +0000", 10),
        ("Tue, 24 Nov 2026 10:00:00 EST", 15 - 24),
        (1_795_514_400, 10),
        ("1795514400", 10),
        (1_795_514_400_000, 10),
        (1_795_514_400.5, 10),
        ("soon", None),
        (True, None),
        (1e30, None),
        ([1], None),
    ],
)
def test_dates_of_all_forms(
    declare: Declare, written: object, hour: int | None
) -> None:
    """Those that are none, or lie ahead, leave the item without a date of its own."""
    source = declare(
        'timezone = "Europe/Berlin"\n'
        '[source.fields]\nid = "id"\ntitle = "t"\ndate = "d"\n'
    )

    found = one(source, {"id": 1, "t": "x", "d": written})

    # What lies ahead of the time of the tests is not believed.
    assert (found.date.hour if found.date else None) == (
        hour if hour is not None and hour >= 0 else None
    )


def test_one_broken_item_does_not_lose_the_others(declare: Declare) -> None:
    """Each is told with its number and what it lacks."""
    source = declare('items = "d"\n[source.fields]\nid = "id"\ntitle = "t"\n')
    items: list[Any] = [{"id": 1, "t": "a"}, {"id": 2}, None, 5, {"id": 3, "t": "b"}]

    batch = parse(source, json.dumps({"d": items}))

    assert [raw.source_id for raw in batch.candidates] == ["1", "3"]
    assert batch.faults == [
        "item 2: has no title",
        "item 3: has no title",
        "item 4: has no title",
    ]
    assert not batch.is_complete


def test_what_says_that_it_is_removed_is_removed(declare: Declare) -> None:
    """By a flag, or a date at which it was."""
    source = declare(
        '[source.fields]\nid = "id"\ntitle = "t"\nremoved = ["del", "at"]\n'
    )
    items = [
        {"id": 1, "t": "a", "del": True},
        {"id": 2, "t": "b", "at": "2026-01-01"},
        {"id": 3, "t": "c", "del": False},
        {"id": 4, "t": "d", "del": "0"},
        {"id": 5, "t": "e"},
    ]

    batch = parse(source, json.dumps(items))

    assert batch.removed == ["1", "2"]
    assert [raw.source_id for raw in batch.candidates] == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("items", "body", "count"),
    [
        (".", [], 0),
        (".", {"t": "x"}, 1),
        ("d", {"d": []}, 0),
        ("d[]", {"d": None}, 0),
        ("d", {"d": {"t": "x"}}, 1),
        ("d[].e[]", {"d": [{"e": [{"t": "x"}]}, {"e": []}, {"e": [{"t": "y"}]}]}, 2),
        ("d[].e", {"d": []}, 0),
        ("d", {}, None),
        ("d.e", {"d": []}, None),
        ("d", [], 0),
        (".", None, None),
        (".", "text", 0),
    ],
)
def test_items_are_found_where_they_lie(
    declare: Declare, items: str, body: object, count: int | None
) -> None:
    """None at all is no error; an answer in which they have no place is one."""
    source = declare(f'items = "{items}"\n[source.fields]\ntitle = "t"\n')

    if count is None:
        with pytest.raises(SourceError, match="path of its items"):
            parse(source, json.dumps(body))
    else:
        assert len(parse(source, json.dumps(body)).candidates) == count


def test_pages_are_followed_by_their_addresses(declare: Declare) -> None:
    """As long as there is one, on the same host, and up to the bound."""
    source = declare(
        'items = "d"\nnext = "links.next"\nmax_pages = 3\n'
        '[source.fields]\ntitle = "t"\n'
    )
    url = source.request({}).url

    def page(following: object, state: State) -> Any:
        body = json.dumps({"d": [{"t": "x"}], "links": {"next": following}})
        return source.parse(Response(url, body.encode(), NOW), state)

    first = page("?page=2", {})
    second = page("https://api.example/v1/items?page=3", first.state)
    third = page("https://api.example/v1/items?page=4", second.state)
    foreign = page("https://evil.example/", {})
    file = page("file:///etc/passwd", {})
    last = page(None, second.state)
    same = page(url, {})

    assert source.request(first.state).url == "https://api.example/v1/items?page=2"
    assert [one.more for one in (first, second, third)] == [True, True, False]
    assert third.state == last.state == {}
    assert not third.is_complete
    assert last.is_complete
    assert not foreign.more
    assert "not asked for" in foreign.faults[0]
    assert not file.more
    assert not same.more


def test_pages_are_followed_by_token_or_number(declare: Declare) -> None:
    """Set in the query, whatever else is in it."""
    fields = '[source.fields]\ntitle = "t"\n'
    tokens = declare(f'items = "d"\nnext = "after"\nnext_param = "cursor"\n{fields}')
    numbers = declare(f'items = "d"\npage_param = "p"\nfirst_page = 0\n{fields}')
    full = json.dumps({"d": [{"t": "x"}], "after": "a/b"})
    empty = json.dumps({"d": []})

    by_token = parse(tokens, full)
    by_number = parse(numbers, full)

    assert tokens.request(by_token.state).url.endswith("items?key=k&cursor=a%2Fb")
    assert numbers.request({}).url.endswith("items?key=k")
    assert numbers.request(by_number.state).url.endswith("items?key=k&p=1")
    assert not parse(numbers, empty, by_number.state).more


def test_headers_are_sent_and_not_told(declare: Declare, tmp_path: Path) -> None:
    """Their secrets come from the environment, or from a file that it names."""
    (tmp_path / "secret").write_text("from-file\n")
    table = '[source.headers]\nAuthorization = "Bearer ${API_TOKEN}"\n'
    fields = '[source.fields]\ntitle = "t"\n'

    source = declare(table + fields, API_TOKEN="from-env")
    other = declare(fields + table, API_TOKEN_FILE=str(tmp_path / "secret"))

    assert source.request({}).headers["Authorization"] == "Bearer from-env"
    assert other.request({}).headers["Authorization"] == "Bearer from-file"
    assert "from-env" not in repr(source.given)


def test_every_fault_of_a_mapping_is_told_with_its_line(declare: Declare) -> None:
    """So that one look at the list mends the file."""
    with pytest.raises(ConfigError) as caught:
        declare(
            """item_type = "song"
items = "d["
next_param = ""
max_pages = 99
headers = { "Bad Name" = "x", Fine = "${MISSING}" }
[source.fields]
title = "a..b"
colour = "red"
tags = ["x", 5]
"""
        )

    told = [one.partition("feedsvc.toml:")[2] for one in caught.value.faults]
    assert [line.split(": ", 3)[::2] for line in told] == [
        ["14", "fields.title"],
        ["15", "fields.colour"],
        ["16", "fields.tags"],
        ["8", "item_type"],
        ["9", "items"],
        ["12", "headers"],
        ["10", "next_param"],
        ["11", "max_pages"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "fields: is required"),
        ('[source.fields]\nurl = "u"\n', "fields: must have title"),
        ('item_type = "event"\n[source.fields]\ntitle = "u"\n', "must have starts_at"),
        ('fields = { title = "t" }\nnext_param = "x"\n', "needs next"),
        ('fields = { title = "t" }\nnext = "a"\npage_param = "b"\n', "beside next"),
        ("fields = 5\n", "must be a table"),
    ],
)
def test_keys_that_need_each_other_are_checked(
    declare: Declare, text: str, told: str
) -> None:
    """With the key to look at."""
    with pytest.raises(ConfigError, match=told):
        declare(text)


def test_the_station_reads_its_channels_from_what_is_mapped(declare: Declare) -> None:
    """By venue and city, too."""
    source = declare(
        'item_type = "event"\n[source.fields]\n'
        'title = "t"\nstarts_at = "s"\nvenue = "v"\ncity = "c"\n'
    )
    item = {"t": "x", "s": "2026-12-01T20:00Z", "v": "Große Halle", "c": "Köln"}
    reading = read_offers(
        source,
        respond(json.dumps(item)),
        {},
        Template.parse("radio.{city_slug}.{venue_slug}"),
        False,
    )

    assert [one.channel.path for one in reading.offers] == ["radio.koln.grosse-halle"]
