"""Run the servers one after the other, round after round, and write what was measured.

    run.py                      our own service next to the bare send() loop
    run.py --peers              and next to its peers
    run.py --quick              a look at the figures in a minute or two
    run.py --only NAME ...      just these servers
    run.py --scenario connect   just this question

Rounds are interleaved (A B C, A B C, ...), so that a busy moment of the machine does
not fall on one server alone, and ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedsvc.sockjs.fanout import IMPLEMENTATION

import report
from peers import BACKLOG, FLOOR, HERE, OURS, PEERS, WORK, Server
from process import heed_sigterm, started
from scenarios import SCENARIOS, Case, Scenario, plan

LOAD_TIMEOUT_S = 300.0
# With more clients it takes longer, else the slowest get an item or two and no more.
SECONDS_FOR_CLIENTS = 3_500
CLIENT_CORE = "1"
QUICK_CLIENTS = (1_000,)


# --- one run -------------------------------------------------------------------------


def load(case: Case, seconds: float) -> list[str]:
    """Run the load client against the case's server; return a line a mode."""
    with started(case.server) as (process, port, control):
        command = [
            *("taskset", "-c", CLIENT_CORE, str(WORK / "load")),
            *("--port", str(port), "--control-port", str(control)),
            *("--pid", str(process.pid), "--clients", str(case.clients)),
            *(
                "--seconds",
                str(seconds * stretch(case)),
                "--stalled",
                str(case.scenario.stalled),
            ),
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


def stretch(case: Case) -> float:
    """Return by what factor the case is measured longer than asked."""
    return max(1.0, case.clients / SECONDS_FOR_CLIENTS)


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
        "fan_out": IMPLEMENTATION,
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
    estimate = sum(
        len(case.windows()) * (seconds * stretch(case) + 2) + 3 for case in cases
    )
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


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="run the peers too")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these servers")
    names = [one.name for one in SCENARIOS]
    parser.add_argument("--scenario", nargs="+", choices=names, help="only these")
    parser.add_argument("--clients", nargs="+", type=int, help="in place of the usual")
    parser.add_argument("--quick", action="store_true", help="1,000 clients, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        help="of each measurement; longer with more than 3,500 clients",
    )
    parser.add_argument("--output", type=Path, help="where the raw figures go")
    return parser.parse_args()


def chosen_scenarios(arguments: argparse.Namespace) -> tuple[Scenario, ...]:
    """Return the questions that were asked for."""
    scenarios = SCENARIOS
    if arguments.scenario:
        scenarios = tuple(one for one in SCENARIOS if one.name in arguments.scenario)
    elif arguments.quick:
        scenarios = (replace(SCENARIOS[0], clients=QUICK_CLIENTS),)
    if arguments.clients:
        scenarios = tuple(
            replace(one, clients=tuple(arguments.clients)) for one in scenarios
        )
    return scenarios


def main() -> int:
    arguments = parse()
    servers = choose(arguments)
    heed_sigterm()
    kept = HERE / "raw" / ("peers.jsonl" if arguments.peers else "service.jsonl")
    throw_away = WORK / "latest.jsonl"
    partial = any(
        (arguments.quick, arguments.only, arguments.clients, arguments.scenario)
    )
    output = arguments.output or (throw_away if partial else kept)
    output.parent.mkdir(parents=True, exist_ok=True)
    cases = plan(
        servers, chosen_scenarios(arguments), 1 if arguments.quick else arguments.rounds
    )
    run(cases, arguments.seconds, output, machine(servers, arguments.seconds))
    print(report.render(output))
    if output == kept:
        report.write_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
