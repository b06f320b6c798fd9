"""What a complete calendar no longer has: kept, cancelled or removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.config import OnMissing
from ingest.sources.ical import CalendarSource
from tests.ingest.scene import Scene

pytestmark = pytest.mark.mongo


def calendar(*names: str, end: str = "END:VCALENDAR\r\n", day: int = 20) -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{name}\r\nSUMMARY:{name}\r\n"
        f"DTSTART:202612{day}T200000Z\r\nEND:VEVENT\r\n"
        for name in names
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}{end}"


@pytest.fixture
def hall(scene: Scene) -> Scene:
    scene.job = scene.job_of(
        CalendarSource("hall", f"{scene.server.url}/hall.ics"),
        on_missing=OnMissing.CANCEL,
    )
    return scene


async def show(scene: Scene, *names: str, times: int = 1, **options: str) -> None:
    scene.server.put("/hall.ics", calendar(*names, **options), 'ETag: "never changes"')
    for _ in range(times):
        scene.now += timedelta(hours=1)
        await scene.run()


async def statuses(scene: Scene) -> dict[str, str]:
    return {one.body["title"]: one.body["status"] for one in await scene.items()}


async def test_an_event_that_is_missing_twice_is_cancelled(hall: Scene) -> None:
    """Once may be a mistake of the server."""
    await show(hall, "a", "b", "c")

    await show(hall, "a", "b")
    once = await statuses(hall)
    await show(hall, "a", "b")
    twice = await statuses(hall)

    assert once == {"a": "scheduled", "b": "scheduled", "c": "scheduled"}
    assert twice == {"a": "scheduled", "b": "scheduled", "c": "cancelled"}


async def test_an_event_that_comes_back_takes_place(hall: Scene) -> None:
    """After a cancellation, and after a single fetch without it."""
    await show(hall, "a", "b", "c")
    await show(hall, "a", "b", times=2)
    await show(hall, "a", "b", "c")
    again = await statuses(hall)
    await show(hall, "a", "b")
    await show(hall, "a", "b", "c")
    await show(hall, "a", "b")

    flapping = await statuses(hall)

    assert again["c"] == "scheduled"
    assert flapping["c"] == "scheduled"


async def test_a_calendar_that_lost_half_of_itself_is_not_believed(
    hall: Scene,
) -> None:
    """However often it says so."""
    await show(hall, "a", "b", "c", "d")

    await show(hall, "a", "b", times=4)
    await show(hall, times=4)

    assert set((await statuses(hall)).values()) == {"scheduled"}


async def test_a_calendar_that_breaks_off_is_not_complete(hall: Scene) -> None:
    """What comes after the break nobody has seen."""
    await show(hall, "a", "b", "c")

    await show(hall, "a", "b", times=4, end="")

    assert (await statuses(hall))["c"] == "scheduled"


async def test_what_is_over_stays_as_it_was(hall: Scene) -> None:
    """Calendars drop what has been."""
    await show(hall, "a", "b", "c")
    hall.now += timedelta(days=30)

    await show(hall, "a", "b", times=3)

    assert (await statuses(hall))["c"] == "scheduled"


async def test_keep_is_the_default_and_remove_removes(hall: Scene) -> None:
    """Whichever the operator wants."""
    await show(hall, "a", "b", "c")
    source = hall.job.source
    hall.job = hall.job_of(source)
    await show(hall, "a", "b", times=3)
    kept = await statuses(hall)
    hall.job = hall.job_of(source, on_missing=OnMissing.REMOVE)
    await show(hall, "a", "b", times=3)

    removed = await statuses(hall)

    assert set(kept) == {"a", "b", "c"}
    assert set(removed) == {"a", "b"}
    assert (await hall.health()).takedowns == 1
