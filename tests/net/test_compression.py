"""What is sent is small: answers by gzip, files as the build has compressed them."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from feedsvc.net.compression import LEAST_BYTES, LONG_BYTES, accepts, compress
from feedsvc.net.pages import version_of, web_directory
from tests.net.clients import PATIENCE_S
from tests.net.station import Station, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUILT = web_directory()
SCRIPT = "widget.js"


async def raw(station: Station, path: str, *lines: str) -> tuple[dict[str, str], bytes]:
    """Return headers and body as they come over the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", station.where.port)
    asked = [f"GET {path} HTTP/1.1", "Host: test", *lines, "Connection: close", "", ""]
    writer.write("\r\n".join(asked).encode())
    async with asyncio.timeout(PATIENCE_S):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status, *told = head.decode().split("\r\n")
    headers = {line.split(": ")[0].lower(): line.split(": ", 1)[1] for line in told}
    return {**headers, ":status": status.split()[1]}, body


def built() -> Path:
    assert BUILT is not None, "the widget has not been built: make web"
    return BUILT


@pytest.mark.parametrize(
    ("header", "is_good"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("br", False),
        ("x-gzip", False),
        ("", False),
    ],
)
async def test_what_a_client_accepts_is_what_it_says(
    header: str, is_good: bool
) -> None:
    """A weight of nothing rules it out."""
    assert accepts(header, "gzip") is is_good


@pytest.mark.parametrize("size", [LEAST_BYTES, LONG_BYTES + 1])
async def test_the_same_body_is_the_same_bytes(size: int) -> None:
    """Long ones are compressed elsewhere, and alike."""
    body = b"radio " * (size // 6 + 1)

    first, second = await compress(body), await compress(body)

    assert first == second
    assert gzip.decompress(first) == body


@pytest.mark.parametrize(
    "path", ["/api/channels/{}/items", "/feeds/{}.atom", "/embed/{}"]
)
async def test_answers_are_compressed_for_who_understands(
    station: Station, channel: str, path: str
) -> None:
    """Under the same weak ETag, and caches are told what it depends on."""
    await station.posts(channel, 30)
    path = path.format(channel)

    plain_headers, plain = await raw(station, path)
    headers, packed = await raw(station, path, "Accept-Encoding: gzip, br")
    known = f"If-None-Match: {headers['etag']}"
    same, nothing = await raw(station, path, "Accept-Encoding: gzip", known)

    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3
    assert headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain_headers
    assert headers["etag"] == plain_headers["etag"]
    assert headers["etag"].startswith('W/"')
    assert headers["vary"] == plain_headers["vary"] == "Authorization, Accept-Encoding"
    assert (same[":status"], nothing) == ("304", b"")
    assert same["vary"] == headers["vary"]


async def test_little_is_not_compressed(station: Station, channel: str) -> None:
    """It fits into one packet as it is."""
    await station.posts(channel, 1)

    headers, _ = await raw(
        station, f"/api/channels/{channel}/items", "Accept-Encoding: gzip"
    )

    assert "content-encoding" not in headers


async def test_streams_are_never_compressed(station: Station, channel: str) -> None:
    """A compressor would hold events back."""
    await station.posts(channel, 30)
    reader, writer = await asyncio.open_connection("127.0.0.1", station.where.port)
    path = f"/api/channels/{channel}/events?backlog=30"
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    )

    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"event: subscribed")
    writer.close()

    assert b"content-encoding" not in head.lower()


@pytest.mark.parametrize(
    ("accept", "coding", "ending"),
    [("br, gzip", "br", ".br"), ("gzip", "gzip", ".gz"), ("identity", None, "")],
)
async def test_a_file_is_sent_as_it_was_built(
    station: Station, accept: str, coding: str | None, ending: str
) -> None:
    """Its ETag is one of these very bytes."""
    path = built() / f"{SCRIPT}{ending}"

    headers, body = await raw(station, f"/{SCRIPT}", f"Accept-Encoding: {accept}")
    known = f"If-None-Match: {headers['etag']}"
    same, nothing = await raw(
        station, f"/{SCRIPT}", f"Accept-Encoding: {accept}", known
    )

    assert body == path.read_bytes()
    assert headers.get("content-encoding") == coding
    assert headers["content-type"].startswith("text/javascript")
    assert headers["etag"] == f'"{version_of(path)}"'
    assert headers["vary"] == "Accept-Encoding"
    assert (same[":status"], nothing) == ("304", b"")
    assert "content-encoding" not in same


async def test_an_address_with_the_version_is_good_for_ever(station: Station) -> None:
    """Any other one is asked for again."""
    version = version_of(built() / SCRIPT)

    current, _ = await raw(station, f"/{SCRIPT}?v={version}")
    old, _ = await raw(station, f"/{SCRIPT}?v=0123456789ab")
    plain, _ = await raw(station, f"/{SCRIPT}")

    assert current["cache-control"] == "public, max-age=31536000, immutable"
    assert old["cache-control"] == plain["cache-control"] == "public, max-age=300"


async def test_a_version_changes_with_the_content(tmp_path: Path) -> None:
    """Also while the service runs, as after a build."""
    path = tmp_path / "a.js"
    path.write_text("1")
    first = version_of(path)
    path.write_text("2")

    assert version_of(path) != first


async def test_private_answers_are_kept_by_nobody(station: Station) -> None:
    """Compressed or not; a token changes what is public too."""
    await station.publish("secret.packed", *(post() for _ in range(20)))
    token = station.token(read=["secret"])

    headers, _ = await raw(
        station,
        "/api/channels/secret.packed/items",
        "Accept-Encoding: gzip",
        f"Authorization: Bearer {token}",
    )

    assert headers["cache-control"] == "private, no-store"
    assert headers["content-encoding"] == "gzip"
