"""Whole runs against servers that lie, break off, go on for ever, or mean it badly.

``test_fetch.py`` has what is wrong below HTTP and in redirects; here is what a run
makes of it: items where there are any, else one clear sentence, and the next run as
if nothing had been.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from datetime import UTC, datetime, timedelta

import pytest

from ingest.summary import Outcome
from tests.ingest.scene import Scene, rss
from tests.ingest.upstream import Writer, answer

pytestmark = pytest.mark.mongo

FEED = rss(("1", "Grüße"))
UTF16 = f'<?xml version="1.0" encoding="utf-16"?>{FEED}'.encode("utf-16")
LATIN = f'<?xml version="1.0" encoding="iso-8859-1"?>{FEED}'.encode("latin-1")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def endless_headers(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: and more\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def slow_headers(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset_within_the_body(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n<rss>")
    await writer.drain()
    connection: socket.socket = writer.get_extra_info("socket")
    # Closing at once, and without a farewell: a reset.
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


READABLE = {
    "a charset in the header that is a lie": answer(
        200, LATIN, "Content-Type: text/xml; charset=utf-8"
    ),
    "a charset that does not exist": answer(
        200, FEED.encode(), "Content-Type: text/xml; charset=klingon-8"
    ),
    "a declaration that is a lie": answer(
        200, f'<?xml version="1.0" encoding="us-ascii"?>{FEED}'.encode()
    ),
    "a byte order mark": answer(200, b"\xef\xbb\xbf" + FEED.encode()),
    "UTF-16": answer(200, UTF16, "Content-Type: application/rss+xml"),
    "the type of a picture": answer(200, FEED.encode(), "Content-Type: image/png"),
    "no type at all": answer(200, FEED.encode()),
    "empty lines before the document": answer(200, b"\r\n\r\n" + FEED.encode()),
    "a document that is not closed": answer(200, FEED[:-16].encode()),
    "gzip within gzip's name": answer(
        200, gzip.compress(FEED.encode()), "Content-Encoding: gzip"
    ),
    "no length, but an end": b"HTTP/1.0 200 OK\r\n\r\n" + FEED.encode(),
}

UNREADABLE = {
    "an error page that says 200": (
        answer(200, b"<!doctype html><title>Oops</title>", "Content-Type: text/xml"),
        "not a feed",
    ),
    "nothing at all": (answer(200, b""), "empty"),
    "a login page after a redirect": (
        answer(302, b"", "Location: /login"),
        "not a feed",
    ),
    "a picture": (answer(200, b"\x89PNG\r\n\x1a\n" + bytes(range(256))), "not a feed"),
    "a chunk that breaks off": (CHUNKED + b"1000\r\n<rss>", "closed"),
    "a length that is too long": (
        answer(200, FEED.encode(), "Content-Length: 90000"),
        "closed",
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n<rss>",
        "",
    ),
    "headers without an end": (endless_headers, ""),
    "headers that drip": (slow_headers, "took too long"),
    "a reset within the body": (reset_within_the_body, ""),
    "a move to itself for ever": (
        answer(301, b"", "Location: /feed"),
        "redirects more than 5 times",
    ),
    "an answer to a question that was not asked": (answer(304), "answered 304"),
    "half a document in a range": (
        answer(206, FEED.encode(), "Content-Range: bytes 0-99/9000"),
        "answered 206",
    ),
}


@pytest.mark.parametrize("kind", READABLE)
async def test_what_can_be_read_is_read(scene: Scene, kind: str) -> None:
    """With its letters as they were meant."""
    scene.server.answers["/feed"] = READABLE[kind]

    summary = await scene.run()

    assert (summary.outcome, summary.error) == (Outcome.DONE, "")
    assert [item.body["title"] for item in await scene.items()] == ["Grüße"]


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_what_cannot_be_read_is_a_failed_run(scene: Scene, kind: str) -> None:
    """Told in a sentence; and the source is read as soon as it is well again."""
    given, told = UNREADABLE[kind]
    scene.server.answers["/feed"] = given
    scene.server.put("/login", "<!doctype html><form>Who are you?</form>")
    scene.job = scene.feed(timeout_s=1 if told == "took too long" else 30)

    failed = await scene.run()
    scene.server.put("/feed", FEED)
    scene.job = scene.feed(timeout_s=30)
    well = await scene.run_when_due()

    assert failed.outcome is Outcome.FAILED
    assert told in failed.error
    assert well.outcome is Outcome.DONE
    assert len(await scene.items()) == 1


async def test_encryption_is_asked_of_a_server_that_has_none(scene: Scene) -> None:
    """It answers in plain text, which is no answer."""
    scene.server.put("/feed", FEED)
    scene.job = scene.feed(timeout_s=30)
    source = scene.job.source
    source.url = source.url.replace("http://", "https://")

    summary = await scene.run()

    assert summary.outcome is Outcome.FAILED
    assert "encryption" in summary.error


@pytest.mark.parametrize("form", ["seconds", "epoch", "epoch ms", "ISO", "HTTP date"])
async def test_a_limit_is_kept_in_whatever_form_its_end_is_told(
    scene: Scene, form: str
) -> None:
    """Nobody asks before it."""
    # The server's clock is the real one, ours stands still.
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    header = {
        "seconds": "Retry-After: 7200",
        "epoch": f"X-Rate-Limit-Reset: {end.timestamp():.0f}",
        "epoch ms": f"Rate-Limit-Reset: {end.timestamp() * 1000:.0f}",
        "ISO": f"X-RateLimit-Reset: {end.isoformat().replace('+00:00', '.000Z')}",
        "HTTP date": f"Retry-After: {end:%a, %d %b %Y %H:%M:%S} GMT",
    }[form]
    scene.server.answers["/feed"] = answer(429, b"", header)

    summary = await scene.run()

    wait = (summary.next_due - scene.now).total_seconds()
    assert summary.outcome is Outcome.FAILED
    assert wait == pytest.approx(7_200, abs=60)
