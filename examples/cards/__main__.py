"""``python -m examples.cards TABLE PLAYER PLAYER…``: deal, or take a table over."""

from __future__ import annotations

import argparse
import os
import time
from urllib.parse import urlencode

import jwt

from examples.cards.dealer import Dealer
from feedsvc.client import Feed, ServiceError

EVENING_S = 6 * 3600


def token(user: str, **rights: list[str]) -> str:
    """Return a token for one evening."""
    claims = {"sub": user, "exp": int(time.time()) + EVENING_S, **rights}
    return jwt.encode(claims, os.environ["FEEDSVC_SECRET"], "HS256")


def main() -> None:
    """Read the command line, print a link for each player, and deal."""
    parser = argparse.ArgumentParser(prog="python -m examples.cards")
    parser.add_argument("table")
    parser.add_argument("players", nargs="+", metavar="player")
    parser.add_argument("--page", default="http://127.0.0.1:5000/")
    options = parser.parse_args()
    if not 2 <= len(set(options.players)) == len(options.players) <= 4:
        parser.error("a table has two to four players of different names")
    table = f"cards.{options.table}"
    for player in options.players:
        seen = [f"{table}.table", f"{table}.hands.{player}"]
        may = token(player, read=seen, publish=[f"{table}.moves.{player}"])
        link = urlencode({"table": options.table, "player": player, "token": may})
        print(f"{options.page}#{link}")
    url = os.environ.get("FEEDSVC_URL", "http://127.0.0.1:8080")
    feed = Feed(url, token("dealer", read=[table], publish=[table]))
    try:
        dealer = Dealer(feed, options.table, options.players)
        dealer.run()
        print(f"{dealer.game.winner} has won")
    except ServiceError as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        print("stopped")


main()
