"""The dashboards: written as the code says, of metrics that there are, and as Grafana's own linter wants them.

The rules of github.com/grafana/dashboard-linter (docs/index.md) are held here without exclusions; where its binary is
installed, it has its own say.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.__main__ import written
from deploy.grafana.names import DASHBOARD, TAG
from deploy.grafana.queries import CLICKHOUSE, PROMETHEUS
from deploy.grafana.written import WRITTEN, dashboards
from sinks.metrics import ALL

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
MATCHERS = {'job=~"$job"', 'instance=~"$instance"'}
SELECTOR = re.compile(r"\b(sluice_\w+)\b(?:\{([^}]*)\})?")
UNITS = {"none", "short", "percentunit", "s", "dtdurations", "currencyUSD", "cps", "reqps", "Bps"}  # of Grafana's list

PAGES = dashboards()
EACH = pytest.mark.parametrize("page", PAGES, ids=[page["uid"] for page in PAGES])


def panels(page: Json) -> Iterator[Json]:
    """The panels that ask something."""
    return (panel for panel in page["panels"] if panel["type"] not in ("row", "text"))


def expressions(page: Json) -> Iterator[str]:
    return (target["expr"] for panel in panels(page) for target in panel["targets"] if "expr" in target)


def variable(page: Json, name: str) -> Json:
    (found,) = (each for each in page["templating"]["list"] if each["name"] == name)
    return dict(found)


def test_the_written_files_are_what_the_code_writes() -> None:
    there = {path.name: path.read_text() for path in WRITTEN.glob("*.json")}
    assert there == written(), "make grafana"


def test_names_are_ours() -> None:
    for page in PAGES:
        assert page["uid"].startswith(DASHBOARD)
        assert page["tags"] == [TAG]
    for key in ("uid", "title"):
        assert len({page[key] for page in PAGES}) == len(PAGES) == 5


def test_every_metric_is_declared_and_has_the_labels_that_are_asked_for() -> None:
    declared = {series: metric for metric in ALL for series in metric.series}
    for page in PAGES:
        for expression in expressions(page):
            for name, matchers in SELECTOR.findall(expression):
                assert name in declared, f"{page['uid']}: {name}"
                asked = set(re.findall(r"(\w+)[=!]~?\"", matchers)) - {"job", "instance", "le"}
                assert asked <= set(declared[name].labels), f"{page['uid']}: {expression}"


def test_every_metric_of_ours_is_on_some_panel() -> None:
    shown = {name for page in PAGES for expression in expressions(page) for name, _ in SELECTOR.findall(expression)}
    hidden = {metric.name for metric in ALL if not shown & set(metric.series)}
    assert not hidden, "nobody would see them"


def test_runbooks_and_dashboards_that_are_led_to_are_there() -> None:
    uids = {page["uid"] for page in PAGES}
    for text in written().values():
        for runbook in re.findall(r"docs/runbooks/[\w-]+\.md", text):
            assert (ROOT / runbook).is_file(), runbook
        assert set(re.findall(r'"/d/([\w-]+)', text)) <= uids


def test_a_finding_leads_to_its_examples_and_its_runbook() -> None:
    (page,) = (page for page in PAGES if page["uid"] == "sluice-drift")
    (table,) = (panel for panel in page["panels"] if panel["title"] == "Findings")
    (column,) = (each for each in table["fieldConfig"]["overrides"] if each["matcher"]["options"] == "finding_id")
    (links,) = (each["value"] for each in column["properties"] if each["id"] == "links")
    template = (ROOT / "streams" / "status_page" / "templates" / "finding.html").read_text()
    for link in links:
        place, _, anchor = link["url"].partition("#")
        assert place == "${pages_url:raw}/findings/${__value.raw}"
        assert f'id="{anchor}"' in template
    assert "{{ runbook }}" in template


@EACH
def test_panels_lie_beside_one_another(page: Json) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in page["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in page["panels"]]
    assert len(set(ids)) == len(ids)


def test_the_overview_is_one_screen() -> None:
    (page,) = (page for page in PAGES if page["uid"] == "sluice-overview")
    # A unit of the grid is 38 pixels high, and a full HD screen leaves about 900 of them to a dashboard.
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"]) * 38 <= 900


# ---- the rules of the linter, by their names


@EACH
def test_template_datasource_rule(page: Json) -> None:
    chosen = [each for each in page["templating"]["list"] if each["type"] == "datasource"]
    assert [(each["name"], each["label"]) for each in chosen] == [("datasource", "Data source")]
    assert chosen[0]["query"] in (PROMETHEUS, CLICKHOUSE)


@EACH
def test_template_job_and_instance_rules(page: Json) -> None:
    if variable(page, "datasource")["query"] == PROMETHEUS:
        for name in ("job", "instance"):
            each = variable(page, name)
            assert each["datasource"]["uid"] == "${datasource}"
            assert (each["type"], each["label"], each["multi"], each["allValue"]) == ("query", name.title(), True, ".+")


@EACH
def test_template_label_promql_rule_and_template_on_time_change_reload_rule(page: Json) -> None:
    for each in page["templating"]["list"]:
        if each["type"] == "query":
            assert each["refresh"] == 2
            assert CLICKHOUSE in str(each["datasource"]) or re.fullmatch(r"label_values\(\w+, \w+\)", each["query"])


@EACH
def test_panel_rules(page: Json) -> None:
    """panel-datasource-rule, panel-title-description-rule, panel-units-rule, panel-no-targets-rule."""
    kind = variable(page, "datasource")["query"]
    for panel in panels(page):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == {"type": kind, "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["targets"]
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


@EACH
def test_target_rules(page: Json) -> None:
    """target-job-rule, target-instance-rule, target-rate-interval-rule, target-counter-agg-rule."""
    for expression in expressions(page):
        for _, matchers in SELECTOR.findall(expression):
            assert set(matchers.split(", ")) >= MATCHERS, expression
        assert not re.search(r"\bi?rate\([^()]*\[(?!\$__rate_interval\])", expression), expression
        for counter in re.finditer(r"(\w+\()?\w+_total\b\{[^}]*\}(\[)?", expression):
            assert counter[1] in ("rate(", "increase("), expression
            assert counter[2], expression


@EACH
def test_uneditable_dashboard_rule(page: Json) -> None:
    assert page["editable"] is False


@EACH
def test_the_linter_itself_has_nothing_to_say(page: Json, tmp_path: Path) -> None:
    linter = shutil.which("dashboard-linter")
    if linter is None:
        reason = "dashboard-linter is not installed: go install github.com/grafana/dashboard-linter@latest"
        if os.environ.get("REQUIRE_GRAFANA_LINTER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    file = tmp_path / "dashboard.json"  # apart from the others, where no .lint file excludes anything
    file.write_text(json.dumps(page))
    done = subprocess.run([linter, "lint", "--strict", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
