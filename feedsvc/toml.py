"""A TOML file as tables that know the lines they stand on, for the faults they have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """One table, with the lines that it and its keys stand on."""

    values: Mapping[str, Any]
    line: int
    lines: Mapping[str, int]
    is_scalar: bool = False

    def at(self, key: str) -> int:
        return self.lines.get(key, self.line)


def read(path: Path, faults: list[str]) -> dict[str, list[Table]]:
    """Return the tables of the file by name; what is wrong is added to the faults."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    lines = _lines(text)
    tables: dict[str, list[Table]] = {}
    for name, value in data.items():
        entries = value if isinstance(value, list) else [value]
        places = lines.get(name, [])
        for number, entry in enumerate(entries):
            line, keys = places[number] if number < len(places) else (1, {})
            is_scalar = not isinstance(entry, dict)
            found = Table({} if is_scalar else entry, line, keys, is_scalar)
            tables.setdefault(name, []).append(found)
    return tables


def _lines(text: str) -> dict[str, list[tuple[int, dict[str, int]]]]:
    """Find the lines of tables and keys, which tomllib does not tell."""
    found: dict[str, list[tuple[int, dict[str, int]]]] = {}
    keys: dict[str, int] = {}
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\[?\s*([\w-]+)\s*\]\]?\s*(#.*)?$", line):
            keys, inside = {}, ""
            found.setdefault(header[1], []).append((number, keys))
        elif header := re.match(r"\s*\[\[?\s*[\w-]+\s*\.\s*([\w.-]+)", line):
            # A table inside the last one: [source.fields]
            keys.setdefault(header[1], number)
            inside = f"{header[1]}."
        elif assigned := re.match(r"\s*([\w-]+)\s*[.=]", line):
            keys.setdefault(inside + assigned[1], number)
            if not found:
                found.setdefault(assigned[1], []).append((number, {}))
    return found
