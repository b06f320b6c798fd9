"""``feedsvc doctor``: what is wrong, and how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from feedsvc import doctor
from feedsvc.cli.command import Commands
from feedsvc.cli.database import database_of
from feedsvc.config import Settings
from feedsvc.core.finding import Finding, Level
from feedsvc.errors import ConfigError
from feedsvc.store.checkup import checkup

_SIGNS = {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.FAULT: "FAULT  "}


def register(commands: Commands) -> None:
    """Add ``doctor``."""
    told = "Look for what is wrong with configuration, machine and database."
    one = commands.add("doctor", _doctor, told)
    one.set_defaults(on_bad_settings=_on_bad_settings)


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    where = settings.path or "no file, the environment alone"
    findings = [Finding("configuration", Level.OK, f"{where}: no faults")]
    findings += doctor.machine(settings)
    if not any(
        one.check == "data_dir" and one.level is Level.FAULT for one in findings
    ):
        findings += asyncio.run(_database(settings))
    return _tell(options, findings)


async def _database(settings: Settings) -> list[Finding]:
    try:
        async with database_of(settings) as database:
            ring_seconds = settings.limits.ring_seconds
            webhooks = {one.name for one in settings.webhooks}
            return [one async for one in checkup(database, ring_seconds, webhooks)]
    except ConfigError as error:
        mend = "start it, or correct mongodb_uri; without one a private mongod is run"
        return [Finding("database", Level.FAULT, fault, mend) for fault in error.faults]


def _on_bad_settings(options: argparse.Namespace, error: ConfigError) -> int:
    mend = "see docs/configuration.md for keys and values"
    faults = [
        Finding("configuration", Level.FAULT, fault, mend) for fault in error.faults
    ]
    return _tell(options, faults)


def _tell(options: argparse.Namespace, findings: Sequence[Finding]) -> int:
    for one in findings:
        if options.json:
            print(json.dumps(asdict(one), ensure_ascii=False))
        else:
            print(f"{_SIGNS[one.level]}  {one.check:<14} {one.told}")
            if one.mend:
                print(f"{'':>25}-> {one.mend}")
    return 1 if any(one.level is Level.FAULT for one in findings) else 0
