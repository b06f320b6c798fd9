"""A game server: it takes the players' moves from the service and answers there.

Of a table it keeps nothing that the service does not have: the log says how the cards
lay and which moves were made.  One that dies is replaced by starting another.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from examples.cards.rules import DECK, Game, IllegalMove, deal, move
from feedsvc.client import Event, Feed, ServiceError

# Moves that came while no game server was there; more is noise, and one counts.
WAITING = 100
PAGE = 500
PAUSE_S = 1.0


class Dealer:
    """One table.  Nobody else deals at it: whoever starts dealers sees to that."""

    def __init__(self, feed: Feed, table: str, players: Sequence[str]) -> None:
        self._feed = feed
        self._channel = f"cards.{table}"
        self.game = self._resume() or self._begin(players)

    def run(self) -> None:
        """Take moves until somebody has won, also across breaks of the service."""
        while True:
            try:
                self._show()
                if self.game.winner:
                    return
                moves = f"{self._channel}.moves"
                self._follow(self._feed.events(moves, backlog=WAITING))
            except ServiceError as error:
                print(f"waiting: {error}")
            time.sleep(PAUSE_S)

    def _follow(self, events: Iterable[Event]) -> None:
        for event in events:
            items = event.data.get("items") or [event.data.get("item") or {}]
            for item in sorted(items, key=lambda each: told(each).get("number", 0)):
                self._consider(item)
            if self.game.winner:
                return

    def _consider(self, item: Mapping[str, Any]) -> None:
        """Make the move if it is one: its channel says whose, its number when."""
        said = told(item)
        if said.get("number") != self.game.moves:
            return  # made already, or too early
        player, choice = str(item["channel"]).rpartition(".")[2], said.get("choice")
        try:
            game = move(self.game, player, str(choice))
        except IllegalMove as error:
            print(f"not played: {error}")
            return
        # The log first: what it does not have has not happened, and what is shown
        # can be made again from it.
        self._log(game, {"player": player, "choice": choice})
        self.game = game
        self._show()

    def _begin(self, players: Sequence[str]) -> Game:
        deck = random.SystemRandom().sample(DECK, len(DECK))
        game = deal(players, deck)
        self._log(game, {"players": list(players), "deck": deck})
        return game

    def _resume(self) -> Game | None:
        """Play the log again; None if nothing has happened here yet."""
        entries = sorted(map(told, self._read_log()), key=lambda said: said["number"])
        if not entries:
            return None
        game = deal(entries[0]["players"], entries[0]["deck"])
        for entry in entries[1:]:
            game = move(game, entry["player"], entry["choice"])
        return game

    def _read_log(self) -> Iterator[dict[str, Any]]:
        before = None
        try:
            while True:
                page = self._feed.backlog(f"{self._channel}.log", PAGE, before=before)
                yield from page["items"]
                before = page["next"]
                if before is None:
                    return
        except ServiceError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def _log(self, game: Game, entry: Mapping[str, Any]) -> None:
        number = game.moves
        self._write("log", f"log.{number}", {"number": number, **entry})

    def _show(self) -> None:
        """Tell everybody the table, and each player the own hand."""
        game = self.game
        counts = {one: len(game.hand(one)) for one in game.players}
        table = {"top": game.top, "turn": game.turn, "counts": counts}
        for player in game.players:
            hand = {"hand": game.hand(player), "legal": game.legal(player)}
            self._write(f"hands.{player}", f"hand.{player}", self._numbered(hand))
        self._write("table", "table", self._numbered({**table, "winner": game.winner}))

    def _numbered(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        return {"number": self.game.moves, **shown}

    def _write(self, below: str, name: str, shown: Mapping[str, Any]) -> None:
        text = json.dumps(shown, ensure_ascii=False)
        item = {"id": f"{self._channel}.{name}", "type": "post", "content_text": text}
        self._feed.publish(f"{self._channel}.{below}", item)


def told(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an item says; nothing if a player wrote nonsense."""
    try:
        said = json.loads(item["content_text"])
    except (KeyError, ValueError, RecursionError):
        return {}
    good = isinstance(said, dict) and isinstance(said.get("number"), int)
    return said if good else {}
