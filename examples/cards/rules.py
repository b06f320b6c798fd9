"""The rules, pure: follow the suit or the rank or draw; who has no card left wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

DECK = tuple(suit + rank for suit, rank in product("♣♦♥♠", "789XJQKA"))
DRAW = "draw"
HAND = 5


class IllegalMove(Exception):
    """The move is against the rules, or somebody else's turn."""


@dataclass(frozen=True, slots=True)
class Game:
    """What the table looks like to somebody who sees all cards."""

    players: tuple[str, ...]
    hands: tuple[tuple[str, ...], ...]
    pile: tuple[str, ...]
    discards: tuple[str, ...]
    moves: int = 0

    @property
    def top(self) -> str:
        return self.discards[-1]

    @property
    def turn(self) -> str:
        """The player who moves next."""
        return self.players[self.moves % len(self.players)]

    @property
    def winner(self) -> str | None:
        for player, hand in zip(self.players, self.hands, strict=True):
            if not hand:
                return player
        return None

    def hand(self, player: str) -> tuple[str, ...]:
        return self.hands[self.players.index(player)]

    def legal(self, player: str) -> tuple[str, ...]:
        """What the player may do now."""
        if self.winner or player != self.turn:
            return ()
        suit, rank = tuple(self.top)
        fit = [card for card in self.hand(player) if card[0] == suit or card[1] == rank]
        return (*fit, DRAW)


def deal(players: Sequence[str], deck: Sequence[str]) -> Game:
    """Deal from a shuffled deck; the card after the hands is turned up."""
    hands = [tuple(deck[i * HAND : (i + 1) * HAND]) for i in range(len(players))]
    rest = tuple(deck[len(players) * HAND :])
    return Game(tuple(players), tuple(hands), rest[1:], rest[:1])


def move(game: Game, player: str, choice: str) -> Game:
    """Return the game after a card, or ``DRAW``; raise ``IllegalMove``."""
    if choice not in game.legal(player):
        raise IllegalMove(player, choice)
    hand = game.hand(player)
    pile, discards = game.pile, game.discards
    if choice != DRAW:
        hand = tuple(card for card in hand if card != choice)
        discards = (*discards, choice)
    else:
        if not pile:  # the discards are turned over, all but the top
            pile, discards = discards[:-1], discards[-1:]
        hand, pile = hand + pile[:1], pile[1:]
    hands = tuple(
        hand if one == player else other
        for one, other in zip(game.players, game.hands, strict=True)
    )
    return replace(
        game, hands=hands, pile=pile, discards=discards, moves=game.moves + 1
    )
