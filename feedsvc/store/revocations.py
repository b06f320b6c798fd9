"""Revoked tokens in MongoDB, which forgets them when the tokens are over anyway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.read_concern import ReadConcern

from feedsvc.core.revocation import Revocation
from feedsvc.errors import TooMany
from feedsvc.store.database import Database, database_errors
from feedsvc.store.documents import Document

REVOCATIONS = "revocations"

# Every process reads all of them every other second; a subject stands for any number
# of tokens, so that this is plenty.
MAX_REVOCATIONS = 10_000

# MongoDB's clock may be ahead of those that tell when a token is over.
MARGIN = timedelta(hours=1)
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)

_INDEXES = [IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0)]


class RevocationStore:
    """The revocations of one deployment."""

    def __init__(self, database: Database) -> None:
        self._revocations = database.get_collection(
            REVOCATIONS, read_concern=ReadConcern("majority")
        )

    @database_errors()
    async def prepare(self) -> None:
        """Make the index by which MongoDB forgets."""
        await self._revocations.create_indexes(_INDEXES)

    @database_errors()
    async def add(self, revocation: Revocation) -> None:
        """Keep the revocation; a subject's only ever grow.

        Raise ``TooMany`` if there is no room.
        """
        if await self._revocations.estimated_document_count() >= MAX_REVOCATIONS:
            rule = f"at most {MAX_REVOCATIONS} at a time; revoke subjects"
            raise TooMany("revocations", rule)
        found, fields = _to_document(revocation)
        await self._revocations.update_one(
            {"_id": found}, {"$max": fields}, upsert=True
        )

    @database_errors()
    async def all(self) -> list[Revocation]:
        """Return every revocation that is not over."""
        cursor = self._revocations.find().limit(2 * MAX_REVOCATIONS)
        return [_to_revocation(document) for document in await cursor.to_list()]


def _to_document(revocation: Revocation) -> tuple[str, Document]:
    over = revocation.expires_at
    fields: Document = {
        "expire_at": FOR_GOOD if over is None else min(over + MARGIN, FOR_GOOD)
    }
    if revocation.subject is None:
        return f"token {revocation.token_id}", fields
    return f"subject {revocation.subject}", {
        **fields,
        "issued_before": revocation.issued_before,
    }


def _to_revocation(document: dict[str, Any]) -> Revocation:
    kind, _, name = document["_id"].partition(" ")
    over = document["expire_at"]
    return Revocation(
        token_id=name if kind == "token" else None,
        subject=name if kind == "subject" else None,
        issued_before=document.get("issued_before"),
        expires_at=None if over >= FOR_GOOD else over,
    )
