"""All that a deployment can't get back from elsewhere, as lines of JSON, and back.

A backup is one snapshot: everything in it was true at the same moment.  Restoring
writes only what is newer than what is there, so it can be repeated, and broken off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import json_util
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from feedsvc import __version__
from feedsvc.errors import BadInput
from feedsvc.store.audit import AUDIT
from feedsvc.store.database import Database, database_errors
from feedsvc.store.queries import ITEMS
from feedsvc.store.revocations import REVOCATIONS
from feedsvc.store.sources import SOURCES

FORMAT, VERSION = "feedsvc backup", 1
COLLECTIONS = (ITEMS, SOURCES, AUDIT, REVOCATIONS)
BATCH = 500

_DUPLICATE_KEY = 11000

Document = dict[str, Any]
Operation = InsertOne[Document] | ReplaceOne[Document]


class BadBackup(BadInput):
    """The stream is not a backup that this version can read, or it is cut off."""

    code = "bad_message"

    def __init__(self, rule: str) -> None:
        super().__init__("backup", rule)


@dataclass(slots=True)
class Restored:
    """What became of the documents so far."""

    written: int = 0
    kept: int = 0
    expected: int | None = None

    @property
    def seen(self) -> int:
        return self.written + self.kept


async def dump(database: Database) -> AsyncIterator[str]:
    """Yield the lines of a backup: a head, the documents, and how many they were."""
    count = 0
    head = {"format": FORMAT, "version": VERSION, "feedsvc": __version__}
    yield json.dumps({**head, "at": datetime.now(UTC).isoformat(timespec="seconds")})
    async with database.client.start_session(snapshot=True) as session:
        for name in COLLECTIONS:
            cursor = database[name].find({}, session=session, batch_size=BATCH)
            async for document in cursor:
                count += 1
                line = {"collection": name, "document": document}
                yield json_util.dumps(line, json_options=_OPTIONS)
    yield json.dumps({"documents": count})


async def restore(database: Database, lines: Iterable[str]) -> AsyncIterator[Restored]:
    """Write what the lines have; yield how far it is after every batch.

    Raise ``BadBackup`` before anything is written if the head is not one of ours, and
    at the end if the stream was cut off.
    """
    stream = iter(lines)
    _require_head(next(stream, ""))
    done = Restored()
    batch: list[tuple[str, Document]] = []
    for number, line in enumerate(stream, start=2):
        entry = _entry(line, number)
        if "documents" in entry:
            done.expected = entry["documents"]
            break
        batch.append((entry["collection"], entry["document"]))
        if len(batch) >= BATCH:
            await _write(database, batch, done)
            batch = []
            yield done
    await _write(database, batch, done)
    yield done
    if done.expected != done.seen:
        told = f"{done.seen} of {done.expected or 'an unknown number of'} documents"
        raise BadBackup(f"is cut off: {told} were read; what was read is restored")


def _require_head(line: str) -> None:
    try:
        head = json.loads(line)
        found = head["format"], head["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadBackup(f"must begin with a line that says {FORMAT!r}") from error
    if found != (FORMAT, VERSION):
        told = " version ".join(map(str, found))
        raise BadBackup(f"must be {FORMAT!r} version {VERSION}, not {told}")


def _entry(line: str, number: int) -> Document:
    try:
        entry: Document = json_util.loads(line, json_options=_OPTIONS)
        known = "documents" in entry or entry["collection"] in COLLECTIONS
        good = known and ("documents" in entry or "_id" in entry["document"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadBackup(f"line {number} is not one of a backup") from error
    if not good:
        raise BadBackup(f"line {number} is not one of a backup")
    return entry


@database_errors()
async def _write(
    database: Database, batch: Sequence[tuple[str, Document]], done: Restored
) -> None:
    for name in COLLECTIONS:
        documents = [one for collection, one in batch if collection == name]
        if not documents:
            continue
        operations = [_operation(name, one) for one in documents]
        lost = 0
        try:
            await database[name].bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            failed = (error.details or {}).get("writeErrors", [])
            if any(one["code"] != _DUPLICATE_KEY for one in failed):
                raise
            lost = len(failed)
        done.kept += lost
        done.written += len(documents) - lost


def _operation(collection: str, document: Document) -> Operation:
    """Replace what is older; what is not makes the upsert fail by its key."""
    if collection != ITEMS:
        # What was learnt since is newer than any backup; nobody holds a lease of it.
        for name in ("holder", "leased_until"):
            document.pop(name, None)
        return InsertOne(document)
    # To readers it is news again, unless there is nothing to show.
    document.pop("silent", None)
    if "channel" not in document:
        document["silent"] = True
    rev, version = document.get("rev"), document.get("version")
    older: list[Document] = []
    if rev is not None:
        older += [{"rev": {"$lt": rev}}, {"rev": None}]
    if version is not None:
        same = {"rev": rev}
        older += [{**same, "version": {"$lt": version}}, {**same, "version": None}]
    if not older:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "$or": older}, document, upsert=True)


_OPTIONS = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)
