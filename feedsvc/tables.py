"""Tables of text for terminals: aligned, as wide as there is room."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import TextIO

GAP = "  "
# A column that has to give way keeps so much.
LEAST = 8


def lines(
    rows: Sequence[Mapping[str, str]],
    *,
    right: Collection[str] = (),
    width: int | None = None,
) -> list[str]:
    """Return a head and a line for each row; the first row names the columns.

    Columns in ``right`` are numbers, aligned as such.  If the lines are wider than
    ``width`` the widest columns are cut.
    """
    if not rows:
        return []
    head = {name: name.replace("_", " ").upper() for name in rows[0]}
    widths = {name: max(_cells(row[name]) for row in (head, *rows)) for name in rows[0]}
    while width is not None and _total(widths) > width:
        widest = max(widths, key=lambda name: widths[name])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return [_line(row, widths, right) for row in (head, *rows)]


def width_of(stream: TextIO) -> int | None:
    """Return how wide the terminal is that the stream goes to; None if to none."""
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return None


def _line(
    row: Mapping[str, str], widths: Mapping[str, int], right: Collection[str]
) -> str:
    cells = []
    for name, width in widths.items():
        text = _cut(row[name], width)
        space = " " * (width - _cells(text))
        cells.append(space + text if name in right else text + space)
    return GAP.join(cells).rstrip()


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _cells(text: str) -> int:
    """Return how many cells of a terminal the text takes."""
    return sum(_cells_of(one) for one in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    kept = ""
    for one in text:
        if _cells(kept) + _cells_of(one) > width - 1:
            break
        kept += one
    return kept + "…"
