"""``make audit``: is anything known against the packages that the project uses?

Asks the databases of vulnerabilities, PyPI's and npm's.  Where one can't be had, says
so and tells which packages are older than what the registry offers, which is the next
best thing to know.

Ends with 0 if nothing is known, 1 if something is, 2 if a database could not be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NPM_FOLDERS = ("web", "tests/sockjs", "tests/feeds")
ASK_S = 300
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


@dataclass
class Report:
    """What a database has told of the packages of one kind."""

    known: list[str] = field(default_factory=list)
    checked: int = 0
    unchecked: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Return what the program ends with, if this is all."""
        if self.known:
            return VULNERABLE
        return CLEAN if self.checked and not self.unchecked else UNKNOWN


def of_pip_audit(answer: Mapping[str, Any]) -> Report:
    """Read what ``pip-audit`` says; it passes over what it could not look up."""
    report = Report()
    for package in answer.get("dependencies", []):
        name = package["name"]
        if "skip_reason" in package:
            report.unchecked.append(name)
            continue
        report.checked += 1
        for one in package["vulns"]:
            fixed = ", ".join(one.get("fix_versions", [])) or "no version"
            told = f"{name} {package['version']}: {one['id']}, fixed in {fixed}"
            report.known.append(told)
    return report


def of_npm_audit(answer: Mapping[str, Any]) -> Report:
    """Read what ``npm audit`` says, an error instead of figures included."""
    found = answer.get("vulnerabilities")
    if found is None:
        return Report(unchecked=[str(answer.get("message", "no answer"))])
    known = [
        f"{name} {one.get('range', '')}: {one.get('severity', 'of unknown severity')}"
        for name, one in found.items()
    ]
    # The tools of a folder without packages have nothing to answer for.
    dependencies = answer.get("metadata", {}).get("dependencies", {})
    return Report(known, checked=dependencies.get("total", len(known)) or 1)


def asked(command: Sequence[str], folder: Path = ROOT) -> Any:
    """Run a program and return the JSON that it prints, or an empty object."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=ASK_S,
            check=False,
        )  # fmt: skip
        return json.loads(done.stdout or "{}")
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError):
        return {}


def python_packages() -> Report:
    """Ask for the packages of this environment, and tell the result."""
    tool = (sys.executable, "-m", "pip_audit", "--skip-editable")
    answer = asked([*tool, "--progress-spinner", "off", "--format", "json"])
    # Our own package is in no registry.
    others = [one for one in answer.get("dependencies", []) if one["name"] != "feedsvc"]
    report = of_pip_audit({"dependencies": others})
    tell("Python", report)
    if report.status == UNKNOWN:
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        for one in asked([*pip, "list", "--outdated", "--format", "json"]):
            print(f"  {one['name']} {one['version']}, latest {one['latest_version']}")
    return report


def npm_packages(folder: str) -> Report:
    """Ask for the packages of a folder, and tell the result."""
    report = of_npm_audit(asked(["npm", "audit", "--json"], ROOT / folder))
    tell(f"npm, {folder}", report)
    if report.status == UNKNOWN:
        outdated = asked(["npm", "outdated", "--json"], ROOT / folder)
        for name, one in outdated.items():
            if "latest" in one:
                print(f"  {name} {one.get('current', '')}, latest {one['latest']}")
    return report


def tell(what: str, report: Report) -> None:
    """Print what is known, and of how many packages that can be said."""
    print(f"{what}: {report.checked} packages looked up, {len(report.known)} bad")
    for line in report.known:
        print(f"  {line}")
    if report.status == UNKNOWN and not report.checked:
        print("  the database of vulnerabilities could not be asked;")
        print("  not what the registry calls the latest, as far as that answers:")
    elif report.unchecked:
        print(f"  not looked up: {', '.join(report.unchecked)}")


def main() -> int:
    """Ask for everything; return the worst of the answers."""
    reports = [python_packages(), *map(npm_packages, NPM_FOLDERS)]
    statuses = {report.status for report in reports}
    return next(one for one in (VULNERABLE, UNKNOWN, CLEAN) if one in statuses)


if __name__ == "__main__":
    sys.exit(main())
