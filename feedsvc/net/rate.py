"""How often somebody may do something: buckets that hold two seconds' worth.

Who has a token is known by its subject, and everybody else by address.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import lru_cache

from feedsvc.errors import RateLimited
from feedsvc.sockjs import Settings
from feedsvc.sockjs.limits import Admission, Proxies

FORWARDED = "X-Forwarded-For"

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
    """A bucket for each subject of a token, or for each address."""

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


def address(peer: str, forwarded: str | None, proxies: tuple[str, ...]) -> str:
    """Return what a caller is counted under, as SockJS sessions are.

    It is empty for who is not counted: a proxy on this machine carries everybody.
    """
    behind, counting = _rules(proxies)
    return counting.key(behind.address(peer, forwarded))


@lru_cache(maxsize=8)
def _rules(proxies: tuple[str, ...]) -> tuple[Proxies, Admission]:
    header = FORWARDED if proxies else ""
    settings = Settings(proxy_header=header, trusted_proxies=proxies)
    return Proxies(settings), Admission(settings)
