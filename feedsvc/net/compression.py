"""Compression of whole answers: worth it from a kilobyte on, and never for streams."""

from __future__ import annotations

import asyncio
import gzip

# A packet carries this much, compressed or not.
LEAST_BYTES = 1_024
# More takes longer than live sessions should wait for; a thread does it.
LONG_BYTES = 65_536
# Nearly as small as the best level, in a third of its time.
LEVEL = 4


def accepts(header: str, coding: str) -> bool:
    """True if the ``Accept-Encoding`` names the coding and does not rule it out."""
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == coding:
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def compress(body: bytes) -> bytes:
    """Return the body as gzip has it; the same bytes for the same body."""
    if len(body) < LONG_BYTES:
        return _gzip(body)
    return await asyncio.to_thread(_gzip, body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
