"""Events in pages: recorded pages, every place and form in which they are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from feedsvc.core.item import Candidate
from feedsvc.errors import SourceError
from ingest.sources.jsonld import PageSource
from tests.ingest.reading import URL, parse, read
from tests.ingest.realdata import cases

SOURCE = PageSource(
    "hall", "http://hall.example/programme", timezone=ZoneInfo("Europe/Berlin")
)
EVENT = "https://hall.example/e/1"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year to minute


def event(**changed: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "MusicEvent",
        "name": "Paper Ferries",
        "url": EVENT,
        "startDate": "2027-05-20T20:00",
        **changed,
    }


def page(*scripts: Any) -> str:
    tags = "".join(
        '<script type="application/ld+json">'
        f"{one if isinstance(one, str) else _escaped(one)}</script>"
        for one in scripts
    )
    return f"<!doctype html><html><head>{tags}</head><body>Programme</body></html>"


def _escaped(script: Any) -> str:
    return json.dumps(script).replace("</", "<\\/")


def one(*scripts: Any) -> Candidate:
    (found,) = read(SOURCE, page(*scripts))
    return found


def body(**changed: Any) -> Any:
    return one(event(**changed)).body


# What the recorded pages hold: events, and faults that are told.
RECORDED = {
    "songkick_elysianfields": (4, 0),
    "songkick_elysianfields_1": (4, 0),
    "songkick_tovestyrke": (1, 0),
    "custom_invalid_JSONLD_with_control_characters": (0, 0),
    # An event of which nobody says when it is.
    "custom_invalid_JoinAction.001": (0, 1),
    "schema_invalid_JoinAction.001": (0, 1),
}


@pytest.mark.parametrize("path", cases("schemaorg/*.html"))
def test_recorded_pages_are_read(path: Path | None) -> None:
    """Microdata alone is an error that says so."""
    if path is None:
        return
    if path.stem == "Event.002":
        with pytest.raises(SourceError, match="has no JSON-LD"):
            parse(SOURCE, path.read_bytes())
        return

    batch = parse(SOURCE, path.read_bytes())

    assert (len(batch.candidates), len(batch.faults)) == RECORDED[path.stem]
    assert len(read(SOURCE, path.read_bytes())) == len(batch.candidates)


@pytest.mark.parametrize("path", cases("schemaorg/songkick_*.html"))
def test_recorded_events_are_those_that_their_origin_expects(path: Path | None) -> None:
    """Names, starts, places and acts, as another extractor found them."""
    if path is None:
        return
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    events = [one for one in expected["json-ld"] if one["@type"] == "MusicEvent"]

    found = read(SOURCE, path.read_bytes())

    assert [one.body["title"] for one in found] == [one["name"] for one in events]
    for ours, theirs in zip(found, events, strict=True):
        assert ours.body["starts_at"] == datetime.fromisoformat(theirs["startDate"])
        assert ours.body["url"] == theirs["url"]
        assert ours.source_id == theirs["url"].partition("?")[0]
        place = theirs["location"]
        assert ours.body["venue"]["name"] == place["name"]
        assert ours.body["venue"]["city"] == place["address"]["addressLocality"]
        assert ours.body["venue"]["lat"] == place["geo"]["latitude"]
        acts = [who["name"] for who in theirs["performer"]]
        assert [who["name"] for who in ours.body["performers"]] == acts


@pytest.mark.parametrize(
    "script",
    [
        event(),
        [event()],
        {"@graph": [{"@type": "WebPage"}, event()]},
        [{"@graph": [[event()]]}],
        {"@type": "ItemList", "itemListElement": [{"item": event()}]},
        {"@type": "Place", "name": "Hall", "event": event(), "events": [event()]},
        {"@type": "WebPage", "mainEntity": event()},
        event(**{"@type": ["Event", "MusicEvent"]}),
        event(**{"@type": "Festival"}),
        event(**{"@type": "http://schema.org/TheaterEvent"}),
        event(**{"@type": ["schema:ComedyEvent"]}),
        {
            f"schema:{name}" if name[0] != "@" else name: v
            for name, v in event().items()
        },
        {
            f"http://schema.org/{name}" if name[0] != "@" else name: v
            for name, v in event(name={"@value": "Paper Ferries"}).items()
        },
        f"<!-- the next one -->{json.dumps(event())}",
        f"//<![CDATA[\n{json.dumps(event())}\n//]]>",
        f"/* <![CDATA[ */{json.dumps(event())};/* ]]> */",
        f"\ufeff  {json.dumps(event())[:-1]},}}",
        json.dumps(event(description="x")).replace('"x"', '"two\n\tlines"'),
        json.dumps(event()).replace('"', "&quot;"),
        json.dumps(event()) + json.dumps({"@type": "WebPage"}),
    ],
)
def test_an_event_is_found_wherever_it_stands(script: Any) -> None:
    """Once, under the same key."""
    found = one(script)

    assert found.source_id == EVENT
    assert found.body["title"] == "Paper Ferries"
    assert found.body["starts_at"] == at(2027, 5, 20, 18)


@pytest.mark.parametrize(
    "tag",
    [
        "<script type='application/ld+json'>",
        "<script type=application/ld+json>",
        '<SCRIPT\n defer TYPE="Application/LD+JSON; charset=utf-8" class="a>',
        '<script type="application&#x2F;ld+json">',
        '<script data-x="1" type = "application/ld+json" >',
    ],
)
def test_a_script_is_found_however_it_is_written(tag: str) -> None:
    """As HTML allows it."""
    page = f"<p>{tag}{json.dumps(event())}</script\n>"

    assert len(read(SOURCE, page)) == 1


def test_what_is_not_part_of_the_page_is_not_read() -> None:
    """Comments, other scripts, and what a script only quotes."""
    script = f'<script type="application/ld+json">{json.dumps(event())}</script>'
    text = json.dumps(script.replace("</", "<\\/"))
    hidden = f"<!-- {script} --><script>let a = {text}</script>"

    with pytest.raises(SourceError, match="no JSON-LD"):
        parse(SOURCE, hidden)
    assert len(read(SOURCE, f"{hidden}{script}")) == 1


def test_a_document_may_be_json_itself() -> None:
    """As APIs and ``.jsonld`` addresses have it."""
    assert len(read(SOURCE, json.dumps([event()]))) == 1


def test_a_broken_script_is_told_and_the_others_are_read() -> None:
    """Each of them is a document."""
    batch = parse(SOURCE, page('{"@type": "Event', event(), "[" * 50_000))

    assert len(batch.candidates) == 1
    assert [fault.partition(" (")[0] for fault in batch.faults] == [
        "script 1: not JSON",
        "script 3: not JSON",
    ]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("EventScheduled", "scheduled"),
        ("https://schema.org/EventScheduled", "scheduled"),
        ("http://schema.org/EventCancelled", "cancelled"),
        ("https://schema.org/EventCanceled", "cancelled"),
        ("schema:EventPostponed", "postponed"),
        ("eventrescheduled", "rescheduled"),
        ("https://schema.org/EventMovedOnline", "moved_online"),
        ({"@id": "https://schema.org/EventCancelled"}, "cancelled"),
        (["EventMovedOnline", "https://schema.org/EventRescheduled"], "rescheduled"),
        ("Cancelled", "cancelled"),
        ("https://schema.org/EventCompleted", "scheduled"),
        ("", "scheduled"),
        (None, "scheduled"),
        (7, "scheduled"),
    ],
)
def test_each_status_is_told(told: Any, status: str) -> None:
    """It changes the item and not its key."""
    found = one(event(eventStatus=told))

    assert found.body["status"] == status
    assert found.id == one(event()).id


def test_a_moved_event_is_the_same_and_tells_from_when() -> None:
    """Of several dates before, the last one."""
    before = ["2027-04-01T20:00", "2027-04-15T20:00"]
    found = one(event(previousStartDate=before, startDate="2027-06-01T20:00"))

    assert found.id == one(event()).id
    assert found.body["status"] == "rescheduled"
    assert found.body["previous_starts_at"] == at(2027, 4, 15, 18)


def test_a_postponed_event_keeps_its_old_date_until_there_is_another() -> None:
    """Otherwise nobody would learn of it."""
    moved = event(eventStatus="EventPostponed", previousStartDate="2027-05-20T20:00")
    del moved["startDate"]

    found = one(moved)

    assert found.body["starts_at"] == at(2027, 5, 20, 18)
    assert found.body["status"] == "postponed"


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        (
            {"startDate": "2027-05-20T20:00:00-04:00"},
            {"starts_at": at(2027, 5, 21), "timezone": "Etc/GMT+4"},
        ),
        (
            {"startDate": "2027-05-20T18:00:00Z"},
            {"starts_at": at(2027, 5, 20, 18), "timezone": "Europe/Berlin"},
        ),
        (
            {"startDate": "2027-05-20"},
            {
                "starts_at": at(2027, 5, 19, 22),
                "ends_at": at(2027, 5, 20, 22),
                "timezone": "Europe/Berlin",
                "all_day": True,
            },
        ),
        (
            {"startDate": "2027-05-20T20:00", "endDate": "2027-05-20T23:30"},
            {
                "starts_at": at(2027, 5, 20, 18),
                "ends_at": at(2027, 5, 20, 21, 30),
                "timezone": "Europe/Berlin",
            },
        ),
        (
            {"startDate": "2027-05-20T20:00", "duration": "PT2H"},
            {
                "starts_at": at(2027, 5, 20, 18),
                "ends_at": at(2027, 5, 20, 20),
                "timezone": "Europe/Berlin",
            },
        ),
        (
            {"startDate": "2027-05-20T20:00", "doorTime": "19:00"},
            {
                "starts_at": at(2027, 5, 20, 18),
                "doors_at": at(2027, 5, 20, 17),
                "timezone": "Europe/Berlin",
            },
        ),
        (
            {"startDate": "2027-05-20T20:00-04:00", "doorTime": "T19:00:00"},
            {
                "starts_at": at(2027, 5, 21),
                "doors_at": at(2027, 5, 20, 23),
                "timezone": "Etc/GMT+4",
            },
        ),
        (
            {"startDate": {"@type": "DateTime", "@value": "2027-05-20T20:00"}},
            {"starts_at": at(2027, 5, 20, 18), "timezone": "Europe/Berlin"},
        ),
        (
            {"startDate": "2027-05-20T20:00", "endDate": "0000-00-00", "doorTime": 7},
            {"starts_at": at(2027, 5, 20, 18), "timezone": "Europe/Berlin"},
        ),
    ],
)
def test_times_are_told_in_many_ways(told: Any, fields: dict[str, Any]) -> None:
    """With a zone, without one, or as days."""
    names = ("starts_at", "ends_at", "doors_at", "timezone", "all_day")
    found = body(**told)

    assert {name: found[name] for name in names if name in found} == fields


@pytest.mark.parametrize("start", [None, "", "soon", "2027-99-99", [], {}, 7, True])
def test_without_a_date_an_event_is_told_and_left_out(start: Any) -> None:
    """The others are read."""
    batch = parse(SOURCE, page([event(startDate=start), event(url="/e/2")]))

    assert [raw.source_id for raw in batch.candidates] == ["http://radio.example/e/2"]
    assert batch.faults[0].startswith("event 'Paper Ferries': ")


@pytest.mark.parametrize(
    ("location", "venue"),
    [
        ("The Hall, Berlin", {"name": "The Hall, Berlin"}),
        (["The Hall"], {"name": "The Hall"}),
        (
            {
                "@type": "MusicVenue",
                "name": "Caf&eacute; Hall",
                "address": {
                    "@type": "PostalAddress",
                    "streetAddress": "Main St 1",
                    "addressLocality": "Berlin",
                    "addressRegion": {"@type": "State", "name": "BE"},
                    "addressCountry": {"@type": "Country", "name": "DE"},
                },
                "geo": {"latitude": "52.5", "longitude": "13.4"},
                "sameAs": ["https://hall.example/"],
            },
            {
                "name": "Café Hall",
                "street": "Main St 1",
                "city": "Berlin",
                "region": "BE",
                "country": "DE",
                "lat": 52.5,
                "lon": 13.4,
                "url": "https://hall.example/",
            },
        ),
        (
            {"@type": "Place", "name": "Hall", "address": "Main St 1, Berlin"},
            {"name": "Hall", "street": "Main St 1, Berlin"},
        ),
        (
            {"@type": "PostalAddress", "addressLocality": "Berlin"},
            {"city": "Berlin"},
        ),
        (
            {"@type": "VirtualLocation", "url": "https://live.example/"},
            {"name": "Online", "url": "https://live.example/"},
        ),
        (
            [{"@type": "VirtualLocation"}, {"@type": "Place", "name": "Hall"}],
            {"name": "Hall"},
        ),
        ({"@type": "Place", "name": "H", "geo": {"latitude": 999}}, {"name": "H"}),
    ],
)
def test_a_place_is_told_in_many_ways(location: Any, venue: dict[str, Any]) -> None:
    """Online only if it is nowhere else."""
    assert body(location=location)["venue"] == venue


@pytest.mark.parametrize(
    "location", [None, "", [], {}, 7.5, {"@type": "Place"}, [None]]
)
def test_no_place_is_no_fault(location: Any) -> None:
    """What is there of the event is taken."""
    batch = parse(SOURCE, page(event(location=location)))

    assert len(batch.candidates) == 1


def test_references_are_followed() -> None:
    """To a place or an act elsewhere on the page; a loop leads nowhere."""
    graph = [
        event(location={"@id": "#hall"}, performer=[{"@id": "#ada"}, {"@id": "#x"}]),
        {"@id": "#hall", "@type": "Place", "name": "Hall", "event": {"@id": EVENT}},
        {"@id": "#ada", "@type": "Person", "name": "Ada", "knows": {"@id": "#ada"}},
    ]

    found = one({"@graph": graph}).body

    assert found["venue"] == {"name": "Hall"}
    assert found["performers"][0] == {"name": "Ada"}


@pytest.mark.parametrize(
    ("performer", "names"),
    [
        ("Ada", ["Ada"]),
        (["Ada", "Tom &amp; Jo"], ["Ada", "Tom & Jo"]),
        ({"@type": "MusicGroup", "name": "Ada"}, ["Ada"]),
        ([{"name": "Ada"}, {"name": "Ada"}, {"name": ""}, None, 7], ["Ada", "7"]),
        ({"name": ["Ada", "Ada (live)"]}, ["Ada"]),
        ([{"name": f"Act {number}"} for number in range(70)], None),
    ],
)
def test_acts_are_told_in_many_ways(performer: Any, names: list[str] | None) -> None:
    """Each once, in their order; a festival has many."""
    found = body(performer=performer)["performers"]

    if names is None:
        assert len(found) == 50
    else:
        assert [who["name"] for who in found] == names


@pytest.mark.parametrize(
    ("offers", "told"),
    [
        (
            {
                "@type": "Offer",
                "price": "25.00",
                "priceCurrency": "EUR",
                "url": "https://t.example/",
                "availability": "https://schema.org/InStock",
            },
            [
                {
                    "price": 25.0,
                    "currency": "EUR",
                    "url": "https://t.example/",
                    "availability": "InStock",
                }
            ],
        ),
        ({"price": 0}, [{"price": 0.0}]),
        ({"price": "€ 1.234,50"}, [{"price": 1234.5}]),
        ({"price": "12,50 - 15,00"}, [{"price": 12.5}]),
        ({"price": "1,250"}, [{"price": 1250.0}]),
        (
            {"lowPrice": 10, "highPrice": 30, "priceCurrency": "usd"},
            [{"price": 10.0, "currency": "USD"}],
        ),
        (
            {
                "@type": "AggregateOffer",
                "priceCurrency": "EUR",
                "offers": [{"name": "Seat", "price": 9}, {"price": 5}],
            },
            [
                {"name": "Seat", "price": 9.0, "currency": "EUR"},
                {"price": 5.0, "currency": "EUR"},
            ],
        ),
        (
            {"priceSpecification": {"price": 7, "priceCurrency": "EUR"}},
            [{"price": 7.0, "currency": "EUR"}],
        ),
        ({"price": "free", "priceCurrency": "Euro"}, None),
        ("https://t.example/", [{"name": "https://t.example/"}]),
        ({"price": -3}, None),
        ([None, 7.5, {}, {"price": True}], [{"name": "7.5"}]),
    ],
)
def test_tickets_are_told_in_many_ways(offers: Any, told: Any) -> None:
    """Prices as people write them."""
    assert body(offers=offers).get("offers") == told


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("https://x.example/a.jpg", "https://x.example/a.jpg"),
        (["/a.jpg", "/b.jpg"], "http://radio.example/a.jpg"),
        ({"@type": "ImageObject", "url": "//x.example/a"}, "http://x.example/a"),
        ([{"contentUrl": "https://x.example/a.jpg"}], "https://x.example/a.jpg"),
        ({"@id": "https://x.example/a.jpg"}, "https://x.example/a.jpg"),
        ([None, "javascript:x"], None),
        ("data:image/png;base64,AAAA", None),
    ],
)
def test_a_picture_is_told_in_many_ways(image: Any, url: str | None) -> None:
    """One of them is enough, and none that is no link."""
    found = body(image=image).get("attachments", [{"url": None}])

    assert [one["url"] for one in found] == [url]


def test_texts_are_texts_and_markup_is_sanitised() -> None:
    """Entities once, tags nowhere but in the description."""
    found = body(
        name="Tom &amp; <b>Ada</b>",
        description="<p>Hi<script>alert(1)</script></p>",
        keywords="jazz, live,",
        inLanguage={"@type": "Language", "name": "de"},
    )
    plain = body(description="Rock &amp; Roll", keywords=["a", "b,c"])

    assert found["title"] == "Tom & Ada"
    assert found["content_html"] == "<p>Hi</p>"
    assert found["tags"] == ["jazz", "live"]
    assert found["language"] == "de"
    assert plain["content_text"] == "Rock & Roll"
    assert plain["tags"] == ["a", "b", "c"]


def test_parts_are_events_of_their_own() -> None:
    """They take place where the whole does; a series is only a name for them."""
    parts = [
        event(url="/a", location="Tent"),
        event(url="/b", startDate="2027-05-21T20:00"),
    ]
    whole = {"@type": "EventSeries", "name": "Days", "location": "Park"}
    festival = event(url="/f", **{"@type": "Festival"}, location="Park")

    series = read(SOURCE, page({**whole, "subEvent": parts}))
    both = read(SOURCE, page({**festival, "subEvent": parts}))
    alone = parse(SOURCE, page(whole))

    assert [one.body["venue"]["name"] for one in series] == ["Tent", "Park"]
    assert [one.source_id[-2:] for one in both] == ["/f", "/a", "/b"]
    assert alone.faults == ["event 'Days': has no startDate"]


def test_what_an_event_belongs_to_is_not_another_event() -> None:
    """Nor is a reference to one."""
    found = one(
        event(superEvent=event(url="/tour", name="Tour")),
        {"@type": "Ticket", "event": {"@type": "Event", "@id": EVENT}},
    )

    assert found.body["title"] == "Paper Ferries"


def keys(*events: Any) -> list[str]:
    batch = parse(SOURCE, page(list(events)))
    return [raw.source_id for raw in batch.candidates]


def test_an_event_is_known_by_its_address_or_its_id() -> None:
    """Made absolute, without what only tells where readers come from."""
    assert keys(event(url="/e/1?id=7&utm_source=x&fbclid=y")) == [
        "http://radio.example/e/1?id=7"
    ]
    assert keys({**event(url=None), "@id": "#e1"}) == [f"{URL}#e1"]
    assert keys({**event(url=None), "@id": "_:b0"}) != ["_:b0"]


def test_several_dates_at_one_address_are_an_item_each() -> None:
    """Told apart by their ids if they have some, else by their dates."""
    first, second = event(), event(startDate="2027-05-21T20:00")
    with_ids = [{**first, "@id": "#a"}, {**second, "@id": "#b"}]

    assert keys(first, second) == [
        f"{EVENT}#2027-05-20T18:00:00+00:00",
        f"{EVENT}#2027-05-21T18:00:00+00:00",
    ]
    assert keys(event(startDate=["2027-05-20T20:00", "2027-05-21T20:00"])) == keys(
        first, second
    )
    assert keys(*with_ids) == [f"{URL}#a", f"{URL}#b"]


def test_the_second_key_stays_when_dates_come_and_go() -> None:
    """It is what a stored item is recognised by when the first key changes."""
    first, second = event(), event(startDate="2027-05-21T20:00")

    def second_keys(*events: Any) -> set[str | None]:
        return {raw.alt_id for raw in parse(SOURCE, page(list(events))).candidates}

    assert len(second_keys(first, second)) == 2
    assert second_keys(first) | second_keys(second) == second_keys(first, second)
    moved = event(previousStartDate="2027-05-20T20:00", startDate="2027-06-01T20:00")
    assert second_keys(moved) == second_keys(first)


def test_the_address_of_the_list_identifies_none_of_its_events() -> None:
    """Though some pages give it to all of them, even on one evening."""
    events = [event(url=URL, name="Ada"), event(url=URL, name="Tom")]

    assert len(set(keys(*events))) == 2
    assert keys(event(url=URL)) == [URL]


def test_an_event_that_is_told_twice_is_one_item() -> None:
    """The longer description counts, in either order."""
    short, long = event(), event(description="With strings", location="Hall")

    assert one(short, long).content_hash == one(long, short).content_hash
    assert one(short, long).body["venue"] == {"name": "Hall"}


def test_a_page_without_events_is_no_fault_and_nothing_complete() -> None:
    """Perhaps the programme is not out yet."""
    batch = parse(SOURCE, page({"@type": "WebSite", "name": "Hall"}))

    assert (batch.candidates, batch.faults, batch.is_complete) == ([], [], False)
    assert parse(SOURCE, page(event())).is_complete


@pytest.mark.parametrize(
    ("charset", "header", "head"),
    [
        ("utf-8", "text/html; charset=utf-8", ""),
        ("latin-1", 'text/html; charset="ISO-8859-1"', ""),
        ("cp1251", "text/html", '<meta charset="windows-1251">'),
        ("utf-8", "text/html", ""),
        ("cp1252", "text/html; charset=utf-8", ""),
        ("utf-8", "text/html; charset=nonsense", ""),
        ("utf-16", "text/html; charset=utf-16", ""),
    ],
)
def test_pages_in_other_charsets_are_read(charset: str, header: str, head: str) -> None:
    """As the header says, or the page; lies are seen through."""
    name = "Кино" if charset == "cp1251" else "Café"
    script = json.dumps(event(name=name), ensure_ascii=False)
    text = f'{head}<script type="application/ld+json">{script}</script>'

    (found,) = read(SOURCE, text.encode(charset), content_type=header)

    assert found.body["title"] == name


@pytest.mark.parametrize(
    "text",
    ["", "<html></html>", "\x00", "plain", '<script type="application/ld+json">'],
)
def test_a_page_that_tells_nothing_is_an_error(text: str) -> None:
    """Somebody should look at it: it is not what was expected."""
    if text.startswith("<script"):
        assert parse(SOURCE, text).faults
    else:
        with pytest.raises(SourceError, match="no JSON-LD"):
            parse(SOURCE, text)
