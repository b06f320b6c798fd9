"""Run the servers one after the other, round after round, and write what was measured.

    run.py                      our own service next to the bare send() loop
    run.py --peers              and next to its peers
    run.py --quick              a look at the figures in a minute or two
    run.py --only NAME ...      just these servers

Rounds are interleaved (A B C, A B C, ...), so that a busy moment of the machine does
not fall on one server alone, and ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import report
from peers import (
    BACKLOG,
    FLOOR,
    HERE,
    NGINX_MODULES,
    OURS,
    PEERS,
    WORK,
    Server,
    subscription,
)

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
LOAD_TIMEOUT_S = 300.0
MANY = 10_000  # from here on fewer items in flight, else the last one waits for minutes

SERVER_CORE, CLIENT_CORE = "0", "1"


@dataclass(frozen=True)
class Scenario:
    """One question: what is varied, and for which servers it makes sense."""

    name: str
    clients: tuple[int, ...]
    stalled: float = 0.0
    cohorts: int = 1
    steps: tuple[str, ...] = ()
    fan_out: bool = True
    ours_only: bool = False


# A second subscription; what {k} stands for decides how many cohorts there are.
OTHER = subscription("bench.c{k}")
SCENARIOS = (
    Scenario("fan-out", clients=(1_000, 3_500, 10_000)),
    Scenario("1 % stalled", clients=(3_500,), stalled=0.01),
    Scenario("1 cohort", clients=(3_500,), steps=OTHER, ours_only=True),
    Scenario(
        "1,000 cohorts", clients=(3_500,), cohorts=1_000, steps=OTHER, ours_only=True
    ),
    Scenario("connect", clients=(3_500,), fan_out=False, ours_only=True),
)
QUICK = (Scenario("fan-out", clients=(1_000,)),)


@dataclass(frozen=True)
class Case:
    """One run of one server."""

    round: int
    scenario: Scenario
    clients: int
    server: Server

    def windows(self) -> dict[str, int]:
        """Return the items in flight of each mode."""
        if not self.scenario.fan_out:
            return {}
        return {"one": 1, "fly": 50 if self.clients < MANY else 10}


def plan(
    servers: tuple[Server, ...], scenarios: tuple[Scenario, ...], rounds: int
) -> list[Case]:
    """Return all runs in order: within a round each server once per question."""
    return [
        Case(number, scenario, clients, server)
        for number in range(1, rounds + 1)
        for scenario in scenarios
        for clients in scenario.clients
        for server in servers
        if server in OURS or not scenario.ours_only
    ]


# --- one run -------------------------------------------------------------------------


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


def load(case: Case, seconds: float) -> list[str]:
    """Run the load client against the case's server; return a line a mode."""
    with started(case.server) as (process, port, control):
        command = [
            *("taskset", "-c", CLIENT_CORE, str(WORK / "load")),
            *("--port", str(port), "--control-port", str(control)),
            *("--pid", str(process.pid), "--clients", str(case.clients)),
            *("--seconds", str(seconds), "--stalled", str(case.scenario.stalled)),
            *("--cohorts", str(case.scenario.cohorts)),
            *(f"--window={window}" for window in case.windows().values()),
            *case.server.client,
            *case.scenario.steps,
            *("--prefill", str(BACKLOG)),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LOAD_TIMEOUT_S, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
    return done.stdout.splitlines()


def measure(case: Case, seconds: float) -> list[dict[str, Any]]:
    """Run one case; return one record a mode, or a record of why there is none."""
    about = {
        "scenario": case.scenario.name,
        "round": case.round,
        "server": case.server.name,
        "clients": case.clients,
    }
    try:
        lines = load(case, seconds)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return [{**about, "error": str(error)}]
    return [
        {**about, "mode": mode, **json.loads(line)}
        for mode, line in zip(case.windows() or ("connect",), lines, strict=True)
    ]


# --- all of them ---------------------------------------------------------------------


def machine(servers: tuple[Server, ...], seconds: float) -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "seconds": seconds,
        "versions": {server.name: server.version for server in servers},
    }


def show(case: Case, records: list[dict[str, Any]], left_s: float) -> None:
    """Print one line of progress."""
    figures = "  ".join(
        f"{record['mode']} {record['deliveries_per_s']:>9,.0f}/s"
        + f" p99 {record['p99_ms']:.0f} ms"
        + "".join(f" {key}!" for key in report.FAULTS if record[key])
        if "deliveries_per_s" in record
        else record.get("error") or f"{record['connects_per_s']:,.0f} clients/s"
        for record in records
    )
    where = f"{case.round} {case.scenario.name} N={case.clients:,}"
    print(
        f"[{left_s / 60:4.1f} min left] {where} {case.server.name}: {figures}",
        flush=True,
    )


def run(
    cases: list[Case], seconds: float, output: Path, header: dict[str, Any]
) -> None:
    """Run every case, appending each record to the output as it comes."""
    began = time.monotonic()
    estimate = sum(len(case.windows()) * (seconds + 2) + 3 for case in cases)
    print(f"{len(cases)} runs, about {estimate / 60:.0f} minutes", flush=True)
    with output.open("w", encoding="utf-8") as lines:
        lines.write(json.dumps(header) + "\n")
        for number, case in enumerate(cases, start=1):
            records = measure(case, seconds)
            lines.writelines(json.dumps(record) + "\n" for record in records)
            lines.flush()
            spent = time.monotonic() - began
            show(case, records, spent / number * (len(cases) - number))


def choose(arguments: argparse.Namespace) -> tuple[Server, ...]:
    """Return the servers that were asked for and are installed."""
    known = (*OURS, *PEERS) if arguments.peers or arguments.only else (*OURS, FLOOR)
    if arguments.only:
        unknown = set(arguments.only) - {server.name for server in known}
        if unknown:
            raise SystemExit(f"no such server: {', '.join(sorted(unknown))}")
        known = tuple(server for server in known if server.name in arguments.only)
    for server in known:
        if server.version is None:
            print(f"not installed, left out: {server.name}")
    return tuple(server for server in known if server.version is not None)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="run the peers too")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these servers")
    parser.add_argument("--clients", nargs="+", type=int, help="in place of the usual")
    parser.add_argument("--quick", action="store_true", help="1,000 clients, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each measurement"
    )
    parser.add_argument("--output", type=Path, help="where the raw figures go")
    arguments = parser.parse_args()
    servers = choose(arguments)
    kept = HERE / "raw" / ("peers.jsonl" if arguments.peers else "service.jsonl")
    throw_away = WORK / "latest.jsonl"
    partial = arguments.quick or arguments.only or arguments.clients
    output = arguments.output or (throw_away if partial else kept)
    output.parent.mkdir(parents=True, exist_ok=True)
    scenarios = QUICK if arguments.quick else SCENARIOS
    if arguments.clients:
        scenarios = tuple(
            replace(one, clients=tuple(arguments.clients)) for one in scenarios
        )
    cases = plan(servers, scenarios, 1 if arguments.quick else arguments.rounds)
    run(cases, arguments.seconds, output, machine(servers, arguments.seconds))
    print(report.render(output))
    if output == kept:
        report.write_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
