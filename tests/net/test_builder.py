"""``/builder``: the page that writes snippets."""

from __future__ import annotations

import pytest

from tests.net.station import NOON, Station, post
from tests.pages.reading import Read

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_offers_public_channels_and_nothing_else(station: Station) -> None:
    """Also to who may read more: what it writes is for everybody's eyes."""
    await station.publish("radio.staff.plans", post("builder-plans", NOON))
    await station.publish("secret.builder", post("builder-secret", NOON))
    await station.publish("radio.news.local", post("builder-news", NOON))
    token = station.token(admin=True)

    for asked in (None, token):
        answer = await station.http.ask("GET", "/builder", token=asked)
        page = Read(answer.body)
        offered = {one.get("value") for one in page.one("datalist")}
        assert {"radio", "radio.news", "radio.news.local"} <= offered
        assert not any(
            str(one).startswith(("secret", "radio.staff")) for one in offered
        )
        assert b"secret" not in answer.body


async def test_everything_in_its_form_has_a_label(station: Station) -> None:
    """For those who hear it."""
    page = Read((await station.http.ask("GET", "/builder")).body)

    labelled = {one.get("for") for one in page.all("label")}
    wrapped = {one for label in page.all("label") for one in label.iter()}
    fields = [*page.all("input"), *page.all("select")]
    assert len(fields) > 10
    for one in fields:
        named = one.get("id") in labelled or one in wrapped or one.get("aria-label")
        assert named, one.attrib


async def test_its_policy_is_strict(station: Station) -> None:
    """It shows what sources write, as every page with a widget does."""
    answer = await station.http.ask("GET", "/builder")

    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    page = Read(answer.body)
    assert all(one.get("src") for one in page.all("script"))
    assert page.all("style") == []
