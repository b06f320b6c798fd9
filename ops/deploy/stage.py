"""The files of this folder put to work for a trial: real workers, a real balancer.

The files are taken as they stand; only addresses and folders are exchanged for free
ports and a folder of the trial's own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tornado.httpclient import (
    AsyncHTTPClient,
    HTTPClientError,
    HTTPRequest,
    HTTPResponse,
)

HERE = Path(__file__).parent
BALANCERS = ("nginx", "haproxy")
# Each layout with its host, its port as the files have it, and the path of the service.
LAYOUTS: Mapping[str, tuple[str, int, str]] = {
    "path": ("www.radio.example", 443, "/feed"),
    "port": ("www.radio.example", 8443, ""),
    "subdomain": ("live.radio.example", 443, ""),
}
WORKER_PORTS = (8081, 8082, 8083)
SECRET = "known to the workers and to their trial"  # noqa: S105 - guards nothing
PATIENCE_S = 40.0
# As systemd waits for a worker that drains: TimeoutStopSec.
STOP_S = 90.0
# Debian has it where users do not look for programs.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_NGINX_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class StageError(Exception):
    """A program of the trial does not start; the text is what it said."""


class Worker:
    """One ``feedsvc serve`` on a port of its own, as ``feedsvc@.service`` runs it."""

    def __init__(self, port: int, folder: Path, environ: Mapping[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.admin_port = free_ports(1)[0]
        self.log = folder / f"worker-{port}.log"
        self._environ = {
            **os.environ,
            "FEEDSVC_PORT": str(port),
            "FEEDSVC_ADMIN_PORT": str(self.admin_port),
            "FEEDSVC_DATA_DIR": str(folder / "data"),
            "FEEDSVC_SECRET": SECRET,
            "FEEDSVC_PROXIES": "127.0.0.1",
            **environ,
        }
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, as ``systemctl start`` does: without waiting until it is ready."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "feedsvc", "serve"),
                env=self._environ,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def stop(self) -> None:
        """Send SIGTERM and wait until it has drained and ended."""
        if self._process is not None:
            await end(self._process)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        client = AsyncHTTPClient()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(OSError, HTTPClientError):
                    await client.fetch(f"{self.url}/readyz")
                    return
                if self._process is None or self._process.returncode is not None:
                    raise StageError(self.log.read_text("utf-8"))
                await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Front:
    """What clients see: a name, a port, and the certificate to expect."""

    host: str
    port: int
    path: str
    context: ssl.SSLContext
    client: AsyncHTTPClient = field(repr=False)

    @property
    def origin(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def socket_url(self) -> str:
        return self.url.replace("https", "wss", 1)

    @property
    def connection(self) -> dict[str, Any]:
        """What a WebSocket client has to know beside the address."""
        return {"host": "127.0.0.1", "port": self.port, "ssl": self.context}

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        """Make one request, on a connection of its own."""
        request = HTTPRequest(
            f"{self.url}{path}",
            method,
            headers=dict(headers or {}),
            body=body,
            ssl_options=self.context,
            allow_nonstandard_methods=True,
            request_timeout=PATIENCE_S,
        )
        return await self.client.fetch(request, raise_error=False)


@asynccontextmanager
async def running_workers(
    uri: str, folder: Path, **environ: str
) -> AsyncIterator[list[Worker]]:
    """Run as many workers on one database as the files know of."""
    environ = {"FEEDSVC_MONGODB_URI": uri, **environ}
    ports = free_ports(len(WORKER_PORTS))
    workers = [Worker(port, folder, environ) for port in ports]
    try:
        # The first one makes what the others find: the data directory, the indexes.
        for some in (workers[:1], workers[1:]):
            await asyncio.gather(*(worker.start() for worker in some))
            await asyncio.gather(*(worker.ready() for worker in some))
        yield workers
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))


@asynccontextmanager
async def running_balancer(
    balancer: str,
    layout: str,
    worker_ports: Sequence[int],
    folder: Path,
    *,
    cached: bool = False,
) -> AsyncIterator[Front]:
    """Run nginx or HAProxy with the files of a layout; nginx may keep a cache too."""
    host, usual_port, path = LAYOUTS[layout]
    [port] = free_ports(1)
    certificate = folder / "tls.pem"
    make_certificate(certificate, host)
    if balancer == "nginx":
        start = _nginx(layout, usual_port, port, worker_ports, folder)
        if cached:
            _add_cache(layout, folder)
    else:
        start = _haproxy(layout, usual_port, port, worker_ports, certificate)
    command, environ = start
    output = folder / f"{balancer}.out"
    with output.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "PATH": PATH, **environ},
            stdin=DEVNULL,
            stdout=out,
            stderr=out,
        )
    context = ssl.create_default_context(cafile=str(certificate))
    client = AsyncHTTPClient(
        force_instance=True, hostname_mapping={host: "127.0.0.1"}, max_clients=100
    )
    try:
        await _listening(port, process, output)
        yield Front(host, port, path, context, client)
    finally:
        client.close()
        await end(process)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def end(process: Process) -> None:
    """Ask a process to end, and kill it if it has not in time."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def make_certificate(path: Path, host: str) -> None:
    """Write a certificate for the host with its key, as one file; it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


Start = tuple[tuple[str, ...], Mapping[str, str]]


def _nginx(
    layout: str,
    usual_port: int,
    port: int,
    worker_ports: Sequence[int],
    folder: Path,
) -> Start:
    temporary = [f"{name}_temp_path {folder}/{name};" for name in _NGINX_TEMPORARY]
    changes = {
        f"listen {usual_port} ssl": f"listen 127.0.0.1:{port} ssl backlog=4096",
        f"    listen [::]:{usual_port} ssl;\n": "",
        "user www-data;": f"user {getuser()}; daemon off;",
        "pid /run/nginx.pid": f"pid {folder}/nginx.pid",
        "access_log /var/log/nginx/access.log": "access_log off",
        "/var/log/nginx": str(folder),
        "/etc/nginx/conf.d": f"{folder}/conf.d",
        "/etc/nginx/snippets": f"{folder}/snippets",
        "/etc/feedsvc": str(folder),
        "include /etc/nginx/mime.types;": "\n".join(temporary),
        # A container may not be allowed more than it has.
        "worker_rlimit_nofile 65536;": "",
        "worker_connections 32768": "worker_connections 9000",
        **{
            f"127.0.0.1:{usual}": f"127.0.0.1:{ours}"
            for usual, ours in zip(WORKER_PORTS, worker_ports, strict=True)
        },
    }
    shutil.rmtree(folder / "conf.d", ignore_errors=True)
    places = {
        "nginx.conf": "nginx.conf",
        "feedsvc.conf": "conf.d/feedsvc.conf",
        "proxy.conf": "snippets/feedsvc.conf",
        f"{layout}.conf": f"conf.d/{layout}.conf",
    }
    for name, place in places.items():
        text = (HERE / "nginx" / name).read_text("utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        target = folder / place
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, "utf-8")
    return ("nginx", "-e", "stderr", "-c", str(folder / "nginx.conf")), {}


def _add_cache(layout: str, folder: Path) -> None:
    """Add the cache to the files that nginx is going to be started with."""
    path = LAYOUTS[layout][2]
    for name, place in (
        ("cache.conf", "conf.d/feedsvc-cache.conf"),
        ("cached.conf", "snippets/feedsvc-cached.conf"),
    ):
        text = (HERE / "nginx" / name).read_text("utf-8")
        text = text.replace("/var/lib/nginx", str(folder))
        text = text.replace("location ~ ^/(", f"location ~ ^{path}/(")
        (folder / place).write_text(text, "utf-8")


def _haproxy(
    layout: str,
    usual_port: int,
    port: int,
    worker_ports: Sequence[int],
    certificate: Path,
) -> Start:
    bind = "HTTPS" if usual_port == 443 else "HTTPS_PORT"
    environ = {
        f"WORKER_{number}": f"127.0.0.1:{ours}"
        for number, ours in enumerate(worker_ports, 1)
    }
    environ |= {bind: f"127.0.0.1:{port}", "TLS": str(certificate)}
    # As many as a container is allowed that may not raise its limits.
    environ["MOST_CLIENTS"] = "4500"
    files = (HERE / "haproxy" / "haproxy.cfg", HERE / "haproxy" / f"{layout}.cfg")
    options = (option for file in files for option in ("-f", str(file)))
    return ("haproxy", "-db", *options), environ


async def _listening(port: int, process: Process, output: Path) -> None:
    """Return once somebody listens; raise ``StageError`` if the program ends."""
    async with asyncio.timeout(PATIENCE_S):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    raise StageError(output.read_text("utf-8", "replace"))  # noqa: ASYNC240 - small
