"""The collector's thresholds: rarely, but what a circle holds stays bounded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from feedsvc.garbage import THRESHOLDS, collect_rarely

class Circle:
    def __init__(self):
        self.itself = self

collect_rarely()
alive = weakref.WeakSet()
most = 0
for _ in range(200_000):
    alive.add(Circle())
    most = max(most, len(alive))
print(most, len(alive), THRESHOLDS[0], gc.get_freeze_count())
"""


def test_what_circles_hold_stays_bounded() -> None:
    """A process that lives for years keeps no garbage beyond one threshold's worth."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    most, _, threshold, frozen = map(int, done.stdout.split())
    assert threshold / 10 < most <= threshold
    assert frozen > 1_000
