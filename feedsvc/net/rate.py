"""How often somebody may do something: buckets that hold two seconds' worth."""

from __future__ import annotations

import time
from collections import OrderedDict

from feedsvc.errors import RateLimited

BURST_S = 2.0
# Of those idle for long the bucket is full, so that forgetting it changes nothing.
MAX_SUBJECTS = 10_000


class Bucket:
    """Tokens that fill up at a rate; each use takes one."""

    __slots__ = ("_at_s", "_tokens")

    def __init__(self, per_second: float) -> None:
        self._tokens = BURST_S * per_second
        self._at_s = time.monotonic()

    def take(self, what: str, per_second: float) -> None:
        """Take a token; raise ``RateLimited``, which names ``what``, if none is left.

        The rate is an argument, so that thousands of buckets need not hold it.
        """
        now = time.monotonic()
        filled = self._tokens + (now - self._at_s) * per_second
        self._tokens, self._at_s = min(filled, BURST_S * per_second), now
        if self._tokens < 1.0:
            raise RateLimited(what, 1.0)
        self._tokens -= 1.0


class Buckets:
    """A bucket for each subject of a token."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, subject: str, what: str, per_second: float) -> None:
        """Take a token of the subject's bucket, or raise ``RateLimited``."""
        bucket = self._buckets.get(subject)
        if bucket is None:
            bucket = self._buckets[subject] = Bucket(per_second)
            if len(self._buckets) > MAX_SUBJECTS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(subject)
        bucket.take(what, per_second)
