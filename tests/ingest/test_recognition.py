"""Items whose guid changed are the same items; others are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, Item, ItemType
from ingest import decide
from tests.ingest.scene import Scene

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def offer(key: str, title: str = "One", date: datetime | None = NOW) -> Candidate:
    return Candidate(
        key,
        ItemType.ARTICLE,
        Channel("radio.news"),
        {"title": title},
        date,
        alt_id="/p/1",
    )


def stored(key: str, title: str = "One", date: datetime = NOW) -> Item:
    return Item(
        key,
        ItemType.ARTICLE,
        Channel("radio.news"),
        date,
        1,
        {"title": title},
        alt_id="/p/1",
    )


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (offer("new"), stored("old"), "old"),
        (offer("new", "Another title"), stored("old"), "old"),
        (offer("new", date=None), stored("old"), "old"),
        (offer("new", date=NOW.replace(year=2020)), stored("old"), "old"),
        (offer("new", "Another title", NOW.replace(year=2020)), stored("old"), "new"),
        (offer("new", "Another title", None), stored("old"), "new"),
    ],
)
def test_date_or_title_tell_whether_it_is_the_same(
    new: Candidate, old: Item, expected: str
) -> None:
    """The path alone does not: two sites of one feed may use the same ones."""
    [found] = decide.recognise([new], [old])

    assert found.id == expected


def test_an_item_that_is_offered_itself_is_nobody_else() -> None:
    """And two offers never become one item."""
    both = decide.recognise([offer("old"), offer("new")], [stored("old")])
    rivals = decide.recognise([offer("a"), offer("b")], [stored("old")])

    assert [one.id for one in both] == ["old", "new"]
    assert [one.id for one in rivals] == ["old", "b"]


def feed(host: str, *entries: tuple[str, str]) -> str:
    items = "".join(
        f"<item><guid>{host}{path}</guid><title>{title}</title>"
        "<pubDate>Tue, 24 Nov 2026 08:00:00 GMT</pubDate></item>"
        for path, title in entries
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'


@pytest.mark.mongo
async def test_a_site_that_moved_updates_its_items(scene: Scene) -> None:
    """With their new links, each once; and from then on nothing changes."""
    scene.server.put("/feed", feed("http://old.example", ("/1", "One"), ("/2", "Two")))
    await scene.run()
    changed = feed("https://new.example", ("/1", "One"), ("/2", "Two, corrected"))
    scene.server.put("/feed", changed)

    summary = await scene.run_when_due()
    again = await scene.run_when_due()

    assert summary.written == {"updated": 2}
    assert again.written == {"unchanged": 2}
    assert {(one.body["title"], one.body["url"]) for one in await scene.items()} == {
        ("One", "https://new.example/1"),
        ("Two, corrected", "https://new.example/2"),
    }


@pytest.mark.mongo
async def test_what_was_removed_stays_so_under_a_new_guid(scene: Scene) -> None:
    """A move of the site is no way around a removal."""
    scene.server.put("/feed", feed("http://old.example", ("/1", "One")))
    await scene.run()
    [item] = await scene.items()
    await scene.tools.items.remove(item.id, now=scene.now)
    scene.server.put("/feed", feed("https://new.example", ("/1", "One")))

    await scene.run_when_due()

    assert await scene.items() == []
