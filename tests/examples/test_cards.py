"""A whole game over the service, with a game server that dies in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from examples.cards.rules import DECK
from tests.examples.looking import sees
from tests.examples.sites import PATIENCE_S, ROOT
from tests.net.clients import RawSocket
from tests.net.station import SECRET, Station
from tests.sockjs.chromium import chromium

pytestmark = [pytest.mark.mongo, pytest.mark.asyncio(loop_scope="module")]

PLAYERS = ("ada", "bob")
GAME_S = 90.0
# Whoever plays the first card that fits comes to an end in so many moves.
SHUFFLED = [DECK[number * 3 % len(DECK)] for number in range(len(DECK))]
MOVES = 13
STATUS = "document.getElementById('status').textContent"
CLICK = "setInterval(() => document.querySelector('#hand :enabled')?.click(), 30)"


@asynccontextmanager
async def game_server(
    service: str, table: str, page: str = "http://127.0.0.1/"
) -> AsyncIterator[tuple[Any, list[str]]]:
    """Start a game server; the value is its process and the players' links."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-u", "-m", "examples.cards", table, *PLAYERS, "--page", page),
        cwd=ROOT,
        env={**os.environ, "FEEDSVC_URL": service, "FEEDSVC_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            lines = [await process.stdout.readline() for _ in PLAYERS]
        yield process, [line.decode().strip() for line in lines]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def shuffle(station: Station, table: str) -> None:
    """Begin the log of a table, as a game server did that has died since."""
    first = {"number": 0, "players": PLAYERS, "deck": SHUFFLED}
    item = {"id": f"cards.{table}.log.0", "type": "post"}
    item["content_text"] = json.dumps(first)
    await station.publish(f"cards.{table}.log", item)


def told_by(link: str) -> dict[str, str]:
    """Return the table, the player and the token of a link."""
    return dict(parse_qsl(urlsplit(link).fragment))


@asynccontextmanager
async def page_server(service: str) -> AsyncIterator[str]:
    """Start the server of the players' page; the value is its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-u", "-m", "examples.cards.page", "--port", "0"),
        cwd=ROOT,
        env={**os.environ, "FEEDSVC_URL": service},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await process.stdout.readline()
        yield line.decode().strip()
    finally:
        process.kill()
        await process.communicate()


class Player:
    """Plays the first card that fits."""

    def __init__(self, socket: RawSocket, table: str, name: str) -> None:
        self._socket = socket
        self._table = table
        self._name = name
        self.seen: list[dict[str, Any]] = []

    @classmethod
    async def sit_down(cls, station: Station, link: str) -> Player:
        given = told_by(link)
        table, name = given["table"], given["player"]
        socket = await station.live()
        await socket.auth(given["token"])
        player = cls(socket, table, name)
        for channel in (f"cards.{table}.hands.{name}", f"cards.{table}.table"):
            answer = await socket.subscribe(channel, backlog=1)
            player.seen += [json.loads(one["content_text"]) for one in answer["items"]]
        return player

    async def play(self, until: int | None = None) -> str | None:
        """Play until somebody has won, or so many moves have been made."""
        while True:
            for shown in self.seen:
                if shown.get("winner") or shown["number"] == until:
                    return shown.get("winner")
            hands = [shown for shown in self.seen if shown.get("legal")]
            self.seen.clear()
            for shown in hands:
                await self._move(shown["number"], shown["legal"][0])
            [item] = await self._socket.next_items(1)
            self.seen.append(json.loads(item["content_text"]))

    async def _move(self, number: int, choice: str) -> None:
        item = {
            "id": f"{self._table}.{self._name}.{number}",
            "type": "post",
            "content_text": json.dumps({"number": number, "choice": choice}),
        }
        await self._socket.ask(
            "publish", channel=f"cards.{self._table}.moves.{self._name}", item=item
        )


async def test_a_game_outlives_its_server(station: Station) -> None:
    """Killed after some moves, another goes on with the very cards, to the end."""
    await shuffle(station, "t1")
    async with asyncio.timeout(GAME_S):
        async with game_server(station.url, "t1") as (_, links):
            players = [await Player.sit_down(station, link) for link in links]
            await asyncio.gather(*(one.play(until=4) for one in players))
        async with game_server(station.url, "t1") as (process, _):
            winners = await asyncio.gather(*(one.play() for one in players))
            assert await process.wait() == 0

    answer = await station.publisher.items("cards.t1.log", limit=500)
    log = sorted(
        (json.loads(one["content_text"]) for one in answer.json["items"]),
        key=lambda entry: entry["number"],
    )
    assert [entry["number"] for entry in log] == list(range(MOVES + 1))
    assert {winners[0]} == set(winners) == {log[-1]["player"]}


@pytest.mark.browser
async def test_a_game_is_played_in_a_browser(station: Station) -> None:
    """By clicks on what fits, against somebody who has another client."""
    await shuffle(station, "t2")
    async with (
        asyncio.timeout(GAME_S),
        page_server(station.url) as page,
        game_server(station.url, "t2", page) as (_, links),
        chromium() as tab,
    ):
        bob = await Player.sit_down(station, links[1])
        await tab.load(links[0])
        await tab.evaluate(CLICK)
        winner = await bob.play()
        await sees(tab, STATUS, f"{winner} has won.")


async def test_hands_are_for_their_owners(station: Station) -> None:
    """A player reads no other hand, no log, and moves for nobody else."""
    async with game_server(station.url, "t3") as (_, links):
        bob = await Player.sit_down(station, links[1])
        await bob.play(until=0)
        ada = station.client(told_by(links[0])["token"])

        for channel in ("hands.bob", "log", "moves.bob"):
            answer = await ada.items(f"cards.t3.{channel}")
            assert answer.status in (403, 404), channel
        answer = await ada.publish("cards.t3.moves.bob", {"type": "post"})
        assert answer.status == 403
