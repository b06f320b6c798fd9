"""What one run did, for the log, for cron and for people."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from feedsvc.core.item import Status

log = logging.getLogger("ingest.run")

# More faults than this nobody reads to the end.
MAX_FAULTS = 20


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOT_MODIFIED = "not modified"
    NOT_DUE = "not due"
    DISABLED = "disabled"
    OVER_BUDGET = "over budget"
    LOST = "overtaken"
    FAILED = "failed"


_LINE = (
    "run finished source=%s outcome=%s created=%d updated=%d unchanged=%d"
    " removed=%d dropped=%d faults=%d seconds=%.2f"
)


@dataclass(slots=True)
class Summary:
    """What a run did; ``error`` says why it failed, ``faults`` what it left out."""

    source: str
    outcome: Outcome = Outcome.DONE
    written: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    error: str = ""
    seconds: float = 0.0
    next_due: datetime | None = None

    def add_faults(self, faults: Sequence[str], count: int) -> None:
        """Tell of faults; all are counted, the first ones kept."""
        self.fault_count += count
        self.faults = [*self.faults, *faults][:MAX_FAULTS]

    def log(self, *, needs_a_person: bool) -> None:
        """Write the run's one line; a warning if a person should look at it."""
        log.log(
            logging.WARNING if needs_a_person else logging.INFO,
            f"{_LINE} error=%r" if self.error else _LINE,
            self.source,
            self.outcome.value.replace(" ", "-"),
            self.written[Status.CREATED],
            self.written[Status.UPDATED],
            self.written[Status.UNCHANGED],
            self.written["removed"],
            self.dropped.total(),
            self.fault_count,
            self.seconds,
            *([self.error] if self.error else []),
        )
