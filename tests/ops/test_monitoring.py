"""Dashboard and alert rules, against the figures that the running service shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tornado.httpclient import AsyncHTTPClient

from tests.net.station import lived_in, make_settings, own_database, serving

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "ops" / "prometheus"
ALERTS = PROMETHEUS / "alerts.yml"
# `make test` brings it into the virtual environment, if the machine has none.
PROMTOOL = shutil.which("promtool") or str(Path(sys.executable).with_name("promtool"))
DASHBOARD = ROOT / "ops" / "grafana" / "feedsvc.json"

# What Prometheus itself adds.
OF_PROMETHEUS = {"up", "instance", "job", "le"}
# Names of labels: in sums, legends and texts.
LABELS = re.compile(r"(?:by \(([^)]*)\)|\{\{ ?(?:\$labels\.)?(\w+) ?\}\})")
NAME = re.compile(r"\b(feedsvc_\w+|process_\w+|up)\b")


def promtool(*arguments: str) -> str:
    """Run promtool; fail with what it says."""
    done = subprocess.run(
        [PROMTOOL, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dashboard() -> Iterator[tuple[str, str]]:
    """Yield the dashboard's queries, each with its panel's title."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all figures of a running service, as they are stored."""
    data_dir: Path = tmp_path_factory.mktemp("monitoring")
    async with (
        own_database(mongod_uri) as uri,
        serving(make_settings(uri, data_dir)) as running,
    ):
        station = await lived_in(running)
        client = AsyncHTTPClient(force_instance=True)
        answer = await client.fetch(f"{station.admin_url}/metrics")
        client.close()
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", answer.body.decode(), re.M):
        endings = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        names |= {name + ending for ending in endings}
    return names


@pytest.mark.asyncio(loop_scope="module")
async def test_the_dashboard_asks_only_for_figures_that_there_are(
    shown: set[str],
) -> None:
    """Else a panel stays empty, and looks as if all were well."""
    queries = list(dashboard())

    missing = [
        (title, name)
        for title, query in queries
        for name in NAME.findall(query)
        if name not in shown
    ]

    assert len(queries) > 20
    assert missing == []


@pytest.mark.asyncio(loop_scope="module")
async def test_alerts_ask_only_for_figures_that_there_are(shown: set[str]) -> None:
    """Else an alert is silent for ever."""
    named = set(NAME.findall(ALERTS.read_text("utf-8")))

    assert len(named) > 15
    assert named - shown - OF_PROMETHEUS == set()


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_labels_are_those_that_the_documentation_names(path: Path) -> None:
    """A sum by a label that nothing has is one sum over all."""
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `\S+` \| \w+ \| (.*?) \|", page, re.M)
    known = {label for row in rows for label in re.findall(r"\w+", row)}

    found = LABELS.findall(path.read_text("utf-8"))

    named = {name for pair in found for one in pair for name in re.findall(r"\w+", one)}
    assert named
    assert named - known - OF_PROMETHEUS == set()


def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """Each is written as a rule, with values for Grafana's variables."""
    rules = [
        {
            "record": f"dashboard:{number}",
            "expr": query.replace("$instance", ".*").replace("$__rate_interval", "5m"),
        }
        for number, (_, query) in enumerate(dashboard())
    ]
    # JSON is YAML too.
    written = tmp_path / "dashboard.yml"
    written.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    told = promtool("check", "rules", str(written))

    assert f"{len(rules)} rules found" in told


def test_panels_do_not_lie_on_each_other() -> None:
    """And all of them fit into Grafana's 24 columns."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]

    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    """As ``promtool check config`` has it, which checks the rules too."""
    told = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))

    assert "rules found" in told


def test_alerts_fire_when_they_should_and_only_then() -> None:
    """An ordinary hour and a bad one, played to every rule."""
    told = promtool("test", "rules", str(PROMETHEUS / "alerts_test.yml"))

    assert "SUCCESS" in told


def test_every_alert_says_what_people_notice_and_what_to_do() -> None:
    """And each fires in the bad hour of the rules' own test."""
    text = ALERTS.read_text("utf-8")
    played = (PROMETHEUS / "alerts_test.yml").read_text("utf-8")

    alerts = re.split(r"^ +- alert: ", text, flags=re.M)[1:]

    for alert in alerts:
        name = alert.splitlines()[0]
        for key in ("severity", "summary", "symptom", "action"):
            assert f" {key}: " in alert, name
        assert f'{{alertname="{name}"}}' in played, name
