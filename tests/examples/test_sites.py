"""Each site publishes, and shows what is private to those who are signed in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
import pytest_asyncio

from feedsvc.schema.item import MAX_TEXT
from tests.examples.looking import look, sees
from tests.examples.sites import COMMANDS, PASSWORD, Visitor, running_site
from tests.net.station import (
    Station,
)
from tests.sockjs.chromium import Page, chromium

pytestmark = [pytest.mark.mongo, pytest.mark.asyncio(loop_scope="module")]

SIGN_IN = f"""
    document.querySelector("[name=name]").value = "Ada";
    document.querySelector("[name=password]").value = "{PASSWORD}";
    document.querySelector("form[action='/sign-in'] button").click();
"""
PUBLISH = """
    document.querySelector("[name=channel]").value = "{channel}";
    document.querySelector("[name=text]").value = "{text}";
    document.querySelector("form[action='/publish'] button").click();
"""
SIGNED_IN = "document.querySelector('header form')?.textContent ?? ''"
STAFF = "document.getElementById('staff')?.textContent ?? ''"
NEWS = "document.querySelector('feed-widget')?.shadowRoot?.textContent ?? ''"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(COMMANDS))
async def site(request: pytest.FixtureRequest, station: Station) -> AsyncIterator[str]:
    """The address of a site."""
    async with running_site(cast(str, request.param), station.url) as url:
        yield url


async def submit(page: Page, script: str) -> None:
    """Send a form and wait for the page that answers it."""
    await page.evaluate(f"window.isOld = true; {script}")
    await sees(page, "window.isOld ? '' : document.readyState", "complete")


async def test_strangers_get_the_news_and_no_token(site: str) -> None:
    """The page is there, the private channel is not."""
    visitor = Visitor(site)

    status, page = await visitor.get("/")

    assert status == 200
    assert '<feed-widget channel="radio.news">' in page
    assert "data-token" not in page
    assert (await visitor.get("/token"))[0] == 403
    assert (await visitor.submit("/publish", channel="radio.news", text="x"))[0] == 403
    status, page = await visitor.submit("/sign-in", name="Ada", password="Wrong")
    assert (status, "That is not the password." in page) == (403, True)


async def test_forms_of_other_sites_do_nothing(site: str, station: Station) -> None:
    """A form without the token that the page has in it is refused."""
    visitor = Visitor(site)
    await visitor.sign_in()

    status, _ = await visitor.post(
        "/publish", {"channel": "radio.news", "text": "forged"}
    )

    assert status in (400, 403)
    answer = await station.http.items("radio.news")
    assert "forged" not in answer.body.decode()


async def test_the_token_reads_the_staffs_channel_and_does_nothing_else(
    site: str, station: Station
) -> None:
    """The one in the page, and those that come after it."""
    visitor = Visitor(site)
    await visitor.sign_in()
    await station.publish("radio.staff", {"type": "post", "content_text": "Hush"})

    _, page = await visitor.get("/")
    _, given = await visitor.get("/token")
    found = re.search('data-token="([^"]+)"', page)

    assert found is not None
    for token in (found[1], json.loads(given)["token"]):
        reader = station.client(token)
        assert b"Hush" in (await reader.items("radio.staff")).body
        answer = await reader.publish("radio.news", {"type": "post"})
        assert answer.status == 403


async def test_what_the_service_refuses_is_told_and_the_text_kept(site: str) -> None:
    """In the words of the service, escaped."""
    visitor = Visitor(site)
    await visitor.sign_in()
    text = "<b>" + "x" * MAX_TEXT

    status, page = await visitor.submit("/publish", channel="radio.news", text=text)

    assert status == 502
    assert "content_text" in page
    assert f"&lt;b&gt;{'x' * MAX_TEXT}</textarea>" in page
    status, _ = await visitor.submit("/publish", channel="radio.artist", text="x")
    assert status == 502


@pytest.mark.browser
async def test_what_is_published_shows_where_it_should(
    site: str, station: Station
) -> None:
    """In a browser: news for everybody, the staff's own with a token, renewed."""
    port = site.rpartition(":")[2]
    expired = station.token(read=["radio.staff"], lifetime=timedelta(hours=-1))
    renew = f"""
        document.getElementById("staff").dataset.token = "{expired}";
        document.getElementById("staff").replaceChildren();
        import("/staff.js?again");
    """
    async with asyncio.timeout(90), chromium() as page:
        await page.load(f"{site}/")
        await submit(page, SIGN_IN)
        await sees(page, SIGNED_IN, "Ada")
        text = f"For us {port}"
        await submit(page, PUBLISH.format(channel="radio.staff", text=text))
        await sees(page, STAFF, text)
        await submit(page, PUBLISH.format(channel="radio.news", text=f"For all {port}"))
        await sees(page, NEWS, f"For all {port}")
        await page.evaluate(renew)
        await sees(page, STAFF, text)
        asked = await page.evaluate(
            "performance.getEntriesByType('resource').map(one => one.name)"
        )

        assert f"{site}/token" in asked
        assert text not in await look(page, NEWS)
    public = await station.http.items("radio")
    assert f"For all {port}".encode() in public.body
    assert text.encode() not in public.body
