"""The process that reads what sources sent: one question, one answer, repeat.

Started by ``isolate.py``; it reads questions from its standard input, and its limits
hold for each of them.
"""

from __future__ import annotations

import os
import pickle
import resource
import struct
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

# Imported here, so that what reading takes counts before the limits are set.
import ingest.offers  # noqa: F401
from feedsvc.errors import SourceError

HEADER = struct.Struct(">I")


# Sent once: what starting takes does not count as reading.
READY = "ready"


class Outcome(StrEnum):
    """What became of a question."""

    READ = "read"
    UNUSABLE = "unusable"
    TOO_MUCH_MEMORY = "too much memory"
    BUG = "bug"


def main() -> None:
    """Answer until the input ends; stop after running out of memory."""
    headroom_mb, cpu_s = int(sys.argv[1]), int(sys.argv[2])
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get between the answers.
    os.dup2(2, 1)
    _bound_memory(headroom_mb)
    _send(answers, READY)
    while (question := _receive(questions)) is not None:
        _bound_time(cpu_s)
        outcome, answer = _answer(question)
        _send(answers, (outcome, answer))
        if outcome is Outcome.TOO_MUCH_MEMORY:
            return


def _answer(question: bytes) -> tuple[Outcome, Any]:
    try:
        function, arguments = pickle.loads(question)  # noqa: S301 - from our parent
        return Outcome.READ, function(*arguments)
    except SourceError as error:
        return Outcome.UNUSABLE, str(error)
    except RecursionError:
        return Outcome.UNUSABLE, "nested too deeply to be read"
    except MemoryError:
        return Outcome.TOO_MUCH_MEMORY, ""
    except Exception:
        # Told to the parent, which logs it and fails the run.
        return Outcome.BUG, traceback.format_exc()


def _receive(stream: BinaryIO) -> bytes | None:
    head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    return stream.read(HEADER.unpack(head)[0])


def _send(stream: BinaryIO, message: object) -> None:
    body = pickle.dumps(message)
    stream.write(HEADER.pack(len(body)) + body)
    stream.flush()


def _bound_memory(headroom_mb: int) -> None:
    """Allow so much more than the interpreter and its libraries take already."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path("/proc/self/statm")
    # Elsewhere than on Linux the size is not told, and the limit not enforced.
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        limit = used + headroom_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _bound_time(cpu_s: int) -> None:
    """Let the system end us if our parent, which would, is gone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + cpu_s + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))
