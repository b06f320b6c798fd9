"""What follows from an attempt: it is done, tried again after a while, or given up.

A receiver that is not well is waited for, since what it missed has to come in order.
A receiver that is well and refuses a message will not take it later either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
# So long a receiver may ask us to wait.
LONGEST_RETRY_AFTER_S = 3_600.0
# A refusal may be a deployment that is half done; the third one is meant.
MAX_REFUSALS = 3

_GONE = 410
# Request timeout, too early, too many requests: not about the message.
_TRY_LATER = {408, 425, 429}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: with a status; 0 is none, and ``told`` says why."""

    status: int
    told: str = ""
    retry_after_s: float = 0.0

    @property
    def is_delivered(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """True if the receiver is well and does not want this message."""
        # A redirect is not followed: its target is not in the configuration.
        return 300 <= self.status < 500 and self.status not in _TRY_LATER


def wait_s(
    outcome: Outcome,
    attempt: int,
    failing_s: float,
    give_up_s: float,
    random: Callable[[], float],
) -> float | None:
    """Return how long to wait before the next attempt; None to give up.

    ``attempt`` counts from 1 for each message, ``failing_s`` from the moment since
    which the receiver has taken nothing.
    """
    if outcome.is_refused:
        if outcome.status == _GONE or attempt >= MAX_REFUSALS:
            return None
    elif failing_s >= give_up_s:
        return None
    backoff = min(FIRST_WAIT_S * 2.0 ** min(attempt - 1, 30), LONGEST_WAIT_S)
    # Half of it by chance, lest all that failed together come back together.
    jittered = backoff * (0.5 + random() / 2)
    return max(jittered, min(outcome.retry_after_s, LONGEST_RETRY_AFTER_S))
