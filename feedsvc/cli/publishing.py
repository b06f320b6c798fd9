"""``feedsvc publish``: items from the command line, a file or a pipe."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from feedsvc.cli.command import Commands
from feedsvc.cli.remote import feed_of
from feedsvc.config import Settings
from feedsvc.core.channel import Channel
from feedsvc.errors import ConfigError


def register(commands: Commands) -> None:
    """Add ``publish``."""
    one = commands.add(
        "publish", _publish, "Publish one item or a list of items.", remote=True
    )
    one.add_argument("channel", help="channel such as radio.artist.news")
    one.add_argument(
        "file", nargs="?", default="-", help="JSON file; - is standard input"
    )
    one.add_argument("--type", default="post", help="type for --text and --title")
    one.add_argument("--title", help="publish an item with this title")
    one.add_argument("--text", help="publish an item with this text")
    one.add_argument("--id", help="id for --text and --title")
    one.add_argument("--url", help="link for --text and --title")


def _publish(options: argparse.Namespace, settings: Settings) -> int:
    # Before a token is made for it: what is wrong is the channel's fault.
    channel = Channel.parse(options.channel).path
    items = _items_to_publish(options)
    feed = feed_of(options, settings, publish=[channel])
    if isinstance(items, list):
        results = feed.publish_many(channel, items)
    else:
        results = [feed.publish(channel, items)]
    for result in results:
        if options.json:
            print(json.dumps(result, ensure_ascii=False))
        elif "error" in result:
            print(f"refused    {result['error']['text']}")
        else:
            print(f"{result['status']:<10} {result['id']} rev {result['rev']}")
    return 1 if any("error" in result for result in results) else 0


def _items_to_publish(options: argparse.Namespace) -> Any:
    """Return what the options say, or else the JSON of the file."""
    if options.text is not None or options.title is not None:
        item = {"type": options.type, "id": options.id, "url": options.url}
        return {**item, "title": options.title, "content_text": options.text}
    is_piped = options.file == "-"
    name = "standard input" if is_piped else options.file
    try:
        text = sys.stdin.read() if is_piped else Path(name).read_text("utf-8")
        return json.loads(text)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"{name}: is not JSON: {error}"]) from error
