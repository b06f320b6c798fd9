"""Start a server under test on its core, on free ports, and end it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from peers import HERE, NGINX_MODULES, WORK, Server

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
SERVER_CORE = "0"


def heed_sigterm() -> None:
    """Let SIGTERM end this program as Ctrl-C does: what it has started ends first."""
    # Ctrl-C is nothing to programs that a shell has put in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens; raise RuntimeError if the server ends or hangs."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, politely first."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def started(server: Server) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """Run a server on its core; yield its process and its two ports."""
    port, control = free_ports(2)
    if server.publishes_to_port:
        control = port
    with TemporaryDirectory(prefix="run-", dir=WORK) as folder:
        names = {"port": port, "control": control, "folder": folder}
        if server.config:
            template = (HERE / "servers" / server.config).read_text()
            filled = template.format(**names, modules=NGINX_MODULES)
            Path(folder, server.config).write_text(filled)
        command = [part.format(**names) for part in server.start]
        environment = {
            key: value.format(**names) for key, value in server.environment.items()
        }
        with Path(folder, "log").open("w+b") as log:
            process = subprocess.Popen(
                ["taskset", "-c", SERVER_CORE, *command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                wait_for_port(port, process)
                wait_for_port(control, process)
                yield process, port, control
            except RuntimeError as error:
                log.seek(0)
                tail = log.read().decode(errors="replace")[-500:]
                raise RuntimeError(f"{error}: {tail}") from error
            finally:
                stop(process)
