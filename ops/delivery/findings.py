"""What a check counted, and the broken promises that it found."""

from __future__ import annotations

from collections import Counter

# How a promise can be broken, in the order of the table.
LOST = "lost"
DUPLICATED = "duplicated"
DISORDERED = "out of order"
LEAKED = "leaked"
STALE = "removed but shown"
BROKEN_PROMISES = (LOST, DUPLICATED, DISORDERED, LEAKED, STALE)

# A fault tends to show thousands of times; the first ones tell what it is.
MAX_TEXTS = 20


class Findings:
    """Counts of what was done and seen, and of each broken promise."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.texts: list[str] = []

    def count(self, what: str, number: int = 1) -> None:
        """Add to what is printed at the end."""
        self.counts[what] += number

    def broke(self, promise: str, who: str, text: str) -> None:
        """Note a broken promise: how, towards whom, and what was seen."""
        self.broken[promise] += 1
        if len(self.texts) < MAX_TEXTS:
            self.texts.append(f"{promise}: {who}: {text}")

    def add(self, other: Findings) -> None:
        """Take over what another one has found."""
        self.counts += other.counts
        self.broken += other.broken
        self.texts += other.texts[: MAX_TEXTS - len(self.texts)]
