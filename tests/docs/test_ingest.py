"""The page for operators of ingest: its tables are complete, its examples work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedsvc.config import load
from ingest.config import COMMON, jobs
from ingest.sources.base import Option
from ingest.sources.registry import source_types
from tests.ingest.reading import NOW, offers, parse

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text("utf-8")
TYPES: Mapping[str, Mapping[str, Option]] = {
    kind: source.options for kind, source in source_types().items()
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("## Keys of every source", COMMON),
        *((f"### `{kind}`", options) for kind, options in TYPES.items()),
    ],
)
def test_every_key_of_a_source_stands_in_the_documentation(
    heading: str, options: Mapping[str, Option]
) -> None:
    """With the text that the code has for it; and none that does not exist."""
    section = re.split(r"^##+ ", PAGE.split(f"{heading}\n")[1], flags=re.M)[0]

    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.+) \|$", section, re.M))

    assert rows == {key: option.doc for key, option in options.items()}


def test_the_recipes_are_a_configuration(tmp_path: Path) -> None:
    """All of them in one file, the example's type aside."""
    recipes = [
        block
        for block in blocks("toml")
        if "[[source]]" in block and 'type = "playout"' not in block
    ]
    # The first table stands above the recipes too.
    file = tmp_path / "feedsvc.toml"
    file.write_text("\n".join(recipes[1:]), "utf-8")

    found = jobs(
        load(file, {}), dict.fromkeys(re.findall(r"\$\{(\w+)", PAGE), "k" * 16)
    )

    assert {job.source.kind for job in found} == set(TYPES)


def test_the_example_of_a_source_type_reads_what_it_says() -> None:
    """Once for each change of the title, with artist and title apart."""
    [code] = blocks("python")
    module: dict[str, object] = {"__name__": "station_playout"}
    exec(code, module)  # noqa: S102 - our own page
    kind = module["PlayoutSource"]
    source = kind("playout", "http://10.0.0.9/now.txt", charset="latin-1")  # type: ignore[operator]  # a class
    body = "Tidé - Kettle\n".encode("latin-1")

    first = parse(source, body)
    again = parse(source, body, first.state)

    [track] = offers(source, first)
    assert (track.type, track.date) == ("track", NOW)
    assert track.body["title"] == "Kettle"
    assert track.body["artist"] == "Tidé"
    assert track.body["started_at"] == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert again.candidates == []
    assert again.state == first.state
