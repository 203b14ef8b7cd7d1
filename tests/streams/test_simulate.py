"""A plan's records: the same for the same seed, valid, in order, and as many as the truth says."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from streams.measure import Segments, segment_name
from streams.produce import Record
from streams.scenarios import Duplicates, Late, Missing, Poison, Truth, scenarios
from streams.simulate import simulate
from streams.traffic.plan import WEEK, Plan, nanoseconds, week_start
from tests.streams.simulated import Recount, recount

START = week_start("2026-W46")
ROUGH = (Poison(share=0.01), Duplicates(share=0.05), Late(share=0.02, feedback_share=0.1), Missing(share=0.01))
PLAN = Plan(START, WEEK, 5000, seed=3, scenarios=(*scenarios(["latency-step", "anomalies"]), *ROUGH))


def run(plan: Plan) -> tuple[list[Record], Truth]:
    records, truth = simulate(plan)
    return list(records), truth


@pytest.fixture(scope="module")
def rough() -> tuple[list[Record], Truth]:
    return run(PLAN)


@pytest.fixture(scope="module")
def found(rough: tuple[list[Record], Truth]) -> Recount:
    return recount(rough[0])


def test_the_same_plan_gives_the_same_bytes(rough: tuple[list[Record], Truth]) -> None:
    assert run(PLAN) == rough


def test_another_seed_gives_other_inferences() -> None:
    one, other = (run(Plan(START, WEEK, 50, seed=seed))[0] for seed in (1, 2))
    assert not {record.key for record in one} & {record.key for record in other}


def test_quiet_traffic_is_valid_and_whole() -> None:
    records, truth = run(Plan(START, WEEK, 2000))
    found = recount(records)
    assert not found.poison
    assert not found.late
    assert len(found.requests) == len(found.responses) == truth.inferences == 2000
    assert found.events == truth.events == len(records)


def test_the_truth_equals_a_recount(rough: tuple[list[Record], Truth], found: Recount) -> None:
    records, truth = rough
    asked = {event.inference_id for event in found.requests}
    answered = {event.inference_id for event in found.responses}
    late_feedback = [event for event in found.late if event in found.feedback]
    assert truth.records.total() == len(records) == found.events + found.poison.total()
    assert truth.events == found.events
    assert truth.duplicates == found.duplicates > 100
    assert truth.poison == found.poison
    assert len(truth.poison) >= 5, "most ways of being poison occur"
    assert truth.inferences == len(asked | answered)
    assert truth.without_response == len(asked - answered) > 20
    assert truth.without_request == len(answered - asked) > 20
    assert truth.feedback == len({event.feedback_id for event in found.feedback})
    assert truth.late_feedback == len(late_feedback) > 10
    assert truth.late_responses == len(found.late) - len(late_feedback) > 50


def test_the_truth_counts_responses_of_each_segment(rough: tuple[list[Record], Truth], found: Recount) -> None:
    by_name = Counter(map(Segments(100).name, found.responses))
    assert {segment_name(*known): n for known, n in rough[1].responses.items()} == by_name
    assert len(by_name) == 16


def test_records_come_in_order_of_kafka_time_and_soon_after_the_event(
    rough: tuple[list[Record], Truth], found: Recount
) -> None:
    times = [record.timestamp_ms for record in rough[0]]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] * 1_000_000 >= nanoseconds(START)
    events = [*found.requests, *found.responses]
    assert min(event.time_unix_nano for event in events) >= nanoseconds(START)
    assert max(event.time_unix_nano for event in found.requests) < nanoseconds(START + WEEK)


def test_feedback_comes_after_the_answer_and_knows_it_somehow(found: Recount) -> None:
    ended = {event.inference_id: event.time_unix_nano for event in found.responses}
    by_alias = {alias: event.inference_id for event in found.responses for alias in event.aliases if "resp:" in alias}
    named = 0
    for event in found.feedback:
        inference_id = event.inference_id or next((by_alias.get(alias) for alias in event.aliases), None)
        if inference_id in ended:
            named += 1
            assert event.time_unix_nano > ended[inference_id]
    assert named > 0.9 * len(found.feedback)
    assert any(event.inference_id is None and event.aliases for event in found.feedback)
    assert any(event.target_scope == "session" and event.conversation_id for event in found.feedback)


def test_what_has_not_happened_yet_is_left_out() -> None:
    until = START + timedelta(days=2)
    records, truth = run(Plan(START, WEEK, 3000, until=until))
    assert max(record.timestamp_ms for record in records) <= nanoseconds(until) // 1_000_000
    whole = run(Plan(START, WEEK, 3000))[0]
    assert records == whole[: len(records)]
    assert 500 < truth.inferences < 1500


@pytest.mark.parametrize("inferences", [0, 1, 20_000])
def test_an_hour_holds_exactly_what_was_asked_for(inferences: int) -> None:
    start = START + timedelta(hours=9, minutes=40)
    truth = run(Plan(start, timedelta(hours=1), inferences))[1]
    assert truth.inferences == inferences


def test_a_week_begins_on_monday_utc() -> None:
    assert week_start("2026-W46") == datetime(2026, 11, 9, tzinfo=UTC)
    assert week_start("2026-W01") == datetime(2025, 12, 29, tzinfo=UTC)


@pytest.mark.parametrize("week", ["2026-46", "2026W46", "2026-W54", "2026-W00", "soon"])
def test_what_is_no_week_is_refused_with_the_form_of_one(week: str) -> None:
    with pytest.raises(ValueError, match=r"write it like 2026-W46"):
        week_start(week)


@pytest.mark.parametrize(
    ("start", "duration", "says"),
    [
        (datetime(2026, 11, 9), WEEK, "no time zone"),  # noqa: DTZ001  # that it is naive is the point
        (START, timedelta(0), "positive duration"),
    ],
)
def test_a_plan_without_zone_or_time_is_refused(start: datetime, duration: timedelta, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Plan(start, duration, 10)
