"""A headless Chromium, driven by its debugging protocol."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import websockets

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]
START_S = 60.0


class Page:
    """One tab: loads URLs and evaluates expressions."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    async def command(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command of the protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._connection.send(json.dumps(message))
        async for text in self._connection:
            answer = json.loads(text)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the browser has gone")

    async def load(self, url: str) -> None:
        """Go to the URL and wait until the page is there."""
        await self.command("Page.navigate", url=url)
        ready = f"location.href === {json.dumps(url)} && document.readyState"
        while await self.evaluate(ready) != "complete":  # noqa: ASYNC110 - its state
            await asyncio.sleep(0.02)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited if it is a promise."""
        result = await self.command(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Page]:
    """Start a browser with an empty profile, and end it."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            url = await _page_url(Path(profile) / "DevToolsActivePort")
            async with websockets.connect(url, max_size=None) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            await process.wait()


def _has_port(file: Path) -> bool:
    return file.exists() and "\n" in file.read_text()


async def _page_url(port_file: Path) -> str:
    async with asyncio.timeout(START_S):
        while not _has_port(port_file):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    port, path = port_file.read_text().split()
    async with websockets.connect(f"ws://127.0.0.1:{port}{path}") as browser:
        message = {
            "id": 1,
            "method": "Target.createTarget",
            "params": {"url": "about:blank"},
        }
        await browser.send(json.dumps(message))
        answer = json.loads(await browser.recv())
    return f"ws://127.0.0.1:{port}/devtools/page/{answer['result']['targetId']}"
