"""Icecast and Shoutcast: recorded and odd documents, tracks as they follow."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.errors import SourceError
from ingest.filters import patterns
from ingest.sources import tracks
from ingest.sources.base import RawCandidate, Source
from ingest.sources.icecast import IcecastSource
from ingest.sources.shoutcast import ShoutcastSource
from tests.ingest.reading import NOW, offers, parse, respond
from tests.ingest.realdata import cases

ICECAST = IcecastSource("onair", "http://stream.example:8000")
SHOUTCAST = ShoutcastSource("onair", "http://stream.example:8000")


def status(*sources: dict[str, Any]) -> str:
    return json.dumps({"icestats": {"server_id": "Icecast 2.4.4", "source": sources}})


def stream(path: str, title: object, **fields: object) -> dict[str, Any]:
    url = f"http://stream.example:8000{path}"
    return {"listenurl": url, "title": title, "server_name": "Radio", **fields}


def said(source: Source, body: bytes | str) -> list[tuple[str, str]]:
    """Return artist and title of what is on, checked by the schema."""
    return [
        (one.body["artist"], one.body["title"])
        for one in offers(source, parse(source, body))
    ]


def listen(source: Source, *bodies: str, every_s: int = 10) -> list[list[RawCandidate]]:
    """Return what each look brought, one after the other."""
    state: Any = {}
    found = []
    for number, body in enumerate(bodies):
        response = respond(body)
        later = response.fetched_at + timedelta(seconds=number * every_s)
        batch = source.parse(type(response)(response.url, response.body, later), state)
        # The state is stored between two looks.
        state = json.loads(json.dumps(batch.state))
        found.append(batch.candidates)
    return found


def titles(looks: list[list[RawCandidate]]) -> list[list[str]]:
    return [[one.fields["title"] for one in look] for look in looks]


@pytest.mark.parametrize("path", cases("nowplaying/icecast*.json"))
def test_recorded_icecast_is_read(path: Path | None) -> None:
    """Two of its four mount points announce something."""
    if path is None:
        return
    body = path.read_bytes()

    assert said(ICECAST, body) == [
        ("LNFM", "LNFM Stream"),
        ("Radio Panik", "Afrika Sound"),
    ]
    one = IcecastSource("onair", "http://h", mount="/radiopanik.ogg")
    assert said(one, body) == [("Radio Panik", "Afrika Sound")]
    silent = IcecastSource("onair", "http://h", mount="/radiopanik.aac")
    assert said(silent, body) == []


@pytest.mark.parametrize("path", cases("nowplaying/shoutcast*.json"))
def test_recorded_shoutcast_is_read(path: Path | None) -> None:
    """Artist and title apart."""
    if path is None:
        return
    assert said(SHOUTCAST, path.read_bytes()) == [("CAMILA CABELLO", "HAVANA")]


@pytest.mark.parametrize(
    ("announced", "artist", "title"),
    [
        ("Ada - Tide", "Ada", "Tide"),
        ("Jay-Z - 99 Problems", "Jay-Z", "99 Problems"),
        ("Ada - Tide - Live", "Ada", "Tide - Live"),
        ("Ada – Tide", "Ada", "Tide"),
        ("Tide", "Radio", "Tide"),
        ("- Tide", "Radio", "Tide"),
        ("Ada -", "Radio", "Ada"),
        ("No", "Radio", "No"),
        ("The Cure - Untitled", "The Cure", "Untitled"),
        ("Unknown Artist - Tide", "Radio", "Tide"),
        ("Tom &amp; Ada - <b>Tide</b>", "Tom & Ada", "Tide"),
        ("I <3 U", "Radio", "I <3 U"),
        ("BjÃ¶rk - JÃ³ga", "Björk", "Jóga"),
        ("Itâ€™s - Me", "It’s", "Me"),
        ("NÃO - Sim", "NÃO", "Sim"),
        (1979, "Radio", "1979"),
    ],
)
def test_a_line_is_split_with_care(announced: object, artist: str, title: str) -> None:
    """At the first dash; without an artist it is by the station."""
    assert said(ICECAST, status(stream("/a", announced))) == [(artist, title)]


@pytest.mark.parametrize(
    "title",
    [
        "",
        " ",
        "-",
        " - ",
        "Unknown",
        "unknown - Unknown",
        "n/a",
        None,
        True,
        [],
        {},
        0.5j,
    ],
)
def test_a_title_that_says_nothing_is_no_track(title: object) -> None:
    """Whatever type it has."""
    mount = stream("/a", None if isinstance(title, complex) else title)

    assert said(ICECAST, status(mount)) == []


@pytest.mark.parametrize(
    "body",
    [
        '{"icestats":{"source":{"listenurl":"http://h/a","title":- }}}',
        '{"icestats":{"source":{"listenurl":"http://h/a","title": - ,"dummy":null}}}',
        '{"icestats":{"source":{"listenurl":"http://h/a","title":-,\n"x":1}}}',
        '{"icestats":"server_start":"Sat, 03 Oct 2020","dummy":null}}',
        '{"icestats":{"server_id":"Icecast 2.4.4"}}',
        '{"icestats":{"source":null}}',
        '{"icestats":{"source":[]}}',
        '{"icestats":{"source":[null, 7, "x", {"title": null}]}}',
        '{"icestats":{}}',
    ],
)
def test_a_server_without_music_is_no_fault(body: str) -> None:
    """Also where it does not speak JSON."""
    batch = parse(ICECAST, body)

    assert (batch.candidates, batch.faults) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        '{"icestats":{"source":{"listenurl":"//h/a","title":"Ada - "Tide"","b":1}}}',
        '{"icestats":{"source":{"listenurl":"//h/a","title":"Ada - \t"Tide"",}}}',
    ],
)
def test_quotes_that_a_server_forgot_to_escape_stand(body: str) -> None:
    """They are part of the title."""
    assert said(ICECAST, body) == [("Ada", '"Tide"')]


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "7", '{"a":1}', '{"icestats":7}', "\x00", "{" * 9_999]
)
def test_what_is_no_status_is_an_error(body: str) -> None:
    """Of either kind of server."""
    with pytest.raises(SourceError, match="Icecast"):
        parse(ICECAST, body)
    with pytest.raises(SourceError, match="Shoutcast"):
        parse(SHOUTCAST, body)


def test_bytes_of_other_charsets_are_put_right() -> None:
    """Bare Latin-1 beside UTF-8, and with ``charset`` also others."""
    mixed = (
        status(stream("/a", "Björk - Jóga"))
        .encode()
        .replace(b"Bj\\u00f6rk", "Björk".encode("latin-1"))
    )
    cyrillic = "Кино - Звезда".encode("cp1251").decode("latin-1")
    russian = IcecastSource("onair", "http://h", charset="cp1251")

    assert said(ICECAST, mixed) == [("Björk", "Jóga")]
    assert said(russian, status(stream("/a", cyrillic))) == [("Кино", "Звезда")]
    assert said(russian, status(stream("/a", "Кино - Звезда"))) == [("Кино", "Звезда")]


def test_an_artist_that_is_told_apart_is_kept_apart() -> None:
    """As Ogg streams do; it does not stand twice."""
    assert said(ICECAST, status(stream("/a", "A - B", artist="Ada"))) == [
        ("Ada", "A - B")
    ]
    assert said(ICECAST, status(stream("/a", "Ada - Tide", artist="Ada"))) == [
        ("Ada", "Tide")
    ]


def test_a_mount_point_that_is_missing_is_told() -> None:
    """Others are on: perhaps the name is wrong."""
    source = IcecastSource("onair", "http://h", mount="/live.mp3")

    batch = parse(source, status(stream("/a.mp3", "Ada - Tide"), stream("/b", "x")))

    assert batch.candidates == []
    assert batch.faults == ["/live.mp3 is not on; there is /a.mp3, /b"]


def test_a_track_is_an_item_once_however_often_it_is_polled() -> None:
    """Dated by when it was first seen; another, and the same again, are new ones."""
    a, b = (status(stream("/a", f"Ada - {one}")) for one in "AB")

    looks = listen(ICECAST, a, a, a, b, b, a)

    assert titles(looks) == [["A"], [], [], ["B"], [], ["A"]]
    assert len({look[0].source_id for look in looks if look}) == 3
    assert [look[0].fields["date_published"] for look in looks if look] == [
        NOW,
        NOW + timedelta(seconds=30),
        NOW + timedelta(seconds=50),
    ]


def test_the_same_answer_read_twice_has_the_same_keys() -> None:
    """A run whose state was lost after the items were written adds none."""
    before = parse(ICECAST, status(stream("/a", "Ada - A"))).state
    body = status(stream("/a", "Ada - B"))

    assert (
        parse(ICECAST, body, before).candidates
        == parse(ICECAST, body, before).candidates
    )


def test_a_title_on_several_mount_points_is_one_track() -> None:
    """Also while one of them is late."""
    looks = listen(
        ICECAST,
        status(stream("/a.mp3", "Ada - A"), stream("/a.ogg", "Ada - A")),
        status(stream("/a.mp3", "Ada - B"), stream("/a.ogg", "Ada - A")),
        status(stream("/a.mp3", "Ada - B"), stream("/a.ogg", "Ada - B")),
    )

    assert titles(looks) == [["A"], ["B"], []]


@pytest.mark.parametrize(("every_s", "again"), [(10, []), (400, ["A"])])
def test_a_short_silence_does_not_begin_a_track_anew(
    every_s: int, again: list[str]
) -> None:
    """A long one does: then it is played once more."""
    on, off = status(stream("/a", "Ada - A")), status()

    looks = listen(ICECAST, on, off, off, on, every_s=every_s)

    assert titles(looks) == [["A"], [], [], again]


def test_what_is_excluded_does_not_end_a_track() -> None:
    """Slogans come and go while it plays."""
    source = IcecastSource("onair", "http://h", exclude=patterns(["best hits"]))
    on = status(stream("/a", "Ada - A"))
    slogan = status(stream("/a", "Radio - the best hits"))

    looks = listen(source, slogan, on, slogan, on)

    assert titles(looks) == [[], ["A"], [], []]


@given(
    st.lists(
        st.lists(st.sampled_from(["A", "B", "C", "", "-"]), max_size=3), max_size=12
    )
)
def test_whatever_follows_each_change_is_one_track(looks: list[list[str]]) -> None:
    """No key occurs twice, and what plays on is never new."""
    bodies = [
        status(*(stream(f"/{at}", title) for at, title in enumerate(look)))
        for look in looks
    ]

    found = listen(ICECAST, *bodies)

    keys = [one.source_id for look in found for one in look]
    assert len(set(keys)) == len(keys)
    for (before, after), new in zip(pairwise(looks), titles(found)[1:], strict=True):
        assert set(new) <= set(after) - set(before) - {"", "-"}


def test_icecast_is_asked_at_its_status() -> None:
    """Unless the address names a document."""
    own = IcecastSource("onair", "https://radio.example/streams/status-json.xsl")

    assert ICECAST.request({}).url == "http://stream.example:8000/status-json.xsl"
    assert own.request({}).url == own.url


def test_shoutcast_is_asked_as_a_browser_would() -> None:
    """Old servers send the stream itself to everything else."""
    old = ShoutcastSource("onair", "http://stream.example:8000/7.html")
    second = ShoutcastSource("onair", "http://stream.example:8000/", sid=2)

    assert old.request({}).url == old.url
    assert second.request({}).url == "http://stream.example:8000/stats?sid=2&json=1"
    assert "Mozilla" in SHOUTCAST.request({}).headers["User-Agent"]


@pytest.mark.parametrize(
    "body",
    [
        '{"songtitle":"Ada, Tom - Tide, Low","streamstatus":1,"servertitle":"Radio"}',
        '{"songtitle":"Ada, Tom - Tide, Low"}',
        '{"streams":[{"id":2,"songtitle":"x"},'
        '{"id":1,"songtitle":"Ada, Tom - Tide, Low"}]}',
        "<HTML><meta http-equiv=Pragma content=no-cache></head><body>"
        "5,1,9,100,4,128,Ada, Tom - Tide, Low</body></html>",
        "5,1,9,100,4,128,Ada, Tom - Tide, Low",
        "<BODY>,1,,,,,Ada, Tom - Tide, Low",
        '<?xml version="1.0" encoding="UTF-8"?><SHOUTCASTSERVER><STREAMSTATUS>1'
        "</STREAMSTATUS><SONGTITLE>Ada, Tom - Tide, Low</SONGTITLE></SHOUTCASTSERVER>",
        '<?xml version="1.0"?><!DOCTYPE SHOUTCASTSERVER [<!ELEMENT A ANY>]>'
        "<SHOUTCASTSERVER><SONGTITLE>Ada, Tom - Tide, Low</SONGTITLE>"
        "</SHOUTCASTSERVER>",
    ],
)
def test_shoutcast_tells_the_same_in_many_forms(body: str) -> None:
    """JSON, XML and the line of version 1, with commas in the title."""
    assert said(SHOUTCAST, body) == [("Ada, Tom", "Tide, Low")]


@pytest.mark.parametrize(
    "body",
    [
        '{"songtitle":"Ada - Tide","streamstatus":0}',
        '{"songtitle":"","streamstatus":1}',
        '{"songtitle":null,"streamstatus":1}',
        "<body>0,0,11,100,0,128,Ada - Tide</body>",
        "<body>0,1,11,100,0,128,</body>",
        "<SHOUTCASTSERVER><STREAMSTATUS>0</STREAMSTATUS><SONGTITLE>Ada</SONGTITLE>"
        "</SHOUTCASTSERVER>",
        "<SHOUTCASTSERVER></SHOUTCASTSERVER>",
    ],
)
def test_a_stream_that_is_down_is_no_fault(body: str) -> None:
    """Nor is one that plays without telling what."""
    batch = parse(SHOUTCAST, body)

    assert (batch.candidates, batch.faults) == ([], [])


def test_an_entity_bomb_is_an_error() -> None:
    """It is not unpacked."""
    bomb = (
        '<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>'
        "<SHOUTCASTSERVER><SONGTITLE>&y;</SONGTITLE></SHOUTCASTSERVER>"
    )

    with pytest.raises(SourceError, match="Shoutcast"):
        parse(SHOUTCAST, bomb)


@given(st.binary())
def test_any_bytes_are_a_text(body: bytes) -> None:
    """Those of UTF-8 exactly that one."""
    text = tracks.decoded(body)

    try:
        assert text == body.decode("utf-8-sig")
    except UnicodeDecodeError:
        assert text


@given(st.text())
def test_what_was_taken_for_latin_1_comes_back(text: str) -> None:
    """And what is plain stays plain."""
    once = tracks.mended(text)

    assert tracks.mended(text.encode("utf-8", "replace").decode("latin-1")) == (
        text.encode("utf-8", "replace").decode()
    )
    assert once == text or not text.isascii()
