"""Fetching from a server that misbehaves in every way we could think of."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable

import pytest

from ingest.exchange import FetchError, Request
from ingest.fetch import MAX_BODY, Fetcher, Validators
from ingest.hosts import Hosts
from tests.ingest.upstream import Upstream, Writer, answer, failure, get, upstream


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstream() as told:
        yield told


def always() -> float:
    return 1.0


async def test_an_answer_comes_with_its_headers_in_lower_case(server: Upstream) -> None:
    """Whatever case the server likes."""
    server.put("/feed", "hello", "X-Odd-CASE: 1", 'ETag: "a"')

    response = await get(f"{server.url}/feed")

    assert response.body == b"hello"
    assert response.headers["x-odd-case"] == "1"
    assert response.url == f"{server.url}/feed"
    assert response.moved_to is None


async def test_validators_are_sent_back_exactly_as_they_came(server: Upstream) -> None:
    """Quotes and weakness included; a date is not read and written anew."""
    server.answers["/feed"] = answer(304, b"", 'ETag: W/"odd, one"')
    known = Validators('W/"odd, one"', "Sunday, 06-Nov-94 08:49:37 GMT")

    response = await get(f"{server.url}/feed", known)

    assert response.status == 304
    assert server.header("If-None-Match") == 'W/"odd, one"'
    assert server.header("If-Modified-Since") == "Sunday, 06-Nov-94 08:49:37 GMT"


async def test_now_and_then_a_fetch_is_unconditional(server: Upstream) -> None:
    """In case the server's validators lie."""
    server.put("/feed", "hello")
    fetcher = Fetcher(Hosts(), chance=lambda: 0.001)

    await get(f"{server.url}/feed", Validators('"a"'), fetcher=fetcher)

    fetcher.close()
    assert server.header("If-None-Match") is None


async def test_not_modified_without_a_question_is_an_error(server: Upstream) -> None:
    """We would have nothing to show for it."""
    server.answers["/feed"] = answer(304)

    error = await failure(f"{server.url}/feed")

    assert error.status == 304


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 418, 500, 503])
async def test_other_answers_are_errors_with_their_status(
    server: Upstream, status: int
) -> None:
    """And with the address, but without what may be secret in it."""
    server.answers["/feed"] = answer(status)

    error = await failure(f"{server.url}/feed?apikey=secret")

    assert error.status == status
    assert "secret" not in str(error)
    assert f"{server.url}/feed" in str(error)


