"""Files of this machine for sources: listed, told apart by their stamps, read whole.

Whoever may put files into a watched directory must not read others through us: a
pattern's files are regular ones that lie in its directory, however links lead.
"""

from __future__ import annotations

import fnmatch
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from ingest.exchange import FetchError, FileRequest, Response

# Names of a directory that are looked at, files that are watched, and files that are
# handed over at once, of so many bytes together and each.
MAX_NAMES = 100_000
MAX_FILES = 1_000
MAX_AT_ONCE = 100
MAX_BYTES = 5 * 1024 * 1024

# The header under which a response says what its body is made of.
INDEX = "x-files"
WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Piece:
    """One file in a response: ``size`` bytes of the body, or why there are none.

    ``stamp`` changes with the file, so that one that has not changed is not read.
    """

    name: str
    stamp: str
    size: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """The pieces of a body in order, all names there are, and whether more follow."""

    pieces: list[Piece]
    names: list[str]
    more: bool
    faults: list[str]

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Index:
        """Return what a response says of its body."""
        found = json.loads(headers[INDEX])
        return cls(**{**found, "pieces": [Piece(**one) for one in found["pieces"]]})


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    stamp: str
    changed_ns: int


def collect(request: FileRequest, now: datetime) -> Response:
    """Return the files that are not ``known`` by now, oldest first; 304 if none is.

    Raise ``FetchError`` if there is no such file or directory.
    """
    faults: list[str] = []
    found = _found(request, faults)
    changed = [one for one in found if request.known.get(_name(one)) != one.stamp]
    if not changed:
        return Response(request.url, b"", now, 304)
    inside = None if _is_exact(request.path) else os.path.dirname(request.path)
    body = bytearray()
    pieces: list[Piece] = []
    for one in changed[:MAX_AT_ONCE]:
        content, fault = _content(one.path, inside)
        if pieces and len(body) + len(content) > MAX_BYTES:
            break
        body.extend(content)
        pieces.append(Piece(_name(one), one.stamp, len(content), fault))
    index = Index(
        pieces,
        names=[_name(one) for one in found],
        more=len(pieces) < len(changed),
        faults=faults,
    )
    headers = {INDEX: json.dumps(asdict(index))}
    return Response(request.url, bytes(body), now, headers=headers)


def _is_exact(path: str) -> bool:
    return not any(one in os.path.basename(path) for one in WILDCARDS)


def _found(request: FileRequest, faults: list[str]) -> list[_Found]:
    try:
        if _is_exact(request.path):
            return [_stamped(request.path)]
        listed = [_stamped(path) for path in _matching(request.path, faults)]
    except OSError as error:
        raise FetchError(request.url, (error.strerror or "is away").lower()) from error
    listed.sort(key=lambda one: (one.changed_ns, one.path))
    if len(listed) > MAX_FILES:
        faults.append(f"only the newest {MAX_FILES} files are read")
    return listed[-MAX_FILES:]


def _matching(pattern: str, faults: list[str]) -> list[str]:
    directory, wanted = os.path.split(pattern)
    with os.scandir(directory) as entries:
        names = [
            entry.name
            for entry in islice(entries, MAX_NAMES)
            if fnmatch.fnmatchcase(entry.name, wanted)
            # As in a shell, what is hidden is named or not meant.
            and (wanted.startswith(".") or not entry.name.startswith("."))
        ]
    told = [name for name in names if name.isprintable()]
    if len(told) < len(names):
        faults.append(f"{len(names) - len(told)} files have names that are no text")
    return [os.path.join(directory, name) for name in told]


def _stamped(path: str) -> _Found:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        # A link that leads nowhere is told when it is read.
        status = os.lstat(path)
    # The second changes also where the first is set back, or the mode mended.
    times = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"
    return _Found(path, f"{times}-{status.st_size:x}", status.st_mtime_ns)


def _content(path: str, inside: str | None) -> tuple[bytes, str]:
    """Return what the file holds, or nothing and why."""
    try:
        real = Path(path).resolve(strict=True)
        if inside is not None and not real.is_relative_to(Path(inside).resolve()):
            return b"", "leads out of its directory"
        # Not following, should it be replaced now; not waiting for the end of a pipe.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(real, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b"", "is not a regular file"
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return b"", (error.strerror or "cannot be read").lower()
    if len(content) > MAX_BYTES:
        return b"", f"longer than {MAX_BYTES // 1024 // 1024} MB"
    return content, ""


def _name(found: _Found) -> str:
    return os.path.basename(found.path)
