"""Rules, routes and dashboards: right by their own tools, and about metrics that are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.compose import HTTP
from deploy.grafana import boards
from deploy.local import api
from services.runtime.settings import ROOT
from tests.house import tables

DEPLOY = ROOT / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
METRIC = re.compile(r"\bhub_[a-z_]+")
DEFINED = tables.metrics()
KNOWN = {"hub_"} | {m.name for m in DEFINED} | {f"{m.name}_bucket" for m in DEFINED if m.kind == "histogram"}
"""`hub_` begins a pattern."""
DISK = {"0.15", "0.07", "0.03"}


def tool(name: str) -> str:
    """A tool of Prometheus; without it the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: install Debian's package prometheus or prometheus-alertmanager")
    return found


def says(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def strange(expression: str) -> set[str]:
    """Metrics of an expression that nobody defines."""
    return {name for name in METRIC.findall(expression) if name not in KNOWN}


def test_promtool_takes_the_rules_and_their_tests() -> None:
    promtool = tool("promtool")
    says(promtool, "check", "rules", *map(str, (DEPLOY / "prometheus" / "rules").glob("*.yml")))
    says(promtool, "test", "rules", *map(str, (DEPLOY / "prometheus" / "tests").glob("*.yml")))


def test_amtool_takes_the_routes() -> None:
    config = DEPLOY / "alertmanager" / "alertmanager.yml"
    says(tool("amtool"), "check-config", str(config))
    route = ("config", "routes", "test", "--config.file", str(config))
    assert says(tool("amtool"), *route, "severity=critical", "alertname=HubDown").strip() == "hub"
    assert says(tool("amtool"), *route, "severity=none", "alertname=HubWatchdog").strip() == "nobody"


def test_alerts_come_back_through_the_door() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    (hub,) = (one for one in config["receivers"] if one["name"] == "hub")
    assert hub["webhook_configs"][0]["url"] == f"{HTTP}/ingest/alertmanager"
    assert "| POST | `/ingest/alertmanager` |" in (ROOT / "docs" / "http.md").read_text("utf-8")


def test_prometheus_scrapes_every_service() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    paths = {job.get("metrics_path") for job in config["scrape_configs"]} - {None}
    assert paths == {f"{prefix}/metrics" for prefix, _ in api.SERVICES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_what_there_is_and_has_its_page(rule: dict[str, Any]) -> None:
    assert strange(rule["expr"]) == set()
    assert rule["labels"]["severity"] in ("none", "warning", "critical")
    assert "$value" not in rule["annotations"]["summary"], "a repetition must say the same"
    assert re.search(rf"^\| `{rule['alert']}` \| \S.* \| \S.* \|$", OPERATIONS, re.MULTILINE), "docs/operations.md"
    tests = (DEPLOY / "prometheus" / "tests" / "hub.yml").read_text("utf-8")
    assert f"alertname: {rule['alert']}," in tests


def test_the_page_names_no_alert_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `(Hub\w+)` \|", OPERATIONS, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_the_disk_is_told_of_at_each_of_its_limits() -> None:
    expressions = " ".join(rule["expr"] for rule in RULES if rule["alert"].startswith("HubDisk"))
    assert set(re.findall(r"< (0\.\d+)", expressions)) == DISK


@pytest.mark.parametrize("name", boards.BOARDS)
def test_a_dashboard_is_as_its_table(name: str) -> None:
    text = (boards.FOLDER / f"{name}.json").read_text("utf-8")
    assert text == boards.text(name), "run: python -m deploy.grafana.boards"
    assert {one["uid"] for panel in json.loads(text)["panels"] for one in [panel["datasource"]]} == {"hub"}


def test_a_dashboard_asks_for_what_there_is() -> None:
    assert {name for query in boards.queries() for name in strange(query)} == set()
