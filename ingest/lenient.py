"""JSON as it is found in pages and status documents, where a comma too many is common.

What is JSON is read as such.  Of what is not, the faults are mended that tools are
known to make, first those that leave no doubt about what was meant.
"""

from __future__ import annotations

import json
import re
from typing import Any

# What is broken and longer than this is given up: mending reads it several times.
MAX_MENDED = 1_000_000

# Each of these has one way to match, so none can run away; no possessive quantifiers,
# which Python 3.11 gets wrong before 3.11.5.
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
# A quote inside a string that nobody escaped: what follows does not end a value.
_LOOSE_QUOTE = r'"(?!\s*(?:[,:}\]]|\Z))'
_LOOSE_STRING = rf'"[^"\\]*(?:(?:\\.|{_LOOSE_QUOTE})[^"\\]*)*(?:"|\\?\Z)'
_NOTE = (
    r"/\*.*?(?:\*/|\Z)|//[^\r\n]*"
    # A comment; one around the JSON itself, as old browsers needed it, is no more.
    r"|<!--(?:(?!-->|<!--)[^{}\[\]])*-->|<!--|-->|<!\[CDATA\[|\]\]>"
)
_REST = (
    r"(?P<comma>,(?=\s*(?:[}\]]|\Z)))"
    r"|(?P<bare>[^\s\"{}\[\],:/<][^\"{}\[\],:/\r\n]*)"
)
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<note>{_NOTE})|{_REST}", re.DOTALL)
_LOOSE_TOKEN = re.compile(
    rf"(?P<string>{_LOOSE_STRING})|(?P<note>{_NOTE})|{_REST}", re.DOTALL
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": "true", "false": "false"} | dict.fromkeys(
    ("null", "none", "undefined", "nan", "-"), "null"
)
_BETWEEN = re.compile(r"[\s,;]*")
_QUOTE = re.compile(r'(?<!\\)"')


def read(text: str) -> Any:
    """Return the value; several in a row are a list.  Raise ``ValueError``."""
    text = text.lstrip("\ufeff")
    try:
        return _decoded(text)
    except ValueError as error:
        if len(text) > MAX_MENDED:
            raise
        told = error
    for token in (_TOKEN, _LOOSE_TOKEN):
        try:
            return _values(token.sub(_mended, text))
        except ValueError:
            continue
    raise told


def _decoded(text: str) -> Any:
    try:
        # Not strict: control characters inside strings are what they look like.
        return json.loads(text, strict=False, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _values(text: str) -> Any:
    """Return the values that the text begins with; what follows them is dropped."""
    decoder = json.JSONDecoder(strict=False, parse_constant=_no_number)
    found: list[Any] = []
    at = _after(text, 0)
    while text[at : at + 1] in ("{", "["):
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        found.append(value)
        at = _after(text, at)
    if not found:
        raise ValueError("is neither an object nor a list")
    return found[0] if len(found) == 1 else found


def _after(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _mended(found: re.Match[str]) -> str:
    """Return what the token was meant to be."""
    token = found[0]
    if found.lastgroup == "string":
        inside = token[1:-1] if len(token) > 1 and token.endswith('"') else token[1:]
        return '"' + _QUOTE.sub(r"\"", inside) + '"'
    if found.lastgroup != "bare":
        return ""
    token = token.strip()
    if _NUMBER.fullmatch(token):
        return token
    return _WORDS.get(token.lower()) or json.dumps(token)


def _no_number(name: str) -> None:
    """Take NaN and the infinities, which are no JSON, for nothing."""
