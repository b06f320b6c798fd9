"""The card game keeps its cards together, and its players to the rules."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.cards.rules import DECK, DRAW, HAND, Game, IllegalMove, deal, move

names = st.sampled_from([("ada", "bob"), ("ada", "bob", "cy"), tuple("abcd")])
games = st.builds(deal, names, st.permutations(DECK))

# A busy machine may take its time.
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def cards(game: Game) -> Counter[str]:
    return Counter([*game.pile, *game.discards, *sum(game.hands, ())])


@FEW
@given(games, st.data())
def test_cards_are_neither_lost_nor_made(game: Game, data: st.DataObject) -> None:
    """However the game goes, each card is in one place, and turns go round."""
    for number in range(data.draw(st.integers(0, 60))):
        if game.winner:
            break
        player = game.players[number % len(game.players)]
        game = move(game, player, data.draw(st.sampled_from(game.legal(player))))

    assert cards(game) == Counter(DECK)


@FEW
@given(games, st.data())
def test_only_legal_moves_are_made(game: Game, data: st.DataObject) -> None:
    """Another's turn or card, or one that does not fit, is refused."""
    player = data.draw(st.sampled_from(game.players))
    choice = data.draw(st.sampled_from([*DECK, DRAW, "nonsense"]))
    fits = choice == DRAW or (
        choice in game.hand(player) and bool(set(choice) & set(game.top))
    )

    if player == game.players[0] and fits:
        assert move(game, player, choice).turn == game.players[1]
    else:
        with pytest.raises(IllegalMove):
            move(game, player, choice)


def test_who_has_no_card_left_has_won() -> None:
    """And nobody may move any more."""
    game = Game(("ada", "bob"), (("♣7",), ("♦8",) * HAND), (), ("♣8",))

    over = move(game, "ada", "♣7")

    assert over.winner == "ada"
    assert over.legal("bob") == ()
    with pytest.raises(IllegalMove):
        move(over, "bob", DRAW)


def test_an_empty_pile_is_made_of_the_discards() -> None:
    """All but the top; with nothing to turn over a draw is a pass."""
    game = Game(("ada", "bob"), (("♣7",), ("♦8",)), (), ("♥A", "♥K"))

    drawn = move(game, "ada", DRAW)
    passed = move(drawn, "bob", DRAW)

    assert (drawn.hand("ada"), drawn.pile, drawn.discards) == (
        ("♣7", "♥A"),
        (),
        ("♥K",),
    )
    assert passed.hand("bob") == ("♦8",)
