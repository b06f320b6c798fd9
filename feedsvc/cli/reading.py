"""``feedsvc tail``, ``backlog`` and ``channels``: what readers see, on a terminal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from feedsvc import tables
from feedsvc.cli.command import Commands
from feedsvc.cli.remote import feed_of
from feedsvc.client import Event, Feed, ServiceError
from feedsvc.config import Settings

RETRY_S = 1.0


def register(commands: Commands) -> None:
    """Add the commands that read."""
    told = "Print what happens in a channel and below, live."
    one = commands.add("tail", _tail, told, remote=True)
    one.add_argument("channel")
    one.add_argument("--backlog", type=int, default=10, help="items to begin with")
    told = "Print the newest items of a channel and below."
    one = commands.add("backlog", _backlog, told, remote=True)
    one.add_argument("channel")
    one.add_argument("--limit", type=int, default=20, help="number of items, up to 500")
    one.add_argument("--types", help="item types, comma-separated")
    told = "Print the channels with their own and all items."
    commands.add("channels", _channels, told, remote=True)


def _tail(options: argparse.Namespace, settings: Settings) -> int:
    feed = feed_of(options, settings)
    for event in _events(feed, options.channel, options.backlog):
        for change, item in _changes(event):
            if options.json:
                print(json.dumps(item, ensure_ascii=False), flush=True)
            else:
                print(f"{change:<8} {_line(item)}".lstrip(), flush=True)
    return 0


def _backlog(options: argparse.Namespace, settings: Settings) -> int:
    feed = feed_of(options, settings)
    types = options.types.split(",") if options.types else []
    page = feed.backlog(options.channel, options.limit, types=types)
    for item in page["items"]:
        print(json.dumps(item, ensure_ascii=False) if options.json else _line(item))
    return 0


def _channels(options: argparse.Namespace, settings: Settings) -> int:
    tree = feed_of(options, settings).channels()
    if options.json:
        print(json.dumps(tree, ensure_ascii=False))
        return 0
    rows = [_row(depth, node) for depth, node in _walk(tree)]
    width = tables.width_of(sys.stdout)
    for line in tables.lines(rows, right=("items", "total"), width=width):
        print(line)
    return 0


def _row(depth: int, node: dict[str, Any]) -> dict[str, str]:
    name = "  " * depth + node["channel"].rpartition(".")[2]
    return {"channel": name, "items": str(node["items"]), "total": str(node["total"])}


def _changes(event: Event) -> list[tuple[str, dict[str, Any]]]:
    """Return what an event brings, in the order in which to print it."""
    if event.kind == "item":
        return [(event.data["change"], event.data["item"])]
    items = event.data.get("items", [])
    # A backlog comes newest first, but what was missed in the order of its commits.
    oldest_first = items if event.data.get("resumed") else items[::-1]
    return [("", item) for item in oldest_first]


def _events(feed: Feed, channel: str, backlog: int) -> Iterator[Event]:
    """Yield events for ever; after a break go on from the last cursor."""
    cursor: str | None = None
    while True:
        try:
            for event in feed.events(channel, backlog=backlog, since=cursor):
                cursor = event.cursor or cursor
                yield event
        except ServiceError as error:
            # The first try tells the user what is wrong; later ones are a restart.
            if cursor is None or 400 <= error.status < 500:
                raise
        time.sleep(RETRY_S)


def _line(item: dict[str, Any]) -> str:
    """Return an item as one line for people."""
    if item.get("removed"):
        return f"{item['channel']}  {item['id']} removed"
    told = item.get("title") or item.get("content_text") or item.get("url") or ""
    if item["type"] == "track" and "artist" in item:
        told = f"{item['artist']} – {told}"
    date = item["date"][:19].replace("T", " ")
    return f"{date}  {item['channel']}  [{item['type']}] {' '.join(told.split())[:100]}"


def _walk(
    nodes: Sequence[dict[str, Any]], depth: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    for node in nodes:
        yield depth, node
        yield from _walk(node["channels"], depth + 1)
