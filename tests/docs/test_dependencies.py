"""Every dependency is written down with its reason, and none that is not there."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def required() -> set[str]:
    """Return the names of all packages that setup.py asks for, in extras too."""
    calls = ast.walk(ast.parse((ROOT / "setup.py").read_text("utf-8")))
    setup = next(
        call
        for call in calls
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "setup"
    )
    given = {one.arg: one.value for one in setup.keywords}
    requirements = ast.literal_eval(given["install_requires"])
    for extra in ast.literal_eval(given["extras_require"]).values():
        requirements += extra
    names = (re.match(r"[\w-]+", text) for text in requirements)
    return {name[0] for name in names if name}


def required_of_npm() -> set[str]:
    """Return the names of all packages that the widget and the tests ask for."""
    names: set[str] = set()
    for folder in ("web", "tests/sockjs", "tests/feeds"):
        package = json.loads((ROOT / folder / "package.json").read_text("utf-8"))
        names |= {*package.get("dependencies", {}), *package.get("devDependencies", {})}
    return names


def test_every_dependency_stands_in_the_documentation_with_its_reason() -> None:
    """And every one that stands there is needed."""
    rows = (ROOT / "docs" / "dependencies.md").read_text("utf-8").splitlines()
    reasons = dict(re.findall(r"^\| `([\w@/.-]+)` \| (.+) \|$", "\n".join(rows), re.M))

    assert set(reasons) == required() | required_of_npm()
    assert all(len(reason.split()) >= 3 for reason in reasons.values())
