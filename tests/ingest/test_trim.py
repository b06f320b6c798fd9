"""Fields brought within the limits of an item."""

from __future__ import annotations

from ingest.trim import fit, whole


def test_what_is_too_much_is_cut() -> None:
    """Lists and texts alike."""
    found = fit(
        {
            "title": "x" * 1_000,
            "tags": [f"#tag{n}" for n in range(99)] + ["tag1", ""],
            "authors": [{"name": f"n{n}"} for n in range(99)],
            "attachments": [{"url": f"http://a.example/{n}.mp3"} for n in range(99)],
            "summary": "y" * 5_000,
        }
    )

    assert len(found["title"]) == 300
    assert (found["tags"][0], len(found["tags"])) == ("tag0", 30)
    assert len(found["authors"]) == 10
    assert len(found["attachments"]) == 20
    assert len(found["summary"]) == 1_000


def test_what_is_empty_or_unfit_is_left_out() -> None:
    """Rather than stored as nothing."""
    found = fit(
        {
            "title": " ",
            "url": "javascript:x",
            "external_url": None,
            "language": "German!",
            "authors": [{"name": ""}, {"url": "http://a.example"}],
            "venue": {"name": "", "lat": 91.0, "lon": 0.0},
            "attachments": [{"url": "ftp://a.example/x"}],
        }
    )

    assert found == {}


def test_links_are_made_absolute() -> None:
    """Against where the document was found."""
    found = fit({"url": "../b c"}, "http://radio.example/a/feed")

    assert found["url"] == "http://radio.example/b%20c"


def test_a_number_is_whole_positive_and_of_this_world() -> None:
    """Whatever a feed has in its place."""
    values = ["12", 12.7, "1e3", 0, -1, "", "x", None, "nan", "inf", "9" * 30, [], True]

    assert [whole(value) for value in values] == [12, 12, 1000] + [None] * 9 + [1]
