"""``feedsvc-ingest try``: an address is tried out, and its table printed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feedsvc.config import load
from ingest.config import jobs
from tests.ingest.commands import Command
from tests.ingest.upstream import Upstream, answer, upstream

FEED = (
    '<rss version="2.0"><channel><title>News</title>'
    "<item><title>One</title><pubDate>Tue, 24 Nov 2026 08:00:00 GMT</pubDate></item>"
    "<item><title>Two</title><pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate></item>"
    "</channel></rss>"
)


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstream() as told:
        yield told


@pytest.fixture
def trying(server: Upstream, tmp_path: Path) -> Command:
    config = tmp_path / "feedsvc.toml"
    config.write_text("")
    # Nothing listens there: nothing is to be stored.
    return Command(server, "mongodb://127.0.0.1:1/", config)


async def test_a_page_leads_to_its_feed(trying: Command, tmp_path: Path) -> None:
    """What is printed can be pasted and is a configuration."""
    page = '<link rel="alternate" type="application/rss+xml" href="/n" title="Hall">'
    trying.server.put("/", page)
    trying.server.put("/n", FEED)

    code, out, err = await trying("try", f"{trying.server.url}/", "--allow-private")

    table = tmp_path / "pasted.toml"
    table.write_text(out[out.index("[[source]]") :])
    [job] = jobs(load(table, {}), {})
    assert (code, err) == (0, "")
    assert f"feed {trying.server.url}/n: 2 items" in out
    assert out.index("2026-11-24 08:00  article  feeds.hall  One") < out.index("Two")
    assert (job.source.name, job.source.url) == ("hall", f"{trying.server.url}/n")
    assert job.allow_private


async def test_the_usual_places_are_looked_at(trying: Command) -> None:
    """Where a page says nothing of a feed; as JSON for programs."""
    trying.server.put("/", "<title>Welcome</title>")
    trying.server.put("/feed.xml", FEED)
    trying.server.put("/feed", "<html>Not found, but we say 200</html>")

    code, out, _ = await trying(
        *("try", trying.server.url, "--allow-private", "--json", "--channel", "radio.a")
    )

    told = json.loads(out)
    assert code == 0
    assert told["source"]["url"] == f"{trying.server.url}/feed.xml"
    assert told["source"]["channel"] == "radio.a"
    assert [item["title"] for item in told["items"]] == ["One", "Two"]


async def test_an_address_without_a_scheme_is_tried_with_both(trying: Command) -> None:
    """First with encryption, as a browser does."""
    trying.server.put("/", FEED)
    bare = trying.server.url.removeprefix("http://")

    code, out, err = await trying("try", bare, "--allow-private")

    assert (code, err) == (0, "")
    assert f'url = "http://{bare}"' in out


async def test_an_account_is_looked_up(trying: Command) -> None:
    """By the address of its page, which itself is of no use."""
    posts = [{"id": "1", "uri": f"{trying.server.url}/1", "content": "hello"}]
    account = {"id": "7", "acct": "ada"}
    trying.server.put("/api/v1/accounts/lookup", json.dumps(account))
    trying.server.put("/api/v1/accounts/7/statuses", json.dumps(posts))

    code, out, _ = await trying("try", f"{trying.server.url}/@ada", "--allow-private")

    assert code == 0
    assert 'acct = "ada"' in out
    assert "hello" in out


async def test_what_cannot_be_had_is_told(trying: Command) -> None:
    """Private addresses, missing keys, and pages without anything."""
    trying.server.put("/", "<p>Nothing here</p>")

    private = await trying("try", trying.server.url)
    nothing = await trying("try", trying.server.url, "--allow-private")
    keyless = await trying("try", "https://x.com/radio", "--allow-private")

    assert [one[0] for one in (private, nothing)] == [1, 1]
    assert "not an address of the public internet" in private[2]
    assert "found nothing to read there" in nothing[2]
    assert "X_TOKEN" in keyless[2]


async def test_no_variable_of_ours_reaches_a_link(trying: Command) -> None:
    """A page may name one in its links, and would be told what it holds."""
    trying.environment["STATION_SECRET"] = "hunter2"
    page = (
        '<link rel="alternate" type="application/rss+xml" href="/f?${STATION_SECRET}">'
    )
    trying.server.put("/", page)
    trying.server.answers["/f"] = answer(404)

    await trying("try", f"{trying.server.url}/", "--allow-private")

    asked = [request.split(" ")[1] for request in trying.server.requests]
    assert "/f?%24{STATION_SECRET}" in asked
    assert not any("hunter2" in request for request in trying.server.requests)
