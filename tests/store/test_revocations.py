"""The list of revocations in MongoDB: what is kept, for how long, and how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedsvc.core.revocation import Revocation
from feedsvc.errors import TooMany
from feedsvc.store import Database
from feedsvc.store.revocations import MARGIN, REVOCATIONS, RevocationStore

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
async def store(database: Database) -> RevocationStore:
    """An empty list."""
    store = RevocationStore(database)
    await store.prepare()
    return store


async def test_revocations_come_back_as_they_were_added(
    store: RevocationStore,
) -> None:
    """Of tokens and of subjects, whatever they are called."""
    added = [
        Revocation(token_id="a b"),
        Revocation(token_id="subject x", expires_at=NOON),
        Revocation(None, "ada lovelace", NOON),
        Revocation(None, "bob", NOON, NOON + timedelta(days=1)),
    ]

    for one in added:
        await store.add(one)
    found = await store.all()

    later = [
        Revocation(
            one.token_id,
            one.subject,
            one.issued_before,
            one.expires_at and one.expires_at + MARGIN,
        )
        for one in added
    ]
    assert sorted(found, key=str) == sorted(later, key=str)


async def test_revoking_a_subject_again_never_takes_anything_back(
    store: RevocationStore,
) -> None:
    """The later instant stays, and the later end."""
    await store.add(Revocation(None, "ada", NOON))

    await store.add(Revocation(None, "ada", NOON - timedelta(days=1), NOON))

    assert await store.all() == [Revocation(None, "ada", NOON)]


async def test_mongodb_forgets_what_is_over(
    store: RevocationStore, database: Database
) -> None:
    """By an index on the end, some time after it."""
    await store.add(Revocation(token_id="a", expires_at=NOON))

    indexes = await database[REVOCATIONS].index_information()
    document = await database[REVOCATIONS].find_one()

    assert indexes["expiry"]["expireAfterSeconds"] == 0
    assert document is not None
    assert document["expire_at"] == NOON + MARGIN


async def test_there_is_room_for_so_many_and_no_more(
    store: RevocationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process reads all of them all the time."""
    monkeypatch.setattr("feedsvc.store.revocations.MAX_REVOCATIONS", 3)
    for number in range(3):
        await store.add(Revocation(token_id=str(number)))

    with pytest.raises(TooMany, match="revocations: at most 3 at a time"):
        await store.add(Revocation(token_id="one too many"))
