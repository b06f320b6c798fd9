"""The widget's files and the demo station's page."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from tornado.web import StaticFileHandler

from feedsvc.net.handler import Handler
from feedsvc.net.service import Service

HERE = Path(__file__).parent
# In a wheel the built widget lies inside of the package, in a checkout beside it.
WEB_DIRECTORIES = (HERE.parent / "_web", HERE.parent.parent / "web" / "dist")

SCRIPT_AGE_S = 300
# An address that names the version never means anything else.
FOREVER = "public, max-age=31536000, immutable"
# What the build has compressed beside each file, the smallest first.
CODINGS = {"br": ".br", "gzip": ".gz"}
MAX_KNOWN = 256


def policy(frames: str, style: str = "") -> str:
    """Return the content policy of a page: nothing inline but this one style.

    ``frames`` are the pages that may show it in a frame.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self'{_hash_of(style)}",
            "img-src 'self' https: http: data:",
            "media-src https: http:",
            "connect-src 'self' ws: wss:",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frames}",
            "require-trusted-types-for 'script'",
            "trusted-types feed-widget",
        )
    )


def _hash_of(style: str) -> str:
    if not style:
        return ""
    digest = hashlib.sha256(style.encode()).digest()
    return f" 'sha256-{base64.b64encode(digest).decode()}'"


def web_directory() -> Path | None:
    """Return where the built widget lies, or None if it has not been built."""
    return next((path for path in WEB_DIRECTORIES if path.is_dir()), None)


def version_of(path: Path) -> str:
    """Return what changes with the content of the file, and only then."""
    return _version(path, path.stat().st_mtime_ns)


@lru_cache(MAX_KNOWN)
def _version(path: Path, changed_at_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


class FileHandler(Handler, StaticFileHandler):
    """One of the built files, with an ETag; for any page that may use the service."""

    def initialize(self, service: Service, path: str) -> None:  # type: ignore[override]  # two bases
        Handler.initialize(self, service)
        StaticFileHandler.initialize(self, path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        asked = self.get_query_argument("v", None)
        is_current = asked is not None and asked == version_of(Path(self.root, path))
        usual = f"public, max-age={SCRIPT_AGE_S}"
        self.set_header("Cache-Control", FOREVER if is_current else usual)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Return the file to send: where the client understands it, compressed."""
        plain = super().validate_absolute_path(root, absolute_path)
        if plain is None:
            return None
        self._mime_type = guess_type(plain)[0] or "application/octet-stream"
        self.vary_on("Accept-Encoding")
        for coding, ending in CODINGS.items():
            if self.may_send(coding) and Path(plain + ending).is_file():
                self.set_header("Content-Encoding", coding)
                return plain + ending
        return plain

    def get_content_size(self) -> int:
        # Of the file that is sent; the base class has looked at the plain one.
        return Path(str(self.absolute_path)).stat().st_size

    def get_content_type(self) -> str:
        is_text = self._mime_type.startswith("text/")
        return f"{self._mime_type}; charset=UTF-8" if is_text else self._mime_type

    def compute_etag(self) -> str | None:
        """Return the tag of these very bytes, compressed or not."""
        return f'"{version_of(Path(str(self.absolute_path)))}"'


class DemoHandler(FileHandler):
    """The demo station's page and the files that belong to it."""

    async def get(self, path: str, include_body: bool = True) -> None:
        await super().get(path or "index.html", include_body)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", policy("'self'"))

    def head(self, path: str) -> Any:
        return super().head(path or "index.html")
