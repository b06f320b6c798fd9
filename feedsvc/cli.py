"""The commands of ``feedsvc``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedsvc import __version__, app, logs, workers
from feedsvc.client import Event, Feed, ServiceError
from feedsvc.config import Settings, duration_s, from_environment
from feedsvc.core.channel import STAR
from feedsvc.errors import ConfigError, FeedError
from feedsvc.net.tokens import Tokens, from_settings

# A command that speaks to the service of this machine signs its own short token.
OWN_TOKEN = timedelta(minutes=5)
RETRY_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = from_environment(options.config)
        logs.set_up(settings.server.log_level)
        command: Callable[[argparse.Namespace, Settings], int] = options.command
        return command(options, settings)
    except (FeedError, ValueError) as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough, as in "feedsvc tail … | head".
        sys.stderr.close()
        return 0


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    def announce(where: app.Running) -> None:
        lines = [f"feedsvc is ready at {where.url}"]
        if where.admin_port:
            lines.append(f"  metrics    http://127.0.0.1:{where.admin_port}/metrics")
        if settings.server.mongodb_uri is None:
            lines.append(f"  MongoDB    {where.mongodb_uri} (private)")
        print("\n".join(lines), flush=True)

    if options.workers is not None:
        server = replace(settings.server, workers=options.workers)
        settings = replace(settings, server=server)
    run = workers.serve if settings.server.workers > 1 else app.serve
    asyncio.run(run(settings, announce))
    return 0


def _publish(options: argparse.Namespace, settings: Settings) -> int:
    items = _items_to_publish(options)
    feed = _feed(options, settings, publish=[options.channel])
    if isinstance(items, list):
        results = feed.publish_many(options.channel, items)
    else:
        results = [feed.publish(options.channel, items)]
    for result in results:
        if options.json:
            print(json.dumps(result, ensure_ascii=False))
        elif "error" in result:
            print(f"refused    {result['error']['text']}")
        else:
            print(f"{result['status']:<10} {result['id']} rev {result['rev']}")
    return 1 if any("error" in result for result in results) else 0


def _tail(options: argparse.Namespace, settings: Settings) -> int:
    feed = _feed(options, settings)
    for event in _events(feed, options.channel, options.backlog):
        for change, item in _changes(event):
            if options.json:
                print(json.dumps(item, ensure_ascii=False), flush=True)
            else:
                print(f"{change:<8} {_line(item)}".lstrip(), flush=True)
    return 0


def _backlog(options: argparse.Namespace, settings: Settings) -> int:
    feed = _feed(options, settings)
    types = options.types.split(",") if options.types else []
    page = feed.backlog(options.channel, options.limit, types=types)
    for item in page["items"]:
        print(json.dumps(item, ensure_ascii=False) if options.json else _line(item))
    return 0


def _channels(options: argparse.Namespace, settings: Settings) -> int:
    tree = _feed(options, settings).channels()
    if options.json:
        print(json.dumps(tree, ensure_ascii=False))
    else:
        for depth, node in _walk(tree):
            name = "  " * depth + node["channel"].rpartition(".")[2]
            print(f"{name:<40} {node['items']:>8} {node['total']:>8}")
    return 0


def _token(options: argparse.Namespace, settings: Settings) -> int:
    token = _tokens(settings).issue(
        options.subject,
        read=options.read,
        publish=options.publish,
        admin=options.admin,
        lifetime=timedelta(seconds=options.expires),
        now=datetime.now(UTC),
    )
    print(json.dumps({"token": token}) if options.json else token)
    return 0


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


def _items_to_publish(options: argparse.Namespace) -> Any:
    """Return what the options say, or else the JSON of the file."""
    if options.text is not None or options.title is not None:
        item = {"type": options.type, "id": options.id, "url": options.url}
        return {**item, "title": options.title, "content_text": options.text}
    name = options.file
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        return json.loads(text)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"{name}: is not JSON: {error}"]) from error


def _feed(
    options: argparse.Namespace,
    settings: Settings,
    *,
    publish: Sequence[str] = (),
) -> Feed:
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = options.url_of_service or f"http://{host}:{server.port}"
    token = options.token
    if token is None and _has_secret(options, settings):
        # Who has the secret may read everything.
        token = _tokens(settings).issue(
            "feedsvc-cli",
            read=[STAR],
            publish=publish,
            lifetime=OWN_TOKEN,
            now=datetime.now(UTC),
        )
    return Feed(url, token)


def _has_secret(options: argparse.Namespace, settings: Settings) -> bool:
    """True if the secret at hand is that of the service that is spoken to."""
    if settings.auth.secret is not None:
        return True
    # What lies in our data directory says nothing of a service elsewhere.
    is_own = options.url_of_service is None
    return is_own and (settings.server.data_dir / "secret").is_file()


def _tokens(settings: Settings) -> Tokens:
    return from_settings(settings.auth, settings.server.data_dir)


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


def _complain(error: Exception) -> None:
    faults = error.faults if isinstance(error, ConfigError) else [str(error)]
    for fault in faults:
        print(f"feedsvc: {fault}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="feedsvc", description="A live feed over MongoDB and SockJS."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str,
        command: Callable[[argparse.Namespace, Settings], int],
        told: str,
        *,
        remote: bool = True,
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=told, description=told)
        one.set_defaults(command=command)
        one.add_argument("--config", metavar="FILE", help="TOML file (FEEDSVC_CONFIG)")
        if name != "serve":
            one.add_argument("--json", action="store_true", help="print JSON lines")
        if remote:
            _add_remote(one)
        return one

    one = add(
        "serve", _serve, "Run the service until it is told to stop.", remote=False
    )
    one.add_argument("--workers", type=int, metavar="N", help="processes to run")
    one = add("publish", _publish, "Publish one item or a list of items.")
    one.add_argument("channel", help="channel such as radio.artist.news")
    one.add_argument(
        "file", nargs="?", default="-", help="JSON file; - is standard input"
    )
    one.add_argument("--type", default="post", help="type for --text and --title")
    one.add_argument("--title", help="publish an item with this title")
    one.add_argument("--text", help="publish an item with this text")
    one.add_argument("--id", help="id for --text and --title")
    one.add_argument("--url", help="link for --text and --title")
    one = add("tail", _tail, "Print what happens in a channel and below, live.")
    one.add_argument("channel")
    one.add_argument("--backlog", type=int, default=10, help="items to begin with")
    one = add("backlog", _backlog, "Print the newest items of a channel and below.")
    one.add_argument("channel")
    one.add_argument("--limit", type=int, default=20, help="number of items, up to 500")
    one.add_argument("--types", help="item types, comma-separated")
    add("channels", _channels, "Print the channels with their own and all items.")
    one = add("token", _token, "Make a token, signed with the secret.", remote=False)
    one.add_argument("--subject", default="cli", help="whom the token is for")
    for right, told in (("read", "open"), ("publish", "publish in")):
        one.add_argument(
            f"--{right}",
            action="append",
            default=[],
            metavar="CHANNEL",
            help=f"channel to {told}, and all below; repeatable",
        )
    one.add_argument("--admin", action="store_true", help="may do everything")
    one.add_argument(
        "--expires", type=_lifetime, default=3_600, help="lifetime, such as 12h or 30d"
    )
    return parser


def _lifetime(text: str) -> int:
    try:
        return duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_remote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service",
        dest="url_of_service",
        default=os.environ.get("FEEDSVC_URL"),
        metavar="URL",
        help="address of the service (FEEDSVC_URL)",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("FEEDSVC_TOKEN"),
        help="token to use (FEEDSVC_TOKEN); else one is signed with the secret",
    )
