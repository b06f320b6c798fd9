"""What a program has started, and whether that has ended: read from ``/proc``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path


def processes_of(ancestor: int) -> dict[int, str]:
    """Return the commands of the processes that it started, and of what those did."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(") ")[2].split()[1]
        except OSError:
            continue  # it ended while we looked
        parents[int(stat.parent.name)] = int(parent)
    found: dict[int, str] = {}
    level = {ancestor}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        found |= {pid: command for pid in level if (command := command_of(pid))}
    return found


def command_of(pid: int) -> str:
    """Return the command of a process, empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


async def ended(pids: Iterable[int], within_s: float) -> None:
    """Wait until none of the processes runs."""
    async with asyncio.timeout(within_s):
        while any(map(command_of, pids)):  # noqa: ASYNC110 - of no child of ours
            await asyncio.sleep(0.05)
