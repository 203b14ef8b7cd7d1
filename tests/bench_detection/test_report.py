"""Figures are set beside the targets as they are, and a section's part of the file is replaced, the others are kept."""

from io import StringIO
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.detection import report, targets
from bench.detection.__main__ import main
from bench.detection.fleets import counted, table
from bench.detection.ours import PER_MILLION, WEEKLY
from bench.detection.race import Watched
from bench.detection.scenarios import FLEET, SUDDEN_IID, WEEK, WOBBLE
from bench.detection.scores import Run


def _run(name: str, scenario: str, alarms: tuple[int, ...], change_at: int | None = None) -> Run:
    return Run(name, "latency", scenario, WEEK, change_at, Watched(alarms, 3 * WEEK, cut_off=False, cpu_s=1.0))


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (targets.Verdict("a", "b", 200.0, 200.0), "met"),
        (targets.Verdict("a", "b", 250.0, 200.0), "missed by 50 (25%)"),
        (targets.Verdict("a", "b", 0.05, 0.0), "missed by 0.05"),
        (targets.Verdict("a", "b", None, 200.0), "missed: never noticed"),
        (targets.Verdict("a", "b", 72.9, 70.0, at_least=True), "met"),
        (targets.Verdict("a", "b", 63.0, 70.0, at_least=True), "missed by 7 (10%)"),
    ],
)
def test_a_target_is_met_or_missed_by_how_much(verdict: targets.Verdict, said: str) -> None:
    assert str(verdict) == said


def test_a_fleet_counts_the_week_of_learning_apart() -> None:
    runs = [
        _run(WEEKLY, FLEET, (5, WEEK - 1, WEEK)),
        _run(WEEKLY, FLEET, (WEEK + 3, WEEK + 4)),
        _run("ADWIN", FLEET, ()),
    ]
    ours, theirs = counted(runs, [WEEKLY])
    assert (ours.segments, ours.events, ours.false_alarms, ours.worst, ours.learning) == (2, 2 * WEEK, 3, 2, 2)
    assert theirs.learning is None
    console = Console(width=200, record=True, file=StringIO())
    console.print(table([ours, theirs]))
    assert "3 (+2)" in console.export_text()
    weekly, _ = (*targets.of_fleets([ours]), None)
    assert str(weekly) == "missed by 2.98 (14900%)"


def test_delays_and_false_alarms_are_judged_for_sluice_alone() -> None:
    runs = [_run(name, SUDDEN_IID, (WEEK + 300,), WEEK + 10) for name in (PER_MILLION, "never fires")]
    came = report.outcome("changes", [[*runs, _run(PER_MILLION, WOBBLE, (WEEK + 1,))]])
    assert {each.what: each.figure for each in came.verdicts} == {
        "median delay, latency, sudden, iid": 291.0,
        "false alarms per 1e6 events, latency, season+wobble": pytest.approx(1e6 / 2 / WEEK),
    }


def test_a_section_replaces_its_own_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "detection.json"
    first = report.outcome("nulls", [[_run(WEEKLY, WOBBLE, ())]])
    report.keep(path, "nulls", first, {"seed": 1})
    report.keep(path, "cost", report.outcome("cost", [0.5]), {"seed": 1})
    report.keep(path, "nulls", report.outcome("nulls", [[_run(WEEKLY, WOBBLE, (WEEK,))]]), {"seed": 2})
    kept = orjson.loads(path.read_bytes())
    assert (kept["nulls"]["seed"], kept["cost"]["seed"]) == (2, 1)
    assert [row["false_alarms"] for row in kept["nulls"]["scores"]] == [1]
    assert kept["cost"]["targets"][0]["said"] == "met"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["--seed", "1", "--only", "nulls,rivers"], "no such section: rivers"),
        (["--seed", "1", "--swap", "latency=x"], "latency=x is not"),
        (["--seed", "1", "--swap", "cost=2"], "cost=2 is not"),
        ([], "--seed"),
    ],
)
def test_what_cannot_be_run_is_refused(asked: list[str], why: str) -> None:
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 2
    assert why in said.output
