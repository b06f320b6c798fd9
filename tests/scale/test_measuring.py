"""What is read off a real deployment, and what is made of the figures."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from feedsvc.store import Database
from feedsvc.store.queries import ITEMS
from ops.scale import report
from ops.scale.clients import ratio
from ops.scale.costs import fan_out
from ops.scale.report import PAGE, TABLES, render, time
from ops.scale.streams import Load, Writers, opened, pace
from ops.scale.trial import cpu_s, fit, gauge, rss_bytes
from tests.scale.prices import COSTS


@pytest.mark.mongo
async def test_streams_are_counted_and_items_written_at_a_pace(
    database: Database,
) -> None:
    """MongoDB tells of each stream that is open; it brings what was written."""
    writers = Writers(database)
    before = (await opened(database))["streams"]

    async with await database[ITEMS].watch() as stream:
        during = (await opened(database))["streams"]
        written = await pace(Load("some", 1_000, 7), 0.05, writers.items_of)
        brought = [await stream.next() for _ in range(written)]

    assert (before, during) == (0, 1)
    assert written == writers.items > 0
    assert [event["documentKey"]["_id"] for event in brought] == [
        f"scale:{number}" for number in range(written)
    ]


def test_a_process_is_looked_at_from_outside() -> None:
    """This one has used its processor and its memory."""
    assert cpu_s(os.getpid()) > 0
    assert rss_bytes(os.getpid()) > 1_000_000


def test_a_metric_is_summed_over_its_labels_and_no_other() -> None:
    """Names that only begin alike are others."""
    page = '# TYPE a gauge\na{x="1"} 2\na{x="2"} 3.5\na_total 100\n'

    assert gauge(page, "a") == 5.5
    assert gauge(page, "b") == 0


def test_a_line_tells_what_is_there_anyway_from_what_each_adds() -> None:
    """One point has no slope."""
    assert fit({1: 12.0, 2: 14.0, 4: 18.0}) == pytest.approx((10.0, 2.0))
    assert fit({1: 12.0}) == (12.0, 0.0)


def test_two_workers_are_compared_within_each_round() -> None:
    """A slow round is slow for both; a round with one of them tells nothing."""
    records = [
        {"round": 0, "workers": 1, "speed": 100},
        {"round": 0, "workers": 2, "speed": 190},
        {"round": 1, "workers": 1, "speed": 10},
        {"round": 1, "workers": 2, "speed": 21},
        {"round": 2, "workers": 2, "speed": 1},
    ]

    assert ratio(records, "speed") == pytest.approx((1.9 + 2.1) / 2)
    assert ratio(records[:1], "speed") is None


def test_the_price_of_an_item_in_a_frame_is_what_full_frames_cost_more() -> None:
    """A frame of ten that costs 19 where one of one costs 10: 1 for each more."""
    assert fan_out(
        [
            fan_out_record("feedsvc, realtime path", "one", items=1, frame_s=8e-6),
            fan_out_record("feedsvc, uncompressed", "one", items=1, frame_s=10e-6),
            fan_out_record("feedsvc, uncompressed", "fly", items=10, frame_s=19e-6),
        ]
    ) == pytest.approx({"frame_s": 8e-6, "extra_s": 1e-6})


def fan_out_record(server: str, mode: str, *, items: int, frame_s: float) -> Any:
    frames = 1_000
    return {
        "scenario": "fan-out",
        "server": server,
        "clients": 3_500,
        "mode": mode,
        "seconds": 2.0,
        "frames_per_s": frames,
        "deliveries_per_s": frames * items,
        "server_cpu_s": frames * 2.0 * frame_s,
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00123, "1.2 ms"), (0.0123, "12 ms"), (2, "2.0 s"), (5e-6, "5.0 µs")],
)
def test_times_are_written_with_two_digits(seconds: float, text: str) -> None:
    """In the unit that suits."""
    assert time(seconds) == text


def test_the_page_is_filled_between_its_markers_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each table of the report has its place; filling it twice changes nothing."""
    monkeypatch.setattr(report, "COUNT", 500)
    page = PAGE.read_text("utf-8")

    filled = render(page, COSTS)

    assert all(f"<!-- figures: {name} -->" in page for name in TABLES)
    assert filled.count("<!-- end of figures -->") == len(TABLES)
    assert prose(filled) == prose(page)
    assert render(filled, COSTS) == filled
    assert render("nothing to fill", COSTS) == "nothing to fill"


def prose(page: str) -> list[str]:
    """Return the lines of the page that are in no table, nor about one."""
    outside = re.sub(r"(?s)(<!-- figures: \w+ -->).*?(<!-- end)", r"\1\2", page)
    return outside.splitlines()
