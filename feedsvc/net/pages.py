"""The widget's files and the demo station's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado.web import StaticFileHandler

from feedsvc.net.handler import Handler
from feedsvc.net.service import Service

HERE = Path(__file__).parent
# In a wheel the built widget lies inside of the package, in a checkout beside it.
WEB_DIRECTORIES = (HERE.parent / "_web", HERE.parent.parent / "web" / "dist")

SCRIPT_AGE_S = 300
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: http: data:",
        "media-src https: http:",
        "connect-src 'self' ws: wss:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types feed-widget",
    )
)


def web_directory() -> Path | None:
    """Return where the built widget lies, or None if it has not been built."""
    return next((path for path in WEB_DIRECTORIES if path.is_dir()), None)


class FileHandler(Handler, StaticFileHandler):
    """One of the built files, with an ETag; for any page that may use the service."""

    def initialize(self, service: Service, path: str) -> None:  # type: ignore[override]  # two bases
        Handler.initialize(self, service)
        StaticFileHandler.initialize(self, path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", f"public, max-age={SCRIPT_AGE_S}")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")


class DemoHandler(FileHandler):
    """The demo station's page and the files that belong to it."""

    async def get(self, path: str, include_body: bool = True) -> None:
        await super().get(path or "index.html", include_body)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", PAGE_POLICY)

    def head(self, path: str) -> Any:
        return super().head(path or "index.html")
