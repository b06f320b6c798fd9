"""``/oembed``: what another site is told of a page of ours."""

from __future__ import annotations

from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from tests.net.clients import Answer
from tests.net.station import NOON, Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "live.example"
PAGE = f"http://{HOST}/embed/past"


async def ask(station: Station, url: str | None = PAGE, **query: Any) -> Answer:
    asked = {**({} if url is None else {"url": url}), **query}
    return await station.http.ask("GET", "/oembed", headers={"Host": HOST}, **asked)


async def test_the_frame_is_described_as_the_specification_says(
    station: Station,
) -> None:
    """Type, version, size, and the HTML that shows it."""
    answer = await ask(station, f"{PAGE}?theme=dark&backlog=5&before=AAAA")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    told = answer.json
    assert (told["version"], told["type"]) == ("1.0", "rich")
    assert (told["width"], told["height"]) == (600, 800)
    assert told["provider_url"] == f"http://{HOST}"
    assert told["html"].startswith(f'<iframe src="{PAGE}?backlog=5&amp;theme=dark" ')


async def test_the_same_is_told_as_xml(station: Station) -> None:
    """Element by element."""
    as_json = (await ask(station)).json
    answer = await ask(station, format="xml")

    assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"
    root = fromstring(answer.body)
    assert root.tag == "oembed"
    assert {one.tag: one.text for one in root} == {
        name: str(value) for name, value in as_json.items()
    }


async def test_a_frame_is_never_larger_than_there_is_room(station: Station) -> None:
    """Nor larger than it is by itself."""
    small = (await ask(station, maxwidth=320, maxheight="200")).json
    large = (await ask(station, maxwidth=9_000, maxheight="9" * 40)).json

    assert (small["width"], small["height"]) == (320, 200)
    assert 'width="320" height="200"' in small["html"]
    assert (large["width"], large["height"]) == (600, 800)


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example/embed/past",
        f"http://{HOST}/feeds/past.atom",
        f"http://{HOST}/embed/no.such.channel",
        f"http://{HOST}/embed/secret.oembed",
        f"http://{HOST}/embed/sec%20ret",
        f"http://{HOST}/embed/past?types=cake",
        f"http://{HOST}@elsewhere.example/embed/past",
        "http://[/embed/past",
        "javascript:alert(1)",
    ],
)
async def test_other_addresses_are_not_found(station: Station, url: str) -> None:
    """A private channel is one of them, whoever asks."""
    await station.publish("secret.oembed", post("oembed-secret", NOON))
    token = station.token(read=["secret"])

    answer = await ask(station, url)
    trusted = await station.http.ask(
        "GET", "/oembed", url=url, token=token, headers={"Host": HOST}
    )

    assert answer.error == trusted.error == (404, "not_found")


async def test_head_tells_the_same_without_the_description(station: Station) -> None:
    """As everywhere where there is something to get."""
    there, other = [
        await station.http.ask("HEAD", "/oembed", url=url, headers={"Host": HOST})
        for url in (PAGE, f"{PAGE}.unknown")
    ]

    assert (there.status, there.body) == (200, b"")
    assert (other.status, other.body) == (404, b"")


async def test_an_unknown_format_is_not_implemented(station: Station) -> None:
    """In the words of the specification, 501."""
    assert (await ask(station, format="yaml")).error == (501, "bad_message")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"maxwidth": "wide"}, "maxwidth"),
        ({"maxheight": "-1"}, "maxheight"),
        ({"maxheight": "0"}, "maxheight"),
        ({"maxwidth": "²"}, "maxwidth"),
    ],
)
async def test_a_bad_size_is_told_by_name(
    station: Station, query: dict[str, str], told: str
) -> None:
    """As everywhere."""
    answer = await ask(station, **query)

    assert answer.error == (400, "bad_message")
    assert told in answer.text
    assert (await ask(station, None)).error == (400, "bad_message")
