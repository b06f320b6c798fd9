"""How sources fare, as a table, as JSON and in figures."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.core import Metric

from feedsvc import sources
from feedsvc.cli import main
from feedsvc.core.health import Health, Standing
from feedsvc.store import Database
from feedsvc.store.sources import SourceState, SourceStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

HEALTH = Health(
    kind="feed",
    schedule="every 5m",
    channel="radio.news",
    last_success_at=NOW - timedelta(minutes=3),
    last_item_at=NOW - timedelta(hours=9),
    days={
        "2026-11-23": {"items": 30, "pause_s": 60},
        "2026-11-24": {"items": 4, "pause_s": 0},
    },
    budget=5_000,
    budget_text="5000/day",
    used=321,
)


def state(health: Health = HEALTH, **changed: object) -> SourceState:
    given = SourceState("news", NOW + timedelta(minutes=4), health=health)
    return replace(given, **changed)  # type: ignore[arg-type]


def test_a_row_says_what_a_person_wants_to_see() -> None:
    """In words and short."""
    assert sources.as_row(state(), NOW) == {
        "source": "news",
        "type": "feed",
        "standing": "ok",
        "last_success": "3 min ago",
        "next_due": "in 4 min",
        "failures": "0",
        "today": "4",
        "usual": "30",
        "requests": "321 of 5000/day",
        "why": "",
    }


@pytest.mark.parametrize(
    ("given", "standing", "told"),
    [
        (state(disabled_by="ada"), "disabled", "switched off by ada"),
        (state(replace(HEALTH, disabled="gone")), "disabled", "gone"),
        (state(replace(HEALTH, failures=3, error="answered 500")), "failing", "500"),
        (state(replace(HEALTH, quiet_since=NOW)), "quiet", "nothing new since 9 h"),
        (
            state(replace(HEALTH, error="used up", waits_until=NOW + timedelta(1))),
            "waiting",
            "used up",
        ),
        (state(replace(HEALTH, failures=2, error="answered 500")), "ok", "500"),
    ],
)
def test_the_worst_is_told_and_why(
    given: SourceState, standing: str, told: str
) -> None:
    """An operator looks for what is not "ok"."""
    row = sources.as_row(given, NOW)

    assert row["standing"] == standing
    assert told in row["why"]


def test_a_source_that_runs_now_is_not_due() -> None:
    """And one that never succeeded says so."""
    until = NOW + timedelta(seconds=30)

    row = sources.as_row(state(Health(), holder="h", leased_until=until), NOW)

    assert row["next_due"] == "running"
    assert row["last_success"] == "never"


def figures(states: list[SourceState]) -> dict[str, Metric]:
    return {one.name: one for one in sources.figures(states, NOW)}


def test_figures_count_every_source_and_label_the_first_ones() -> None:
    """A thousand sources are no thousand series of each figure."""
    many = [replace(state(), source=f"s{n}") for n in range(1_000)]
    many[-1] = replace(many[-1], disabled_by="ada")

    found = figures(many)

    sums = {
        one.labels["standing"]: one.value for one in found["feedsvc_sources"].samples
    }
    assert sums == {
        **dict.fromkeys(Standing, 0),
        Standing.OK: 999,
        Standing.DISABLED: 1,
    }
    labelled = found["feedsvc_source_items_today"].samples
    assert len(labelled) == sources.MAX_LABELLED
    assert found["feedsvc_source_requests_budget"].samples[0].value == 5_000
    assert found["feedsvc_source_takedown_seconds"].samples == []


def test_a_source_that_is_switched_off_is_never_due() -> None:
    """Else it would look forgotten, and somebody would be called."""
    off = replace(state(), disabled_by="ada")

    due = [
        figures([one])["feedsvc_source_next_due_timestamp_seconds"].samples
        for one in (state(), off)
    ]

    assert [len(samples) for samples in due] == [1, 0]


@pytest.mark.mongo
async def test_the_command_reads_the_database(
    database: Database,
    mongod_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whether a service runs or not."""
    store = SourceStore(database)
    lease = await store.lease("news", holder="h", now=NOW, ttl_s=60)
    assert lease is not None
    await store.finish(lease, {}, NOW, HEALTH)
    base, _, query = mongod_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{query}"
    monkeypatch.setenv("FEEDSVC_MONGODB_URI", uri)

    codes = [
        await asyncio.to_thread(main, ["sources"]),
        await asyncio.to_thread(main, ["sources", "--json"]),
    ]

    head, row, told = capsys.readouterr().out.splitlines()
    assert codes == [0, 0]
    assert head.startswith("SOURCE  TYPE  STANDING")
    assert "321 of 5000/day" in row
    assert json.loads(told)["items_usual"] == 30
