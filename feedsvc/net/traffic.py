"""What the HTTP doors have answered, and how long it took."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tornado.web import RequestHandler

from feedsvc.histogram import Histogram

log = logging.getLogger("feedsvc.http")

BOUNDS_S = (0.005, 0.025, 0.1, 0.5, 2.5, 10)
# Every address that is none of ours.
OTHER = "other"

_ARGUMENT = re.compile(r"\(.+?\)(?=/|$)")


class Traffic:
    """Counts answers by route, of which there are as many as in the URL tables."""

    def __init__(self) -> None:
        #: By route and class of the status, such as ``2xx``.
        self.answers: Counter[tuple[str, str]] = Counter()
        #: By route; streams are left out.
        self.seconds: defaultdict[str, Histogram] = defaultdict(_histogram)
        #: Event streams cut because their readers did not keep up.
        self.slow_streams = 0
        #: Connections that the listener has cut or turned away, by reason.
        self.cut: Counter[str] = Counter(files=0, unread=0)

    def of(self, rules: Iterable[Any]) -> Callable[[RequestHandler], None]:
        """Return what Tornado is to call after each answer of these rules."""
        routes: dict[Any, str] = {}
        for pattern, handler, *_ in rules:
            routes.setdefault(handler, route(pattern))

        def note(handler: RequestHandler) -> None:
            self._note(routes.get(type(handler), OTHER), handler)

        return note

    def _note(self, name: str, handler: RequestHandler) -> None:
        status, seconds = handler.get_status(), handler.request.request_time()
        log.debug(
            "request answered method=%s route=%s status=%d seconds=%.4f",
            *(handler.request.method, name, status, seconds),
        )
        self.answers[name, f"{status // 100}xx"] += 1
        if getattr(handler, "is_timed", True):
            self.seconds[name].observe(seconds)


def route(pattern: str) -> str:
    """Return a URL pattern as people read it: ``/feeds/*``."""
    shown = _ARGUMENT.sub("*", pattern.replace("()", ""))
    return shown.replace("\\", "").removesuffix("$")


def _histogram() -> Histogram:
    return Histogram(BOUNDS_S)
