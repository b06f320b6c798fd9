"""What a source brought is found again and erased, whether it is shown or held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedsvc.core.access import Rules
from feedsvc.core.channel import Channel
from feedsvc.core.item import Candidate, ItemType
from feedsvc.store import Database, sourced
from feedsvc.store.items import ItemStore
from feedsvc.store.sourced import SourcedItems

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = Rules()


def offer(number: int, source: str = "news", author: str = "Ada") -> Candidate:
    return Candidate(
        f"{source}-{number:02}",
        ItemType.ARTICLE,
        Channel("radio.news"),
        {"title": str(number), "authors": [{"name": author}]},
        NOW - timedelta(minutes=number // 2),
        source=source,
        source_id=str(number),
        alt_id=f"/{number}",
    )


@pytest.fixture
async def found(database: Database) -> SourcedItems:
    """Five items of a source that are shown, two that are held, one of another."""
    items = ItemStore(database, RULES)
    await items.prepare()
    shown = [*(offer(n) for n in range(5)), offer(0, "press", "Bob")]
    await items.write(shown, now=NOW, revive=False)
    held = [offer(n, author="Bob") for n in (7, 8)]
    await items.write(held, now=NOW, revive=False, review=True)
    return SourcedItems(database, RULES)


async def ids(
    store: SourcedItems, source: str | None, author: str | None = None, newest: int = 0
) -> list[str]:
    return [
        record.id
        async for page in store.stored(source, author, newest=newest)
        for record in page
    ]


@pytest.mark.parametrize("page", [1, 2, 500])
async def test_all_of_a_source_is_found_by_pages_of_any_size(
    found: SourcedItems, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """The newest that is shown first, of one date too; then what is held."""
    monkeypatch.setattr(sourced, "PAGE", page)

    assert await ids(found, "news") == [
        *("news-01", "news-00", "news-03", "news-02", "news-04"),
        *("news-07", "news-08"),
    ]
    assert await ids(found, "news", newest=3) == [
        *("news-01", "news-00", "news-03"),
        *("news-07", "news-08"),
    ]


async def test_authors_are_found_by_name_in_whichever_case(found: SourcedItems) -> None:
    """In all sources, or in one; a part of the name is not the name."""
    assert await ids(found, None, "BOB") == ["press-00", "news-07", "news-08"]
    assert await ids(found, "news", "bob") == ["news-07", "news-08"]
    assert await ids(found, None, "bo") == []
    assert await ids(found, None, "b.b") == []


async def test_a_second_key_finds_what_is_shown_and_what_is_held(
    found: SourcedItems,
) -> None:
    """Of its own source only."""
    items = await found.by_alt_id("news", ["/0", "/7", "/99"])

    assert {item.id for item in items} == {"news-00", "news-07"}


async def test_what_is_erased_is_gone_and_stays_known(
    found: SourcedItems, database: Database
) -> None:
    """Erasing it twice is erasing it once."""
    pages = [page async for page in found.stored("news")]

    first = sum([await found.erase(page, now=NOW) for page in pages])
    second = sum([await found.erase(page, now=NOW) for page in pages])
    again = await ItemStore(database, RULES).write(
        [offer(0), offer(7)], now=NOW, revive=False
    )

    assert (first, second) == (7, 0)
    assert [one.status for one in again] == ["gone", "gone"]  # type: ignore[union-attr]
    assert await ids(found, "press") == ["press-00"]
