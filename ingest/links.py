"""Links of items: absolute, http or https, and what lies behind them."""

from __future__ import annotations

import mimetypes
import re
from urllib.parse import urljoin, urlsplit

MAX_LENGTH = 2048

_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,126}")
# Not in every system's table, and the files that stations publish.
_AUDIO = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/opus",
    "flac": "audio/flac",
    "wav": "audio/wav",
}


def absolute(url: object, base: str = "") -> str | None:
    """Return ``url`` as a link that may be published, or None.

    It is resolved against ``base``.  Anything but http and https is refused, and
    so is what does not fit: half a link is none.
    """
    if not isinstance(url, str) or not url.strip():
        return None
    try:
        joined = urljoin(base, re.sub(r"[\t\r\n]", "", url.strip()))
        parts = urlsplit(joined)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    joined = joined.replace(" ", "%20")
    return joined if len(joined) <= MAX_LENGTH and joined.isprintable() else None


def mime_type(url: str, declared: object = None, otherwise: str | None = None) -> str:
    """Return the media type as declared, else by the ending, else ``otherwise``."""
    if isinstance(declared, str):
        bare = declared.partition(";")[0].strip().lower()
        if _MIME.fullmatch(bare) and bare != "application/octet-stream":
            return bare
    path = _path(url)
    ending = path.rpartition(".")[2].lower()
    guessed = _AUDIO.get(ending) or mimetypes.guess_type(path)[0]
    return guessed or otherwise or "application/octet-stream"


def file_name(url: str) -> str:
    """Return the last part of the path without its ending; may be empty."""
    return _path(url).rpartition("/")[2].rpartition(".")[0]


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
