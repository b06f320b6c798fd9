"""Delivery under faults in its short form, and that the check sees what is wrong."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

import pytest

from feedsvc.core.position import Cursor, Position
from ops.delivery.findings import (
    DISORDERED,
    DUPLICATED,
    LEAKED,
    LOST,
    STALE,
    Findings,
)
from ops.delivery.ledger import Entry, Ledger
from ops.delivery.model import Interest, Message, Model, Wire

ROOT = Path(__file__).resolve().parent.parent
RADIO = Interest("radio")
DATE = "2026-11-24T12:00:00.000Z"


def item(item_id: str = "x", rev: int = 1, **fields: Any) -> Message:
    """Return an item as it is sent."""
    common = {"id": item_id, "rev": rev, "channel": "radio.news", "date": DATE}
    return {**common, "type": "post", "content_text": f"text {rev}", **fields}


def live(at: int, sent: Message) -> Message:
    return {"msg": "item", "item": sent, "cursor": cursor(at)}


def cursor(at: int) -> str:
    return str(Cursor(b"test", Position(at, 1)))


class Connection:
    """A connection that was answered at position 10."""

    def __init__(self, *interests: Interest) -> None:
        self.findings = Findings()
        self.wire = Wire("a client", interests or (RADIO,), self.findings)
        self.answer(10)

    def answer(self, at: int, *items: Message, resumed: bool = True) -> None:
        message = {"items": items, "cursor": cursor(at), "resumed": resumed}
        self.wire.answer(RADIO, message)

    @property
    def broken(self) -> set[str]:
        return set(self.findings.broken)


def test_a_good_connection_breaks_no_promise() -> None:
    """Revisions in the order of their commits, and an answer in between."""
    connection = Connection()
    connection.wire.live(live(11, item(rev=1)))
    connection.answer(11, item(rev=1))
    connection.wire.live(live(12, item(rev=2)))

    assert connection.broken == set()


def test_what_comes_twice_is_seen() -> None:
    """Live on one connection, or in one answer."""
    twice_live, twice_answered = Connection(), Connection()
    twice_live.wire.live(live(11, item()))
    twice_live.wire.live(live(12, item()))
    twice_answered.answer(11, item(), item())

    assert twice_live.broken == {DUPLICATED}
    assert twice_answered.broken == {DUPLICATED}


@pytest.mark.parametrize("at", [9, 10])
def test_what_comes_late_is_seen(at: int) -> None:
    """What an answer covers must not come after it."""
    connection = Connection()
    connection.wire.live(live(at, item()))

    assert connection.broken == {DISORDERED}


def test_an_older_revision_after_a_newer_one_is_seen() -> None:
    """Even under a newer cursor."""
    connection = Connection()
    connection.wire.live(live(11, item(rev=2)))
    connection.wire.live(live(12, item(rev=1)))

    assert connection.broken == {DISORDERED}


@pytest.mark.parametrize("channel", ["radio.staff.rota", "shop", "radiology"])
def test_what_a_subscriber_may_not_get_is_seen(channel: str) -> None:
    """Private channels without a token, and those it did not ask for."""
    connection = Connection()
    connection.wire.live(live(11, item(channel=channel)))

    assert connection.broken == {LEAKED}


def test_a_token_opens_what_is_private() -> None:
    """And inside of it something may be public again."""
    with_token = Connection(Interest("radio", has_token=True))
    with_token.wire.live(live(11, item(channel="radio.staff.rota")))
    without = Connection()
    without.wire.live(live(11, item(channel="radio.staff.board.minutes")))

    assert with_token.broken == without.broken == set()


class Site:
    """A publisher with one acknowledged item, the database, and one model."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.ledger = Ledger()
        self.entry = self.ledger.entries["x"] = Entry("x", "radio.news", {})
        self.step("text 1")
        self.stored = {"x": item()}
        self.model = Model(RADIO)
        self.model.replace([item()], more=False, now=0)

    def step(self, text: str | None) -> None:
        self.entry.begin(text)
        self.entry.acknowledge()

    def check(self) -> set[str]:
        self.ledger.check_database(self.stored, self.findings)
        self.ledger.check_model("a client", self.model, self.stored, self.findings)
        return set(self.findings.broken)


def test_what_was_acknowledged_stored_and_shown_is_well() -> None:
    """Nothing to complain of."""
    assert Site().check() == set()


def test_an_acknowledged_item_that_is_not_stored_is_lost() -> None:
    """So is an edit that the database has not."""
    without_item, without_edit = Site(), Site()
    without_item.stored = {}
    without_item.model.known = {}
    without_edit.step("text 2")

    assert without_item.check() == {LOST}
    assert without_edit.check() == {LOST}


def test_what_was_written_twice_is_seen() -> None:
    """A revision more than there were steps."""
    site = Site()
    site.stored["x"]["rev"] = 2
    site.model.merge(item(rev=2, content_text="text 1"))

    assert site.check() == {DUPLICATED}


def test_a_step_of_unknown_outcome_may_have_happened_or_not() -> None:
    """Either is right."""
    site = Site()
    site.entry.begin("text 2")
    before = site.check()
    site.stored["x"] = item(rev=2)
    site.model.merge(item(rev=2))

    assert before == site.check() == set()


def test_a_model_that_misses_an_item_is_seen() -> None:
    """Above its floor, or published since: what is older it never asked for."""
    above, since, older = Site(), Site(), Site()
    for site, date in ((above, "2026"), (since, "2027"), (older, "2027")):
        site.model.replace([], more=False, now=0)
        site.model.floor = (date, "")
    older.model.based_at = site.entry.begun_at + 1

    assert above.check() == since.check() == {LOST}
    assert older.check() == set()


def test_a_model_that_shows_what_is_removed_or_old_is_seen() -> None:
    """A removal that was missed, and an edit that was."""
    removed, edited = Site(), Site()
    removed.step(None)
    removed.stored["x"] = item(rev=2, removed_at=DATE)
    edited.step("text 2")
    edited.stored["x"] = item(rev=2)

    assert removed.check() == {STALE}
    assert edited.check() == {LOST}


@pytest.mark.mongo
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_is_lost_repeated_disordered_or_leaked_under_faults() -> None:
    """One process, workers, and a replica set whose members fail: half a minute."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops.delivery", "--minutes", "0.6"),
        *("--setups", "single,workers,replicated"),
        cwd=ROOT,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()

    assert process.returncode == 0, output.decode()
