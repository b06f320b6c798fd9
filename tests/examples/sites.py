"""Sites that are started as a developer would, and visitors who fill in their forms."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests.net.station import SECRET

ROOT = Path(__file__).parents[2]
PASSWORD = "harbour"
PATIENCE_S = 30.0
# Somebody else may take a port between its choice and the start.
STARTS = 5

# What is typed into a terminal, with the port to come.
_NEWSROOM = "examples.newsroom"
_FOLDER = "examples/newsroom"
COMMANDS = {
    "flask": f"python -m flask --app {_NEWSROOM}.in_flask.site run --port {{}}",
    "django": f"python -m {_NEWSROOM}.in_django runserver --noreload {{}}",
    "php": f"php -S 127.0.0.1:{{}} -t {_FOLDER}/static {_FOLDER}/in_php/index.php",
}

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]+)">')


class Visitor:
    """A browser without scripts: cookies, pages, and forms with their hidden fields."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    async def get(self, path: str) -> tuple[int, str]:
        return await asyncio.to_thread(self._ask, path, None)

    async def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, str]:
        """Send these fields and no others."""
        return await asyncio.to_thread(self._ask, path, urlencode(fields).encode())

    async def submit(self, path: str, **fields: str) -> tuple[int, str]:
        """Fill in the form of the front page."""
        _, page = await self.get("/")
        return await self.post(path, {**dict(HIDDEN.findall(page)), **fields})

    async def sign_in(self, name: str = "Ada") -> None:
        status, _ = await self.submit("/sign-in", name=name, password=PASSWORD)
        assert status == 200

    def _ask(self, path: str, body: bytes | None) -> tuple[int, str]:
        try:
            with self._opener.open(f"{self.url}{path}", body, PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()


@asynccontextmanager
async def running_site(name: str, service: str) -> AsyncIterator[str]:
    """Start a site by its command; the value is its address."""
    for _ in range(STARTS):
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[name].format(port).split(),
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "FEEDSVC_URL": service,
                "FEEDSVC_SECRET": SECRET,
                "SITE_PASSWORD": PASSWORD,
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            if await _has_started(process, url):
                yield url
                return
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    raise AssertionError(f"{name} did not start")


async def _has_started(process: asyncio.subprocess.Process, url: str) -> bool:
    visitor = Visitor(url)
    async with asyncio.timeout(PATIENCE_S):
        while process.returncode is None:
            try:
                await visitor.get("/")
            except (URLError, ConnectionError):
                await asyncio.sleep(0.05)
            else:
                return process.returncode is None
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
