"""``reconcile`` and ``purge``, as people and cron call them."""

from __future__ import annotations

import json

import pytest

from feedsvc.core.access import Rules, Scope
from feedsvc.core.channel import Channel
from feedsvc.store import Database
from feedsvc.store.audit import AuditLog
from feedsvc.store.items import ItemStore
from tests.ingest.commands import Command
from tests.ingest.upstream import answer

pytestmark = pytest.mark.mongo

ENTRY = "<item><guid>{0}</guid><title>{0}</title><author>{1}</author></item>"
FEED = '<rss version="2.0"><channel>{}</channel></rss>'


def feed(*entries: tuple[str, str]) -> str:
    return FEED.format("".join(ENTRY.format(*entry) for entry in entries))


async def items_of(database: Database) -> dict[str, str]:
    store = ItemStore(database, Rules())
    found = await store.backlog(Scope(Channel("radio")), 20)
    return {one.body["title"]: one.id for one in found}


async def test_purge_of_a_source_removes_all_of_it_and_nothing_else(
    command: Command, database: Database
) -> None:
    """For good, though the source still shows it; and it stands in the record."""
    command.server.put("/feed", feed(("a", "Ada"), ("b", "Bob")))
    command.server.put("/staff", feed(("c", "Ada")))
    await command("once")

    code, out, err = await command("purge", "news", "--yes", "--json")
    await command("once")

    assert (code, err) == (0, "")
    assert json.loads(out) == {"kind": "source", "name": "news", "removed": 2}
    assert set(await items_of(database)) == {"c"}
    [entry] = await AuditLog(database).entries(5)
    assert (entry.deed, entry.source) == ("purge source", "news")


async def test_purge_of_an_item_and_of_an_author(
    command: Command, database: Database
) -> None:
    """What the name is the name of is found out."""
    command.server.put("/feed", feed(("a", "Ada"), ("b", "Bob"), ("c", "Cy")))
    command.server.put("/staff", feed(("d", "Ada")))
    await command("once")
    known = await items_of(database)

    item = await command("purge", known["b"], "--yes")
    author = await command("purge", "ADA", "--yes")
    again = await command("purge", "Ada", "--yes")

    assert item[1] == f"1 removed of item {known['b']}\n"
    assert author[1] == "2 removed of author ADA\n"
    assert (again[0], again[2]) == (1, "feedsvc-ingest: nothing is stored of Ada\n")
    assert set(await items_of(database)) == {"c"}


async def test_purge_asks_first_and_says_when_a_name_is_not_clear(
    command: Command, database: Database
) -> None:
    """Nobody on a terminal, nobody agreed."""
    command.server.put("/feed", feed(("a", "news")))
    command.server.put("/staff", feed(("b", "Bob")))
    await command("once")

    unclear = await command("purge", "news", "--yes")
    unasked = await command("purge", "news", "--as", "author")

    assert "1 item of source news and 1 item of author news" in unclear[2]
    assert "Remove 1 item of author news for good? --yes" in unasked[2]
    assert unclear[0] == unasked[0] == 1
    assert len(await items_of(database)) == 2


async def test_reconcile_tells_what_it_found(
    command: Command, database: Database
) -> None:
    """And of a source that cannot be asked, that it cannot."""
    url = command.server.url
    with command.config.open("a") as file:
        file.write(
            f'\n[[source]]\nname = "ada"\ntype = "mastodon"\nurl = "{url}"\n'
            'account_id = "7"\nchannel = "radio.posts"\nschedule = "every 5m"\n'
            "allow_private = true\n"
        )
    uri = f"{url}/users/ada/statuses/1"
    posts = [{"id": "1", "uri": uri, "content": "hello"}]
    command.server.put("/api/v1/accounts/7/statuses", json.dumps(posts))
    command.server.answers["/api/v1/statuses/1"] = answer(404)
    command.server.put("/feed", feed(("a", "Ada")))
    await command("once", "ada")
    await command("once", "news")

    gone = await command("reconcile", "ada")
    not_askable = await command("reconcile", "news")
    unknown = await command("reconcile", "weather")

    assert "1 asked for, 1 gone, 0 cannot be asked for" in gone[1]
    assert "0 asked for, 0 gone, 1 cannot be asked for" in not_askable[1]
    assert [one[0] for one in (gone, not_askable, unknown)] == [0, 0, 1]
    assert set(await items_of(database)) == {"a"}
