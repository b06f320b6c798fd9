"""Files for sources: found, told apart by their stamps, bounded, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest import disk
from ingest.disk import Index, collect
from ingest.exchange import FetchError, FileRequest, Response
from ingest.fetch import Fetcher, Validators
from ingest.hosts import Hosts
from tests.ingest.reading import NOW


def ask(path: Path, known: dict[str, str] | None = None) -> Response:
    return collect(
        FileRequest(f"file://{path}", path=str(path), known=known or {}), NOW
    )


def contents(response: Response) -> dict[str, bytes | str]:
    """Return what each file holds, or why it holds nothing."""
    found: dict[str, bytes | str] = {}
    at = 0
    for piece in Index.of(response.headers).pieces:
        found[piece.name] = piece.fault or response.body[at : at + piece.size]
        at += piece.size
    return found


def stamps(response: Response) -> dict[str, str]:
    return {one.name: one.stamp for one in Index.of(response.headers).pieces}


def write(path: Path, text: str, changed_at: int) -> Path:
    path.write_text(text)
    os.utime(path, (changed_at, changed_at))
    return path


def test_files_that_match_are_read_the_oldest_first(tmp_path: Path) -> None:
    """Hidden ones and others are not."""
    write(tmp_path / "b.xml", "older", 100)
    write(tmp_path / "a.xml", "newer", 200)
    write(tmp_path / ".c.xml", "hidden", 100)
    write(tmp_path / "d.txt", "other", 100)

    found = ask(tmp_path / "*.xml")

    assert found.status == 200
    assert list(contents(found).items()) == [("b.xml", b"older"), ("a.xml", b"newer")]
    assert sorted(Index.of(found.headers).names) == ["a.xml", "b.xml"]


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """Also if its time is set back, and if only the time changed."""
    one = write(tmp_path / "a.xml", "1", 100)
    write(tmp_path / "b.xml", "1", 100)
    known = stamps(ask(tmp_path / "*.xml"))

    nothing = ask(tmp_path / "*.xml", known)
    write(one, "2", 100)
    changed = ask(tmp_path / "*.xml", known)

    assert nothing.status == 304
    assert contents(changed) == {"a.xml": b"2"}


def test_a_directory_may_be_empty_but_must_be_there(tmp_path: Path) -> None:
    """And so must a file that is named."""
    assert ask(tmp_path / "*.xml").status == 304
    for path in (tmp_path / "a.xml", tmp_path / "no" / "*.xml"):
        with pytest.raises(FetchError, match="no such file"):
            ask(path)


def test_links_do_not_lead_out_of_a_watched_directory(tmp_path: Path) -> None:
    """Whoever may write there must not read with our rights; inside they are good."""
    watched = tmp_path / "in"
    watched.mkdir()
    write(tmp_path / "secret", "s", 100)
    write(watched / "real.txt", "r", 100)
    (watched / "out.xml").symlink_to("../secret")
    (watched / "in.xml").symlink_to("real.txt")
    (watched / "dead.xml").symlink_to("nowhere")

    assert contents(ask(watched / "*.xml")) == {
        "out.xml": "leads out of its directory",
        "in.xml": b"r",
        "dead.xml": "no such file or directory",
    }


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    """The operator named it."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "today.ics", "x", 100)
    (tmp_path / "in" / "now.ics").symlink_to("../today.ics")

    assert contents(ask(tmp_path / "in" / "now.ics")) == {"now.ics": b"x"}


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe would never end."""
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "dir.xml").mkdir()

    found = contents(ask(tmp_path / "*.xml"))

    assert found["pipe.xml"] == "is not a regular file"
    assert found["dir.xml"] in ("is not a regular file", "is a directory")


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    """They could not be kept."""
    (tmp_path / os.fsdecode(b"\xff.xml")).write_text("x")
    (tmp_path / "a\nb.xml").write_text("x")
    write(tmp_path / "c.xml", "c", 100)

    found = ask(tmp_path / "*.xml")

    assert contents(found) == {"c.xml": b"c"}
    assert Index.of(found.headers).faults == ["2 files have names that are no text"]


def test_size_and_number_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each file, of each answer and of all."""
    monkeypatch.setattr(disk, "MAX_BYTES", 10)
    monkeypatch.setattr(disk, "MAX_FILES", 5)
    monkeypatch.setattr(disk, "MAX_AT_ONCE", 3)
    for number in range(6):
        write(tmp_path / f"{number}.xml", f"{number}" * 5, 100 + number)
    write(tmp_path / "1.xml", "x" * 11, 101)

    first = ask(tmp_path / "*.xml")
    second = ask(tmp_path / "*.xml", stamps(first))
    third = ask(tmp_path / "*.xml", stamps(first) | stamps(second))

    assert contents(first) == {
        "1.xml": "longer than 0 MB",
        "2.xml": b"22222",
        "3.xml": b"33333",
    }
    assert contents(second) == {"4.xml": b"44444", "5.xml": b"55555"}
    assert [Index.of(one.headers).more for one in (first, second)] == [True, False]
    assert Index.of(first.headers).faults == ["only the newest 5 files are read"]
    assert third.status == 304


async def test_the_fetcher_reads_files_that_a_source_asks_for(tmp_path: Path) -> None:
    """Off the loop; an address that only looks like a file is none."""
    path = write(tmp_path / "a.xml", "x", 100)
    fetcher = Fetcher(Hosts())
    request = FileRequest(f"file://{path}", path=str(path))

    found = await fetcher.get(request, Validators())
    fetcher.close()

    assert contents(found) == {"a.xml": b"x"}