async def test_a_slow_drip_ends_at_the_time_limit(server: Upstream) -> None:
    """Though something arrives all the time."""

    async def drip(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    server.answers["/feed"] = drip
    began = time.monotonic()

    error = await failure(f"{server.url}/feed", timeout_s=0.3)

    assert "took too long" in str(error)
    assert time.monotonic() - began < 2


async def test_a_server_that_says_nothing_ends_at_the_time_limit(
    server: Upstream,
) -> None:
    """A connection is not an answer."""

    async def sulk(writer: Writer) -> None:
        await asyncio.sleep(30)

    server.answers["/feed"] = sulk

    error = await failure(f"{server.url}/feed", timeout_s=0.3)

    assert "took too long" in str(error)


@pytest.mark.parametrize(
    "header",
    ["Content-Encoding: gzip", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"],
)
async def test_a_gzip_bomb_is_stopped_while_it_is_read(
    server: Upstream, header: str
) -> None:
    """At the limit, not after a hundred megabytes."""
    bomb = gzip.compress(b"\0" * 100_000_000)
    if "chunked" in header:
        body = f"{len(bomb):x}\r\n".encode() + bomb + b"\r\n0\r\n\r\n"
        head = f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode()
        server.answers["/feed"] = head + body
    else:
        server.put("/feed", bomb, header)

    error = await failure(f"{server.url}/feed")

    assert "longer than 5 MB" in str(error)


async def test_a_body_over_the_limit_is_refused(server: Upstream) -> None:
    """By one byte; the limit itself is read."""
    server.put("/good", b"x" * MAX_BODY)
    server.put("/feed", b"x" * (MAX_BODY + 1))

    good = await get(f"{server.url}/good")
    error = await failure(f"{server.url}/feed")

    assert len(good.body) == MAX_BODY
    assert "longer than 5 MB" in str(error)


async def test_an_endless_stream_is_cut(server: Upstream) -> None:
    """As an address of a radio stream would be, given by mistake."""

    async def flow(writer: Writer) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"\xff" * 65_536)
            await writer.drain()

    server.answers["/feed"] = flow

    error = await failure(f"{server.url}/feed")

    assert "longer than 5 MB" in str(error)


async def test_a_body_shorter_than_promised_is_an_error(server: Upstream) -> None:
    """Half a document is not a document."""
    server.put("/feed", "half", "Content-Length: 400")

    error = await failure(f"{server.url}/feed")

    assert "closed" in str(error)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_an_error(server: Upstream, raw: bytes) -> None:
    """And never a crash or a hang."""
    server.answers["/feed"] = raw

    error = await failure(f"{server.url}/feed")

    assert error.status is None


async def test_an_encoding_that_nobody_asked_for_is_refused(server: Upstream) -> None:
    """Rather than parsed as if it were text."""
    server.put("/feed", "...", "Content-Encoding: br")

    error = await failure(f"{server.url}/feed")

    assert "encoding" in str(error)


async def test_redirects_are_followed_five_times(server: Upstream) -> None:
    """And a sixth is one too many."""
    for n in range(10):
        server.answers[f"/{n}"] = answer(302, b"", f"Location: /{n + 1}")
    server.put("/10", "end")

    response = await get(f"{server.url}/5")
    error = await failure(f"{server.url}/4")

    assert response.body == b"end"
    assert response.moved_to is None
    assert "redirects more than 5 times" in str(error)


async def test_a_permanent_move_is_told(server: Upstream) -> None:
    """If every step of it is permanent."""
    server.answers["/a"] = answer(301, b"", "Location: /b")
    server.answers["/b"] = answer(308, b"", "Location: /c")
    server.answers["/x"] = answer(302, b"", "Location: /b")
    server.put("/c", "end")

    moved = await get(f"{server.url}/a")
    borrowed = await get(f"{server.url}/x")

    assert moved.moved_to == f"{server.url}/c"
    assert borrowed.moved_to is None


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x/", "//", "h:["])
async def test_redirects_to_other_schemes_are_refused(
    server: Upstream, location: str
) -> None:
    """Only http and https."""
    server.answers["/feed"] = answer(301, b"", f"Location: {location}")

    error = await failure(f"{server.url}/feed")

    assert "redirects" in str(error)


async def test_secrets_do_not_follow_a_redirect_to_another_host(
    server: Upstream,
) -> None:
    """What the operator gave for one host is not for another."""
    async with upstream("127.0.0.2") as other:
        other.put("/feed", "hello")
        there = other.url.replace("http://", "http://user:pass@")
        server.answers["/here"] = answer(302, b"", f"Location: {there}/feed")
        server.answers["/feed"] = answer(302, b"", "Location: /here")

        await get(f"{server.url}/feed", Authorization="Bearer x", X_Key="y", Accept="z")

        assert server.header("Authorization") == "Bearer x"
        assert other.header("Authorization") is None
        assert other.header("X_Key") is None
        assert other.header("Accept") == "z"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/secret",
        "http://localhost:{port}/secret",
        "http://2130706433:{port}/secret",
        "http://0x7f000001:{port}/secret",
        "http://0177.0.0.1:{port}/secret",
        "http://127.1:{port}/secret",
        "http://[::ffff:127.0.0.1]:{port}/secret",
        "http://[::1]:{port}/secret",
        "http://0.0.0.0:{port}/secret",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
    ],
)
async def test_private_addresses_are_not_connected_to(
    server: Upstream, target: str
) -> None:
    """In whatever form they are written, directly and by a redirect."""
    server.put("/secret", "secret")
    url = target.format(port=server.url.rpartition(":")[2])
    permitted: Callable[[str], bool] = {"127.0.0.3"}.__contains__
    async with upstream("127.0.0.3") as outside:
        outside.answers["/feed"] = answer(302, b"", f"Location: {url}")
        fetcher = Fetcher(Hosts(), permits=permitted)

        with pytest.raises(FetchError, match="not an address of the public internet"):
            await fetcher.get(Request(f"{outside.url}/feed"))
        with pytest.raises(FetchError, match="not an address of the public internet"):
            await Fetcher(Hosts()).get(Request(url))

        fetcher.close()
    assert server.requests == []


@pytest.mark.parametrize("header", ["Retry-After: 120", "X-RateLimit-Reset: 120"])
async def test_a_host_that_asks_us_to_wait_is_left_alone(
    server: Upstream, header: str
) -> None:
    """All of it, whatever else it serves."""
    server.answers["/limited"] = answer(429, b"", header)
    server.put("/other", "fine")
    fetcher = Fetcher(Hosts())

    with pytest.raises(FetchError) as first:
        await get(f"{server.url}/limited", fetcher=fetcher)
    with pytest.raises(FetchError) as second:
        await get(f"{server.url}/other", fetcher=fetcher)

    fetcher.close()
    assert first.value.retry_after_s == pytest.approx(120, abs=2)
    assert second.value.retry_after_s == pytest.approx(120, abs=2)
    assert len(server.requests) == 1


async def test_the_last_answer_before_a_limit_suspends_the_host_too(
    server: Upstream,
) -> None:
    """Without making it say no."""
    server.put("/feed", "ok", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 60")
    fetcher = Fetcher(Hosts())

    await get(f"{server.url}/feed", fetcher=fetcher)
    with pytest.raises(FetchError, match="asked us to wait"):
        await get(f"{server.url}/feed", fetcher=fetcher)

    fetcher.close()


async def test_an_address_that_nobody_listens_on_is_an_error(server: Upstream) -> None:
    """And so is a name that does not exist."""
    refused = await failure("http://127.0.0.1:1/feed")
    unknown = await failure("http://no-such-host.invalid/feed")

    assert refused.status is None
    assert unknown.status is None
