"""Documents on disk: any format, a broken one among others, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedsvc.config import load
from feedsvc.errors import ConfigError, SourceError
from ingest.config import jobs
from ingest.disk import collect
from ingest.exchange import FileRequest, Response
from ingest.sources.base import Source, State
from ingest.sources.files import FORMATS, FileSource
from ingest.sources.registry import source_types
from tests.ingest.reading import NOW, offers
from tests.ingest.realdata import cases

HEAD = """
[[source]]
name = "drop"
type = "file"
channel = "radio.drop"
schedule = "every 1m"
"""
FEED = "<rss><channel><item><title>{0}</title><link>/{0}</link></item></channel></rss>"
EVENTS = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
DTSTART:20261201T200000
SUMMARY:Concert
END:VEVENT
END:VCALENDAR
"""


def declare(directory: Path, text: str) -> Source:
    file = directory / "feedsvc.toml"
    file.write_text(HEAD + text)
    (job,) = jobs(load(file, {}), {"DIR": str(directory)})
    return job.source


def fetched(source: Source, state: State | None = None) -> Response:
    request = source.request(state or {})
    assert isinstance(request, FileRequest)
    return collect(request, NOW)


def test_feeds_in_a_directory_are_read_as_feeds(tmp_path: Path) -> None:
    """Links are relative to the address they are published at."""
    (tmp_path / "a.xml").write_text(FEED.format("one"))
    (tmp_path / "b.xml").write_text(FEED.format("two"))
    source = declare(
        tmp_path,
        'path = "${DIR}/*.xml"\nformat = "feed"\nurl = "https://r.example/x"\n',
    )

    batch = source.parse(fetched(source), {})

    urls = {one.body["title"]: one.body["url"] for one in offers(source, batch)}
    assert urls == {"one": "https://r.example/one", "two": "https://r.example/two"}
    assert not batch.more


def test_without_an_address_relative_links_lead_nowhere(tmp_path: Path) -> None:
    """Least of all to this machine's files."""
    (tmp_path / "a.xml").write_text(FEED.format("one"))
    source = declare(tmp_path, 'path = "${DIR}/a.xml"\nformat = "feed"\n')

    (found,) = offers(source, source.parse(fetched(source), {}))

    assert "url" not in found.body
    assert source.url == f"file://{tmp_path}/a.xml"


def test_a_format_brings_its_own_keys(tmp_path: Path) -> None:
    """Those that say how it is read."""
    (tmp_path / "a.ics").write_text(EVENTS)
    (tmp_path / "a.json").write_text('{"shows": [{"name": "Show"}]}')

    calendar = declare(
        tmp_path,
        'path = "${DIR}/a.ics"\nformat = "ical"\ntimezone = "Europe/Berlin"\n',
    )
    mapped = declare(
        tmp_path,
        'path = "${DIR}/a.json"\nformat = "json"\nitems = "shows"\n'
        '[source.fields]\ntitle = "name"\n',
    )

    (event,) = offers(calendar, calendar.parse(fetched(calendar), {}))
    (article,) = offers(mapped, mapped.parse(fetched(mapped), {}))
    assert event.body["starts_at"].hour == 19
    assert article.body == {"title": "Show"}


def test_a_broken_file_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    """And it is read again only when it changes, as all are."""
    (tmp_path / "a.xml").write_text("<html>")
    (tmp_path / "b.xml").write_text(FEED.format("two"))
    source = declare(tmp_path, 'path = "${DIR}/*.xml"\nformat = "feed"\n')

    batch = source.parse(fetched(source), {})
    again = fetched(source, batch.state)
    (tmp_path / "a.xml").write_text(FEED.format("one"))
    (tmp_path / "b.xml").unlink()
    mended = source.parse(fetched(source, batch.state), batch.state)

    assert len(batch.candidates) == 1
    assert batch.faults[0].startswith("a.xml: not a feed")
    assert again.status == 304
    assert [one.fields["title"] for one in mended.candidates] == ["one"]
    assert [name for name, _ in mended.state["known"]] == ["a.xml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('path = "a.xml"\nformat = "feed"', "must be absolute"),
        ('path = "/"\nformat = "feed"', "path"),
        ('path = "/srv/*/a.xml"\nformat = "feed"', "in its last part only"),
        ("path = 5\nformat = 'feed'", "must be a path"),
        ('path = "/a.xml"\nformat = "gopher"', "must be one of"),
        ('format = "feed"', "path: is required"),
        ('path = "/a.xml"', "format: is required"),
        ('path = "/a.xml"\nformat = "feed"\ntimezone = "UTC"', "is not a key"),
        ('path = "/a.xml"\nformat = "json"', "fields: is required"),
        (
            'path = "/a.xml"\nformat = "json"\nfields = { url = "u" }',
            "fields: must have title",
        ),
        ('path = "/a.xml"\nformat = "x"\ntoken = "t"', "is not a key"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(
    tmp_path: Path, text: str, told: str
) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError, match=told):
        declare(tmp_path, text)


def test_formats_are_types_of_sources() -> None:
    """By the same names, with keys that these have."""
    types = source_types()

    for name, (kind, keys) in FORMATS.items():
        assert types[name] is kind
        assert set(keys) <= kind.options.keys()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param(kind, *case.values, id=f"{kind}-{case.id}")  # type: ignore[attr-defined]  # a parameter of pytest's
        for kind, pattern in {
            "x": "x/twarc_*.json",
            "bluesky": "bluesky/get*.json",
            "mastodon": "mastodon/public_timeline.json",
            "ical": "ical/*.ics",
        }.items()
        for case in cases(pattern)
    ],
)
def test_recorded_documents_are_read_as_over_the_network(
    kind: str, path: Path | None
) -> None:
    """A file brings what its address would have."""
    if path is None:
        return
    source = FileSource("f", FileSource.home, path=str(path), format=kind)

    batch = source.parse(fetched(source), {})

    direct = _direct(FORMATS[kind][0]("f", "https://radio.example/"), path)
    assert [one.source_id for one in batch.candidates] == direct


def _direct(source: Source, path: Path) -> list[str]:
    """Return the keys of what the source reads of such an answer."""
    try:
        batch = source.parse(Response("", path.read_bytes(), NOW), {})
    except SourceError:
        return []
    return [one.source_id for one in batch.candidates]
