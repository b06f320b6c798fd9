"""What is hidden is not told by the clock either: the same queries, and the same work.

Not measured but counted: the commands that a request costs MongoDB, and what it
answers to each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient, monitoring

from tests.net.station import (
    FOREIGN_CURSOR,
    NOON,
    Station,
    lived_in,
    make_settings,
    own_database,
    post,
    serving,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What the service does by itself, whoever asks for what.
OWN = {"hello", "getMore", "ping", "endSessions", "killCursors"}
OF_OTHERS = {"items"}


class Commands(monitoring.CommandListener):
    """The commands on items: what each was, its parts, and how much came back."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, tuple[str, ...], int]] = []
        self._open: dict[int, tuple[str, ...]] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in OWN:
            return
        if event.command.get(event.command_name) in OF_OTHERS:
            self._open[event.request_id] = tuple(sorted(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        parts = self._open.pop(event.request_id, None)
        if parts is not None:
            found = event.reply.get("cursor", {}).get("firstBatch", [])
            self.seen.append((event.command_name, parts, len(found)))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._open.pop(event.request_id, None)


@pytest.fixture(scope="module")
def commands() -> Commands:
    """What the station of this module asks its database."""
    return Commands()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory, commands: Commands
) -> AsyncIterator[Station]:
    """A station with a private past, whose queries are counted."""
    data_dir: Path = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        listening: Any = partial(AsyncMongoClient, event_listeners=[commands])
        patch.setattr("feedsvc.store.database.AsyncMongoClient", listening)
        async with (
            own_database(mongod_uri) as uri,
            serving(make_settings(uri, data_dir)) as station,
        ):
            await lived_in(station)
            await station.publish("secret.plans", post("hidden", NOON), post("gone"))
            await station.publish("radio.staff.pay", post("paid", NOON))
            await station.publisher.delete("gone")
            yield station


async def cost(
    station: Station, commands: Commands, path: str, **query: object
) -> tuple[object, ...]:
    """Return all that a stranger could tell an answer by."""
    commands.seen.clear()
    answer = await station.http.ask("GET", path, **query)
    return answer.status, answer.error, tuple(commands.seen)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/channels/{}/items", {}),
        ("/api/channels/{}/items", {"types": "post,event"}),
        ("/api/channels/{}/items", {"limit": 500, "before": "MTc2NDAwMDAwMDAwMCB4"}),
        ("/api/channels/{}/items", {"after": FOREIGN_CURSOR}),
        ("/feeds/{}.atom", {}),
        ("/feeds/{}.ics", {}),
    ],
)
@pytest.mark.parametrize(
    ("hidden", "missing"),
    [
        ("secret.plans", "nobody.plans"),
        ("radio.staff.pay", "radio.nobody.pay"),
        ("secret.*.x", "nobody.*.x"),
    ],
)
async def test_a_private_channel_costs_the_same_queries_as_a_missing_one(
    watched: Station,
    commands: Commands,
    path: str,
    query: dict[str, object],
    hidden: str,
    missing: str,
) -> None:
    """And all of them find nothing."""
    of_hidden = await cost(watched, commands, path.format(hidden), **query)
    of_missing = await cost(watched, commands, path.format(missing), **query)

    assert of_hidden == of_missing
    assert of_hidden[0] == 404
    assert of_hidden[2], "nothing was asked of the database"


@pytest.mark.parametrize("hidden", ["hidden", "gone", "paid"])
async def test_a_private_item_costs_the_same_queries_as_a_missing_one(
    watched: Station, commands: Commands, hidden: str
) -> None:
    """Nor does it leave the database, to be thrown away."""
    of_hidden = await cost(watched, commands, f"/api/items/{hidden}")
    of_missing = await cost(watched, commands, "/api/items/nobody's")

    assert of_hidden == of_missing
    assert of_hidden[2] == (("find", of_hidden[2][0][1], 0),)


async def test_what_is_not_hidden_is_found_by_the_same_queries(
    watched: Station, commands: Commands
) -> None:
    """Else the tests above would count nothing."""
    commands.seen.clear()
    answer = await watched.http.item("hidden", token=watched.token(read=["secret"]))

    assert answer.status == 200
    assert [(name, found) for name, _, found in commands.seen] == [("find", 1)]
