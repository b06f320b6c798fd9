"""The templates, and what all of them are given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from tornado.template import Loader

# From the name of a built file to its address, as seen from the page.
Asset = Callable[[str], str]


@cache
def templates() -> Loader:
    """Return the loader; it escapes all that a template does not call raw."""
    return Loader(str(Path(__file__).parent / "templates"), autoescape="xhtml_escape")
