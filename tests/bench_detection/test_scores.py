"""The scorer, checked by hand: known alarms give known figures, and the rows that know nothing give theirs."""

import math

import numpy as np
import pytest
from rich.console import Console

from bench.detection.race import Competitor, Watched
from bench.detection.rivers import competitors
from bench.detection.scores import HORIZON, Run, Score, cell, delay, run_of, scored, table
from bench.detection.streams import NULLS, Stream, sized, stream

REFERENCE, CHANGE = 100, 130


def _run(alarms: tuple[int, ...], until: int = CHANGE + HORIZON, change_at: int | None = CHANGE) -> Run:
    cut_off = until < CHANGE + HORIZON
    return Run("it", "error", "here", REFERENCE, change_at, Watched(alarms, until, cut_off, cpu_s=1.0))


def _competitor(name: str) -> Competitor:
    return next(each for each in competitors() if each.name.startswith(name))


def _score_of(name: str, scenario: str, of: Stream) -> Score:
    (score,) = scored([run_of(name, scenario, of, _competitor(name).run(of))])
    return score


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ((CHANGE,), 1),  # at the first changed event
        ((CHANGE - 1, CHANGE + 9, CHANGE + 40), 10),  # what came before is no merit
        ((CHANGE + HORIZON - 1,), HORIZON),
        ((CHANGE + HORIZON,), math.inf),  # too late
        ((), math.inf),
    ],
)
def test_the_delay_counts_changed_events_up_to_the_first_alarm(alarms: tuple[int, ...], expected: float) -> None:
    assert delay(_run(alarms)) == expected


def test_a_run_that_was_cut_off_is_no_miss_and_no_success() -> None:
    assert delay(_run((), until=CHANGE + 2000)) is None
    assert delay(_run((CHANGE + 4,), until=CHANGE + 2000)) == 5
    (score,) = scored([_run((), until=CHANGE + 2000), _run((CHANGE + 4,))])
    assert (score.changes, score.median, score.missed) == (1, 5, 0)
    assert (score.cut_off, score.cut_after) == (1, 2030)
    assert cell(score) == "5 (5), cut off after 2,030"


def test_a_stream_at_rest_has_no_delay() -> None:
    with pytest.raises(ValueError, match="nothing changes"):
        delay(_run((), change_at=None))


def test_half_is_the_median_and_misses_are_the_longest_delays() -> None:
    runs = [_run((CHANGE + late - 1,)) for late in range(10, 90, 10)] + [_run(()), _run(())]
    (score,) = scored(runs)
    assert (score.changes, score.median, score.p90, score.missed) == (10, 50, None, 0.2)
    assert cell(score) == "50 (-), missed 20%"


def test_alarms_at_rest_are_counted_by_the_million_events_watched() -> None:
    (score,) = scored([_run((101, 900), until=1100, change_at=None), _run((102,), until=4100, change_at=None)])
    assert (score.events, score.false_alarms, score.per_million) == (5000, 3, 600)
    assert score.cpu_us == pytest.approx(400)


def test_who_always_fires_raises_ten_thousand_alarms_a_million_and_misses_nothing() -> None:
    at_rest = stream("error", NULLS["iid"], np.random.default_rng(1), 50_000)
    assert _score_of("always", "rest", at_rest).per_million == 10_000
    changed = stream("error", NULLS["iid"], np.random.default_rng(1), HORIZON, sized("error"))
    score = _score_of("always", "change", changed)
    assert changed.change_at is not None
    assert score.median == 100 - (changed.change_at - changed.reference) % 100
    assert score.missed == 0


def test_who_never_fires_raises_no_alarm_and_misses_all() -> None:
    at_rest = stream("error", NULLS["iid"], np.random.default_rng(1), 50_000)
    assert _score_of("never", "rest", at_rest).per_million == 0
    changed = stream("error", NULLS["iid"], np.random.default_rng(1), HORIZON, sized("error"))
    score = _score_of("never", "change", changed)
    assert (score.median, score.p90, score.missed, cell(score)) == (None, None, 1, "missed 100%")


def test_the_table_has_a_row_a_competitor_and_a_column_a_scenario() -> None:
    console = Console(width=120, record=True)
    console.print(table(scored([_run((CHANGE,)), _run((101,), change_at=None)]), "error"))
    text = console.export_text()
    assert "here" in text
    assert f"{1e6 / (CHANGE + HORIZON - REFERENCE):.0f}, 1 (1)" in text
