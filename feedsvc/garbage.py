"""How often the interpreter looks for garbage that holds itself in a circle.

Reference counting frees nearly all that this service makes; of what the collector
walks through, almost everything is alive: sessions, the ring, hot backlogs. By its
defaults it does so every 700 new objects, some 6 % of the time in a fast stream, and
each of its rare full walks holds up a flush.
"""

from __future__ import annotations

import gc
from typing import Final

#: New objects before the young are looked at; walks of one generation before one of
#: the next. What a circle holds meanwhile is a few megabytes at most.
THRESHOLDS: Final = (10_000, 20, 20)


def collect_rarely() -> None:
    """Set the collector up for a process that serves; call it once, early.

    What was imported so far is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
