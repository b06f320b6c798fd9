"""The load client finds every fault: what it reports as none must mean none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from feedsvc.sockjs.wire import DEFLATE_RECEIVERS

from install import build
from peers import HERE, SOCKJS, WEBSOCKET, WORK, Server, ours
from process import started

CLIENTS = 20


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    build()


def measure(fault: str, window: int) -> dict[str, float]:
    """Run the load client against a server with the fault."""
    script = str(Path(HERE, "servers", "faulty.py"))
    start = (sys.executable, script, fault, "{port}", "{control}")
    return run(Server("faulty", "own:-", start, WEBSOCKET), CLIENTS, window)


def run(server: Server, clients: int, window: int) -> dict[str, float]:
    """Run the load client against a server."""
    with started(server) as (process, port, control):
        command = [
            *(str(WORK / "load"), "--port", str(port), "--control-port", str(control)),
            *("--pid", str(process.pid), "--clients", str(clients)),
            *("--window", str(window), "--seconds", "0.3", "--warmup", "0"),
            *server.client,
        ]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize("window", [1, 50])
def test_a_good_server_has_no_fault(window: int) -> None:
    """Every client counts every item once."""
    found = measure("none", window)

    assert found["items"] > 20
    assert not any(found[name] for name in ("lost", "duplicated", "out_of_order"))


def test_compressed_items_are_counted() -> None:
    """The layer compresses for so many clients; each still counts every item."""
    found = run(ours("layer", "layer", SOCKJS), DEFLATE_RECEIVERS, 50)

    assert found["items"] > 20
    assert not any(found[name] for name in ("lost", "duplicated", "out_of_order"))


def test_lost_items_are_counted() -> None:
    """One client lacks every tenth item."""
    found = measure("lose", 500)

    assert found["lost"] >= 1
    assert (found["duplicated"], found["out_of_order"]) == (0, 0)


def test_duplicated_items_are_counted() -> None:
    """One client gets every tenth item twice."""
    found = measure("duplicate", 50)

    assert found["duplicated"] == found["items"] // 10
    assert (found["lost"], found["out_of_order"]) == (0, 0)


def test_items_that_overtake_each_other_are_counted() -> None:
    """One client gets every tenth item after the eleventh."""
    found = measure("reorder", 50)

    assert 0 < found["out_of_order"] <= found["items"] // 10
    assert found["duplicated"] == 0


def test_a_closed_connection_is_a_fault() -> None:
    """One client is closed and lacks what was under way."""
    found = measure("close", 50)

    assert found["closed"] == 1
    assert found["lost"] >= 1
