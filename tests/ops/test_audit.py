"""What ``make audit`` makes of the answers that it gets."""

from __future__ import annotations

from ops.audit import CLEAN, UNKNOWN, VULNERABLE, of_npm_audit, of_pip_audit

GOOD = {"name": "tornado", "version": "6.6.1", "vulns": []}
BAD = {
    "name": "babel",
    "version": "2.9.0",
    "vulns": [{"id": "PYSEC-2021-421", "fix_versions": ["2.9.1"]}],
}
SKIPPED = {"name": "nh3", "skip_reason": "could not be audited"}


def test_packages_that_nothing_is_known_against_are_clean() -> None:
    """All of them were looked up."""
    assert of_pip_audit({"dependencies": [GOOD]}).status == CLEAN
    assert of_npm_audit({"vulnerabilities": {}}).status == CLEAN


def test_a_vulnerability_is_told_with_its_cure() -> None:
    """Whatever else could not be looked up."""
    report = of_pip_audit({"dependencies": [GOOD, SKIPPED, BAD]})

    assert report.status == VULNERABLE
    assert report.known == ["babel 2.9.0: PYSEC-2021-421, fixed in 2.9.1"]
    found = {"vulnerabilities": {"ws": {"range": "<8.17", "severity": "high"}}}
    assert of_npm_audit(found).known == ["ws <8.17: high"]


def test_what_was_not_looked_up_is_not_called_clean() -> None:
    """The tools end well when their database can't be asked."""
    assert of_pip_audit({"dependencies": [GOOD, SKIPPED]}).status == UNKNOWN
    assert of_pip_audit({}).status == UNKNOWN
    assert of_npm_audit({"message": "405 Method Not Allowed"}).status == UNKNOWN
    assert of_npm_audit({}).status == UNKNOWN
