"""The alert rules fire and clear as they say, watch metrics that there are, and lead to pages that there are."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from sinks.metrics import ALL

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


def _ran(*command: str) -> str:
    if shutil.which(command[0]) is None:
        reason = f"{command[0]} is not installed: apt-get install prometheus prometheus-alertmanager"
        if os.environ.get("REQUIRE_PROMETHEUS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_alert_fires_and_clears() -> None:
    assert "SUCCESS" in _ran("promtool", "test", "rules", "rules_test.yaml")
    tests = yaml.safe_load((FOLDER / "rules_test.yaml").read_text())["tests"]
    seen = [(each["alertname"], bool(each["exp_alerts"])) for test in tests for each in test["alert_rule_test"]]
    for rule in ALERTS:
        assert {fires for name, fires in seen if name == rule["alert"]} == {True, False}, rule["alert"]


def test_the_configurations_are_valid() -> None:
    _ran("promtool", "check", "config", "prometheus.yaml")
    _ran("amtool", "check-config", "alertmanager.yaml")


def test_rules_watch_metrics_that_are_declared() -> None:
    declared = {series for metric in ALL for series in metric.series}
    used = {name for rule in RULES for name in re.findall(r"\bsluice_[a-z0-9_]+", rule["expr"])}
    assert used
    assert used <= declared


def test_every_alert_says_where_and_names_a_runbook_that_says_when_it_is_over() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        page = (ROOT / rule["annotations"]["runbook"]).read_text()
        assert re.search(r"^It is over when .*`", page, re.MULTILINE), rule["alert"]


def test_runbooks_are_those_that_something_leads_to() -> None:
    led_to = {Path(rule["annotations"]["runbook"]).stem for rule in ALERTS}
    led_to |= {metric.runbook for metric in ALL if metric.runbook}
    assert {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")} == led_to
