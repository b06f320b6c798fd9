"""The small language in which a mapping says where in a JSON value things lie.

===================================  =================================================
``"data.title"``                     the value at a path, name by name
``"."``                              the whole value
``"media[0].url"`` ``"tags[-1]"``    one element of a list, counted from either end
``"artists[].name"``                 every element of a list
``'meta["og:title"]'``               a name with other characters in it
``"https://radio.example/{slug}"``   a text with values in it
``{ const = "Radio" }``              always this value
``["name", "title", …]``             the first of these that is there
===================================  =================================================

A value that is null, an empty text or an empty list is not there.  Nothing here can
call, compute or repeat anything, so reading takes as long as the value is big.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ingest.shape import text

MAX_LENGTH = 500
MAX_STEPS = 16
MAX_CHOICES = 8
# More values of one field than any field takes.
MAX_VALUES = 1_000

# What a path may go through: a name, a position, or with None each element.
Step = str | int | None

_NAME = r'[^.\[\]{}"\s](?:[^.\[\]{}"]*[^.\[\]{}"\s])?'
_STEP = re.compile(
    rf'(?P<name>{_NAME})|\[(?P<index>-?[0-9]{{1,4}})\]|\["(?P<quoted>[^"]{{1,100}})"\]'
    r"|(?P<each>\[\])"
)


class Expression(ABC):
    """Where something lies."""

    @abstractmethod
    def values(self, whole: object) -> list[object]:
        """Return what is there, in its order; nothing that is empty."""

    def first(self, whole: object) -> object:
        """Return the first of the values, or None."""
        return next(iter(self.values(whole)), None)


@dataclass(frozen=True, slots=True)
class Path(Expression):
    steps: tuple[Step, ...]

    def values(self, whole: object) -> list[object]:
        found: Iterable[object] = [whole]
        for step in self.steps:
            found = list(islice(_follow(found, step), MAX_VALUES))
        return [value for value in found if value not in (None, "", [], {})]


@dataclass(frozen=True, slots=True)
class Template(Expression):
    """Texts and paths in turns; nothing if one of the paths leads nowhere."""

    texts: tuple[str, ...]
    paths: tuple[Path, ...]

    def values(self, whole: object) -> list[object]:
        filled = [text(path.first(whole)) for path in self.paths]
        if not all(filled):
            return []
        pairs = zip(self.texts, [*filled, ""], strict=True)
        return ["".join(before + value for before, value in pairs)]


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    value: object

    def values(self, whole: object) -> list[object]:
        return [self.value]


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    choices: tuple[Expression, ...]

    def values(self, whole: object) -> list[object]:
        return next(filter(None, (one.values(whole) for one in self.choices)), [])


def expression(value: object) -> Expression:
    """Return what a mapping means by ``value``; raise ``ValueError`` with the rule."""
    if isinstance(value, list):
        if not 0 < len(value) <= MAX_CHOICES or any(isinstance(v, list) for v in value):
            raise ValueError(f"must be a list of 1 to {MAX_CHOICES} places")
        return Choice(tuple(map(expression, value)))
    if isinstance(value, dict):
        const = value.get("const")
        if set(value) != {"const"} or not isinstance(const, (str, int, float)):
            raise ValueError('must be such as { const = "a text, number or true" }')
        return Constant(const)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        raise ValueError(f"must be a path of 1 to {MAX_LENGTH} characters")
    return _template(value) if "{" in value or "}" in value else path(value)


def path(value: object) -> Path:
    """Return the path; raise ``ValueError`` with the rule if it is none."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        raise ValueError(f"must be a path of 1 to {MAX_LENGTH} characters")
    written = value.strip()
    if written == ".":
        return Path(())
    steps = tuple(_steps(written))
    if len(steps) > MAX_STEPS:
        raise ValueError(f"must have at most {MAX_STEPS} steps")
    return Path(steps)


def _steps(written: str) -> Iterator[Step]:
    at = 0
    while at < len(written):
        found = _STEP.match(written, at)
        if found is None:
            raise ValueError(f"{written!r} is not a path: see {written[at:]!r}")
        yield _step(found)
        at = found.end()
        # A dot stands between a step and the name that follows it.
        if at < len(written) and written[at] == ".":
            at += 1
            if at == len(written) or written[at] in ".[":
                raise ValueError(f"{written!r} is not a path: a name follows a dot")
        elif at < len(written) and written[at] != "[":
            raise ValueError(f"{written!r} is not a path: see {written[at:]!r}")


def _step(found: re.Match[str]) -> Step:
    if found["index"]:
        return int(found["index"])
    return None if found["each"] else found["name"] or found["quoted"]


def _template(written: str) -> Template:
    pieces = re.split(r"\{([^{}]*)\}", written)
    if any("{" in text or "}" in text for text in pieces[::2]):
        raise ValueError(f"{written!r} has a brace without its other half")
    return Template(tuple(pieces[::2]), tuple(map(path, pieces[1::2])))


def _follow(values: Iterable[object], step: Step) -> Iterator[object]:
    for value in values:
        if isinstance(step, str):
            if isinstance(value, dict) and step in value:
                yield value[step]
        elif isinstance(value, list):
            if step is None:
                yield from value
            elif -len(value) <= step < len(value):
                yield value[step]
