"""What a load takes: more for more, known sums at known points, warnings, and refusals with a cure."""

import json
import math
from dataclasses import astuple, replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from streams import capacity
from streams.capacity import CannotPlan, Load, plan, zipf_share
from streams.capacity_page import in_bytes, warnings
from streams.cli.group import main

RATES = st.floats(1e-3, 1e6)
SEGMENTS = st.integers(1, 1_000_000)
AMOUNTS = (
    *("worker_cores", "workers", "partitions", "clickhouse_cores", "clickhouse_nodes", "clickhouse_bytes"),
    *("kafka_bytes", "hottest_events_per_second"),
)


@given(st.tuples(RATES, RATES).map(sorted), SEGMENTS, st.integers(1, 3650))
def test_more_events_never_take_less(rates: list[float], segments: int, days: int) -> None:
    few, many = (plan(Load(rate, segments, days)) for rate in rates)
    assert all(getattr(few, name) <= getattr(many, name) for name in AMOUNTS)


@given(RATES, st.tuples(SEGMENTS, SEGMENTS).map(sorted), st.tuples(*[st.integers(1, 3650)] * 2).map(sorted))
def test_more_segments_and_days_never_take_fewer_cores_nor_bytes(
    rate: float, segments: list[int], days: list[int]
) -> None:
    few, many = (plan(Load(rate, *each)) for each in zip(segments, days, strict=True))
    assert few.worker_cores <= many.worker_cores
    assert few.clickhouse_bytes <= many.clickhouse_bytes


@given(RATES, SEGMENTS)
def test_a_plan_bears_its_load(rate: float, segments: int) -> None:
    planned = plan(Load(rate, segments))
    assert planned.workers * capacity.WORKER_BUSY >= planned.worker_cores
    assert 2 * planned.workers <= planned.partitions < 4 * planned.workers
    assert planned.worker_mb >= capacity.WORKER_MB


def test_the_sums_of_a_known_load() -> None:
    rate = 100_000.0
    planned = plan(Load(rate, 500, days=30, hottest=0.25, event_bytes=1000))
    inferences = rate / capacity.EVENTS_PER_INFERENCE
    microseconds = rate * (capacity.STAGE1_US + capacity.STAGE2_US) + 500 * capacity.TURN_US
    assert planned.worker_cores == pytest.approx(microseconds / 1e6)
    assert planned.workers == math.ceil(microseconds / 1e6 / 0.7)
    assert planned.clickhouse_cores == pytest.approx(inferences * capacity.STORE_US / 1e6 / 0.5)
    row = capacity.NUMBERS_BYTES + 1000 * capacity.EVENTS_PER_INFERENCE * capacity.CONTENT_SHARE
    assert planned.clickhouse_bytes == pytest.approx(inferences * 86_400 * 30 * row * 2)
    assert planned.kafka_bytes == pytest.approx(rate * 86_400 * 7 * (1000 + capacity.MEASURED_BYTES) * 3)
    assert planned.hottest_events_per_second == 25_000.0


def test_content_goes_before_rows_do() -> None:
    quarter, year, more = (plan(Load(1000, 10, days)).clickhouse_bytes for days in (90, 180, 270))
    assert 0 < more - year == pytest.approx(year - quarter)
    assert year < 2 * quarter


def test_the_least_and_the_most() -> None:
    least = plan(Load(1e-6, 1))
    assert (least.workers, least.partitions, least.clickhouse_nodes, warnings(least)) == (1, 2, 2, [])
    most = plan(Load(1e6, 1_000_000, days=36_500, event_bytes=8_388_608))
    assert all(map(math.isfinite, astuple(most)))
    assert len(warnings(most)) == 3


def test_a_segment_is_hot_just_above_what_one_worker_can_watch() -> None:
    load = Load(1e5, 10, days=1, hottest=1.0)
    ceiling = plan(load).segment_ceiling
    assert not warnings(plan(replace(load, events_per_second=ceiling)))
    assert "busiest segment" in warnings(plan(replace(load, events_per_second=ceiling * 1.001)))[0]


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"events_per_second": 0.0}, "takes more than 0"),
        ({"events_per_second": math.nan}, "takes more than 0"),
        ({"events_per_second": 1_000_001.0}, "between groups"),
        ({"segments": 0}, "takes 1 to 1,000,000"),
        ({"days": 0}, "takes 1 to 36,500"),
        ({"hottest": 0.05}, "takes 1/10 to 1"),
        ({"hottest": math.nan}, "takes 1/10 to 1"),
        ({"hottest": 1.1}, "takes 1/10 to 1"),
        ({"event_bytes": 0}, "SLUICE_EVENT_BYTES"),
    ],
)
def test_what_cannot_be_planned_names_the_cure(wrong: dict[str, float], cure: str) -> None:
    right = {"events_per_second": 1000.0, "segments": 10}
    with pytest.raises(CannotPlan, match=cure):
        Load(**right | wrong)  # type: ignore[arg-type]


def test_the_share_of_the_busiest_goes_on_smoothly_where_it_is_approximated() -> None:
    assert zipf_share(1_001) == pytest.approx(1 / sum(1 / rank for rank in range(1, 1_002)), rel=1e-6)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_999, "1 MB"), (2.5e18, "2.5 EB")]
)
def test_bytes_are_said_in_a_unit(count: float, words: str) -> None:
    assert in_bytes(count) == words


def test_the_command_shows_the_sums_and_warns() -> None:
    said = CliRunner().invoke(main, ["plan", "--events-per-second", "1e6", "--segments", "10000"])
    assert said.exit_code == 0
    assert "1,000,000 * (" in said.stdout
    assert "\n! The busiest segment" in said.stdout


def test_programs_get_numbers() -> None:
    said = CliRunner().invoke(main, ["plan", "--events-per-second", "1000", "--segments", "7", "--json"])
    told = json.loads(said.stdout)
    assert told["load"]["segments"] == 7
    assert told["plan"]["workers"] == plan(Load(1000, 7)).workers


def test_a_load_that_is_too_great_is_refused_in_a_line() -> None:
    said = CliRunner().invoke(main, ["plan", "--events-per-second", "2e6", "--segments", "7"])
    assert said.exit_code == 2
    assert said.stderr.startswith("sluice: 2,000,000 events/s: takes")
