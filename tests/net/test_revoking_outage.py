"""Revocations while the database is away."""

from __future__ import annotations

import asyncio

import pytest

from feedsvc.core.revocation import Revocation
from feedsvc.errors import Unavailable
from feedsvc.net.revoking import Revoking
from feedsvc.net.tokens import Tokens
from feedsvc.store import Database
from feedsvc.store.revocations import RevocationStore
from tests.net.station import SECRET, until


async def test_an_outage_leaves_in_force_what_is_known(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Told once; the list is read again as soon as the database is back."""
    monkeypatch.setattr("feedsvc.net.revoking.POLL_S", 0.01)
    store, tokens = RevocationStore(database), Tokens(SECRET)
    revoking = Revoking(store, tokens)
    await revoking.add(Revocation(token_id="known"))
    read, outages = store.all, 0

    async def fail() -> list[Revocation]:
        nonlocal outages
        outages += 1
        if outages < 4:
            raise Unavailable("the database does not answer")
        return await read()

    monkeypatch.setattr(store, "all", fail)
    await store.add(Revocation(token_id="new"))
    keeping = asyncio.create_task(revoking.run())

    async def knows_both() -> bool:
        assert len(revoking) >= 1
        return len(revoking) == 2

    await until(knows_both, "the list to be read again")
    keeping.cancel()
    await asyncio.wait([keeping])

    assert caplog.text.count("revocations not read") == 1
