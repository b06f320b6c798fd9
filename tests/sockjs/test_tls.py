"""WebSockets over TLS: the socket wants other care there."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from feedsvc.sockjs import Batch, SockJSRouter
from tests.sockjs.test_group import members


def make_certificate(path: Path) -> Path:
    """Write a key and a certificate for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.asynccontextmanager
async def serving_tls(
    router: SockJSRouter, path: Path
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    certificate = make_certificate(path / "test.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = HTTPServer(Application(list(router.urls)), ssl_options=context)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    client = ssl.create_default_context(cafile=str(certificate))
    yield f"wss://127.0.0.1:{sockets[0].getsockname()[1]}", client
    server.stop()
    await router.stop()
    await server.close_all_connections()


@pytest.mark.parametrize("path", ["/live/s/one/websocket", "/live/websocket"])
async def test_websocket_over_tls(tmp_path: Path, path: str) -> None:
    """Both ways, longer than a record and longer than any buffer."""
    made, group, router = members({"max_queued_bytes": 0, "max_request_bytes": 1 << 20})
    text = "ж" * 30_000
    async with (
        serving_tls(router, tmp_path) as (url, context),
        websockets.connect(url + path, ssl=context, max_size=None) as ws,
    ):
        framed = path != "/live/websocket"
        if framed:
            assert await ws.recv() == "o"
        await ws.send(f'["{text}"]' if framed else text)
        assert await ws.recv() == (f'a["{text}"]' if framed else text)
        for number in range(300):
            group.send(Batch((f"{number} " + "x" * 20_000,)))
        assert made[0].queued_bytes
        for number in range(300):
            frame = await ws.recv()
            assert str(frame).removeprefix('a["').startswith(f"{number} ")
        async with asyncio.timeout(10):
            while made[0].queued_bytes:  # noqa: ASYNC110 - its state
                await asyncio.sleep(0.01)
