"""What a page in the browser shows, now or soon."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.examples.sites import PATIENCE_S
from tests.sockjs.chromium import Page


async def sees(page: Page, expression: str, text: str) -> None:
    """Wait until the page shows the text."""
    async with asyncio.timeout(PATIENCE_S):
        while text not in await look(page, expression):  # noqa: ASYNC110 - its own
            await asyncio.sleep(0.02)


async def look(page: Page, expression: str) -> str:
    try:
        return cast(str, await page.evaluate(expression))
    except AssertionError:
        return ""  # the browser is between two pages
