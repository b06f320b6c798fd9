"""``feedsvc backup`` and ``restore``: everything as lines of JSON, and back."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from feedsvc.cli.command import Commands
from feedsvc.cli.database import database_of
from feedsvc.config import Settings
from feedsvc.errors import ConfigError
from feedsvc.store.backup import Restored, dump, restore
from feedsvc.store.items import ItemStore

PROGRESS_S = 0.5


def register(commands: Commands) -> None:
    """Add ``backup`` and ``restore``."""
    told = "Write all items, held ones too, as lines of JSON."
    one = commands.add("backup", _backup, told, json=False)
    one.add_argument(
        "file", nargs="?", default="-", help="file to write; - is standard output"
    )
    told = "Write back what a backup has and the database has not, or has older."
    one = commands.add("restore", _restore, told)
    one.add_argument(
        "file", nargs="?", default="-", help="file to read; - is standard input"
    )


class Progress:
    """A count on the terminal, if somebody looks at one."""

    def __init__(self, told: str) -> None:
        self._told = told
        self._is_shown = sys.stderr.isatty()
        self._next_at = time.monotonic() + PROGRESS_S

    def show(self, count: int, *, last: bool = False) -> None:
        """Tell the count, though not too often."""
        now = time.monotonic()
        if self._is_shown and (last or now >= self._next_at):
            self._next_at = now + PROGRESS_S
            end = "\n" if last else ""
            print(f"\r{self._told} {count:,}", end=end, file=sys.stderr, flush=True)


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    async def work(file: IO[str]) -> int:
        progress, count = Progress("documents written"), -2
        async with database_of(settings) as database:
            async for line in dump(database):
                file.write(f"{line}\n")
                count += 1
                progress.show(count)
        progress.show(count, last=True)
        return count

    with _opened(options.file, "w", sys.stdout) as file:
        asyncio.run(work(file))
        file.flush()
    return 0


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    async def work(file: IO[str]) -> Restored:
        progress, done = Progress("documents read"), Restored()
        async with database_of(settings) as database:
            await ItemStore(database, settings.channel_rules).prepare()
            async for done in restore(database, file):
                progress.show(done.seen)
        progress.show(done.seen, last=True)
        return done

    with _opened(options.file, "r", sys.stdin) as file:
        done = asyncio.run(work(file))
    if options.json:
        print(json.dumps({"written": done.written, "kept": done.kept}))
    else:
        told = f"{done.kept:,} were there already, as new or newer"
        print(f"{done.written:,} documents written; {told}")
    return 0


@contextmanager
def _opened(name: str, mode: str, standard: TextIO) -> Iterator[IO[str]]:
    if name == "-":
        yield standard
        return
    draft = Path(f"{name}.part") if mode == "w" else Path(name)
    try:
        with draft.open(mode, encoding="utf-8") as file:
            yield file
        if mode == "w":
            # Half a backup never has the name of a whole one.
            draft.replace(name)
    except OSError as error:
        raise ConfigError([f"{name}: {error.strerror}"]) from error
