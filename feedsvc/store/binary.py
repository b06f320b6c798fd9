"""Finding a ``mongod`` that this machine can run."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from feedsvc.errors import ConfigError
from feedsvc.store.database import OLDEST_VERSION

HOW_TO_GET_ONE = (
    "install one with pip install 'feedsvc[embedded]',"
    " or name a deployment with FEEDSVC_MONGODB_URI"
)

_VERSION_S = 20
_MISSING_LIBRARY = re.compile(r"(?:loading shared libraries: |not loaded: )(\S+?):?\s")


async def find_mongod() -> Path:
    """Return the first usable ``mongod``: of PATH, else of the installed wheel.

    Raise ``ConfigError`` if there is none; it says what is wrong with each that is
    there, and how to get one.
    """
    faults = []
    for path in _candidates():
        fault = await _fault(path)
        if fault is None:
            return path
        faults.append(f"{path} {fault}")
    what = "; ".join(faults) or "there is no mongod on this machine"
    raise ConfigError([f"{what}: {HOW_TO_GET_ONE}"])


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("mongod")
    if on_path is not None:
        yield Path(on_path)
    # The wheel puts it below this package, which is found without being imported:
    # its full distribution loads half a machine-learning stack.
    spec = importlib.util.find_spec("fiftyone")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        path = Path(directory, "db", "bin", "mongod")
        if path.is_file():
            yield path


async def _fault(path: Path) -> str | None:
    """Return why this ``mongod`` can't be used, as the end of a sentence."""
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        return f"does not start ({error.strerror})"
    try:
        async with asyncio.timeout(_VERSION_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return "does not tell its version"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _fault_in(output.decode(errors="replace"))


def _fault_in(output: str) -> str | None:
    missing = _MISSING_LIBRARY.search(output)
    if missing:
        return f"misses the shared library {missing[1]} (on Debian: libcurl4)"
    version = re.search(r"db version v((\d+)\.(\d+)\S*)", output)
    if version is None:
        return "does not tell its version"
    if (int(version[2]), int(version[3])) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        return f"is version {version[1]}, older than {oldest}"
    return None
