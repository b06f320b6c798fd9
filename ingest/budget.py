"""How many requests a source may make, and how many it has made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MAX_REQUESTS = 10_000_000

_WINDOWS_S = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Budget:
    """``5000/day``: so many requests in each minute, hour or day of UTC."""

    text: str
    requests: int
    window_s: int

    @classmethod
    def parse(cls, value: object) -> Budget:
        """Return the budget; raise ``ValueError`` with the rule."""
        text = value if isinstance(value, str) else ""
        found = re.fullmatch(r"\s*(\d{1,8})\s*/\s*(minute|hour|day)\s*", text)
        if found is None or not 1 <= int(found[1]) <= MAX_REQUESTS:
            raise ValueError('must be a number of requests such as "5000/day"')
        return cls(f"{int(found[1])}/{found[2]}", int(found[1]), _WINDOWS_S[found[2]])

    def began_at(self, now: datetime) -> datetime:
        """Return when the window began that ``now`` lies in."""
        seconds = int(now.timestamp()) // self.window_s * self.window_s
        return datetime.fromtimestamp(seconds, UTC)

    def ends_at(self, now: datetime) -> datetime:
        return self.began_at(now) + timedelta(seconds=self.window_s)


# What is counted of a source that has no budget.
A_DAY = Budget("", MAX_REQUESTS, _WINDOWS_S["day"])


class OverBudget(Exception):
    """One more request would be more than the budget allows before ``until``."""

    def __init__(self, budget: Budget, until: datetime) -> None:
        super().__init__(budget, until)
        self.budget = budget
        self.until = until

    def __str__(self) -> str:
        return f"the budget of {self.budget.text} is used up until {self.until:%H:%M}"


class Meter:
    """Counts the requests of one source in the window of its budget."""

    def __init__(
        self,
        budget: Budget | None,
        clock: Callable[[], datetime],
        used: int = 0,
        since: datetime | None = None,
    ) -> None:
        self._budget = budget or A_DAY
        self._clock = clock
        self.since = self._budget.began_at(clock())
        # What was used in a window that is over, or in one of another budget.
        self.used = used if since == self.since else 0

    def take(self) -> None:
        """Count one request; raise ``OverBudget`` if there is none left."""
        now = self._clock()
        if self._budget.began_at(now) != self.since:
            self.since, self.used = self._budget.began_at(now), 0
        if self.used >= self._budget.requests:
            raise OverBudget(self._budget, self._budget.ends_at(now))
        self.used += 1
