"""Each scenario: it begins where it says, is as large as it says, and leaves the rest of the traffic alone."""

from collections import Counter
from datetime import timedelta
from statistics import median

import pytest

from streams.events import InferenceResponse
from streams.measure import Segments, output_chars, segment_name
from streams.produce import Record
from streams.scenarios import (
    PRESETS,
    Anomalies,
    Change,
    Duplicates,
    ErrorStep,
    LatencyStep,
    LongerAnswers,
    Poison,
    Scenario,
    Silence,
    ThumbsDownFlood,
    Truth,
    UnknownScenario,
    scenarios,
)
from streams.simulate import simulate
from streams.traffic.fleet import FLEET
from streams.traffic.plan import WEEK, Plan, nanoseconds, week_start
from tests.streams.simulated import Recount, assert_share, recount

START = week_start("2026-W46")
SEGMENT = FLEET[0].segment
NAME = segment_name(*SEGMENT)


def run(*injected: Scenario, inferences: int = 6000) -> tuple[list[Record], Recount, Truth]:
    records, truth = simulate(Plan(START, WEEK, inferences, seed=9, scenarios=injected))
    listed = list(records)
    return listed, recount(listed), truth


def in_segment(found: Recount) -> list[InferenceResponse]:
    named = Segments(100)
    return [event for event in found.responses if named.name(event) == NAME]


@pytest.fixture(scope="module")
def quiet() -> Recount:
    return run()[1]


@pytest.mark.parametrize("start", [0.5, timedelta(days=3.5), START + timedelta(days=3.5)], ids=["share", "after", "at"])
def test_a_drift_begins_where_it_says_and_the_truth_names_its_first_response(start: object) -> None:
    _, found, truth = run(LatencyStep("slow", SEGMENT, start, 1.5), inferences=2000)  # type: ignore[arg-type]  # parametrised
    change: Change = truth.changes[0]
    assert change.segment == NAME
    assert change.start_unix_nano == nanoseconds(START + WEEK / 2)
    begun = {e.inference_id: e.time_unix_nano for e in found.requests}
    responses = in_segment(found)
    assert change.ordinal is not None
    first = responses[change.ordinal]
    assert (first.inference_id, first.time_unix_nano) == (change.first_inference_id, change.first_time_unix_nano)
    assert begun[first.inference_id] >= change.start_unix_nano
    assert all(begun[event.inference_id] < change.start_unix_nano for event in responses[: change.ordinal])
    after = [event for event in responses if begun[event.inference_id] >= change.start_unix_nano]
    assert change.responses == len(after) > 100


def test_a_latency_step_multiplies_durations_of_its_segment_only(quiet: Recount) -> None:
    _, found, truth = run(LatencyStep("slow", SEGMENT, 0.5, 1.5))
    usual = {event.inference_id: event.duration_s or 0 for event in quiet.responses}
    named = Segments(100)
    for event in found.responses:
        timed_out = event.error_type == "timeout"  # which takes as long as the timeout
        change = truth.changes[0]
        began = event.time_unix_nano - round((event.duration_s or 0) * 1e9)
        slow = named.name(event) == NAME and began >= change.start_unix_nano - 1000 and not timed_out
        assert event.duration_s == pytest.approx(usual[event.inference_id] * (1.5 if slow else 1), abs=2e-6)


def test_an_error_step_raises_the_rate_and_nothing_else(quiet: Recount) -> None:
    _, found, truth = run(ErrorStep("broken", SEGMENT, 0.4, 0.3))
    responses, ordinal = in_segment(found), truth.changes[0].ordinal
    before, after = responses[:ordinal], responses[ordinal:]
    assert_share(sum(event.status == "error" for event in before), len(before), 0.02)
    assert_share(sum(event.status == "error" for event in after), len(after), 0.3)
    causes = Counter(event.error_type for event in after if event.status == "error")
    assert causes["upstream_error"] > 0.9 * causes.total()
    usual = {event.inference_id: event for event in quiet.responses}
    same = [event for event in after if event.status == "ok" and event.cache_hit is False]
    assert all(event.duration_s == usual[event.inference_id].duration_s for event in same)


def test_a_new_version_answers_longer_at_the_same_pace(quiet: Recount) -> None:
    _, found, truth = run(LongerAnswers("wordy", SEGMENT, 0.5, "aurora-large-2026-11", 1.6))
    responses, ordinal = in_segment(found), truth.changes[0].ordinal
    versions = [event.response_model for event in responses if event.response_model]
    assert set(versions[: len(versions) // 3]) == {"aurora-large-2026-03"}
    after = [event for event in responses[ordinal:] if event.response_model]
    assert {event.response_model for event in after} == {"aurora-large-2026-11"}
    assert {event.request_model for event in responses} == {"aurora-large"}
    usual = {event.inference_id: event for event in quiet.responses}
    whole = [event for event in after if event.finish_reasons == ["stop"] and (event.output_tokens or 0) > 50]
    longer = median((e.output_tokens or 0) / (usual[e.inference_id].output_tokens or 1) for e in whole)
    written = median((output_chars(e) or 0) / (output_chars(usual[e.inference_id]) or 1) for e in whole)
    assert longer == pytest.approx(1.6, rel=0.02)
    assert 1.3 < written < 1.9
    assert all(event.duration_s == usual[event.inference_id].duration_s for event in after)


def test_a_silent_segment_is_asked_nothing_and_the_truth_names_the_first_answer_that_never_came(quiet: Recount) -> None:
    _, found, truth = run(Silence("gone", SEGMENT, 0.5))
    change, usual = truth.changes[0], in_segment(quiet)
    begun = {event.inference_id: event.time_unix_nano for event in quiet.requests}
    asked = [event for event in usual if begun[event.inference_id] < change.start_unix_nano]
    assert in_segment(found) == asked
    assert change.responses == len(usual) - len(asked) > 100
    never = [event for event in usual if begun[event.inference_id] >= change.start_unix_nano]
    first = min(never, key=lambda event: begun[event.inference_id])
    assert (change.first_inference_id, change.first_time_unix_nano) == (first.inference_id, first.time_unix_nano)
    assert len(found.responses) == len(quiet.responses) - change.responses


def test_a_flood_of_thumbs_down_comes_on_top_within_seconds(quiet: Recount) -> None:
    _, found, truth = run(ThumbsDownFlood("flood", SEGMENT, 0.5, 0.3))
    change = truth.changes[0]
    assert (found.requests, found.responses) == (quiet.requests, quiet.responses)
    usual = {event.feedback_id for event in quiet.feedback}
    flood = [event for event in found.feedback if event.feedback_id not in usual]
    answered = {event.inference_id: event.time_unix_nano for event in in_segment(found) if event.status != "error"}
    assert_share(len(flood), sum(time >= change.start_unix_nano for time in answered.values()), 0.3)
    delays = [event.time_unix_nano - answered[event.inference_id or ""] for event in flood]
    assert 1e9 <= min(delays) < max(delays) <= 5e9
    assert {event.score for event in flood} == {0}
    first = min(flood, key=lambda event: event.time_unix_nano)
    assert change.first_time_unix_nano == first.time_unix_nano


def test_anomalies_report_what_cannot_be_and_are_named(quiet: Recount) -> None:
    _, found, truth = run(Anomalies(start=0.25, share=0.01))
    usual = {event.inference_id: event for event in quiet.responses}
    odd = [event for event in found.responses if event.duration_s != usual[event.inference_id].duration_s]
    assert [event.inference_id for event in odd] == truth.anomalies
    assert_share(len(odd), round(0.75 * sum(e.output_tokens is not None for e in quiet.responses)), 0.01)
    for event in odd:
        tokens, before = event.output_tokens or 0, usual[event.inference_id]
        fast = event.duration_s == 0.01 and tokens == 50 * (before.output_tokens or 0)
        slow = tokens == 1 and (event.duration_s or 0) > 40 * (before.duration_s or 0)
        assert fast or slow


def test_poison_is_of_every_kind_and_harms_no_other_record(quiet: Recount) -> None:
    records, found, truth = run(Poison(share=0.03))
    assert truth.poison == found.poison
    assert set(found.poison) == {
        *("empty", "too_large", "not_json", "unsupported_schema_version", "wrong_shape", "time_ahead"),
    }
    assert max(len(record.value) for record in records) >= 2_000_000
    assert (found.requests, found.responses, found.feedback) == (quiet.requests, quiet.responses, quiet.feedback)
    assert {record.topic for record in records if not record.value} <= set(truth.records)


def test_duplicates_come_later_and_without_their_key(quiet: Recount) -> None:
    records, found, truth = run(Duplicates(share=0.05))
    assert truth.duplicates == found.duplicates
    assert_share(found.duplicates, found.events - found.duplicates, 0.05)
    assert (found.requests, found.responses, found.feedback) == (quiet.requests, quiet.responses, quiet.feedback)
    first: dict[bytes, Record] = {}
    delays = []
    for record in records:
        original = first.setdefault(record.value, record)
        if original is not record:
            assert (original.key is not None, record.key) == (True, None)
            assert original.topic == record.topic
            delays.append(record.timestamp_ms - original.timestamp_ms)
    assert len(delays) == truth.duplicates
    assert min(delays) >= 100
    assert max(delays) > 3_600_000


def test_a_scenario_alone_or_with_others_strikes_the_same_places() -> None:
    alone = run(Anomalies(share=0.02), inferences=1500)[2]
    together = run(Duplicates(), Anomalies(share=0.02), Poison(), inferences=1500)[2]
    assert alone.anomalies == together.anomalies != []


def test_presets_are_what_they_are_called() -> None:
    assert scenarios(["quiet"]) == ()
    assert {scenario.kind for scenario in scenarios(["demo"])} == {"drift", "anomalies", "poison", "duplicates", "late"}
    for name, preset in PRESETS.items():
        if name not in ("quiet", "demo", "outage"):
            assert [scenario.name for scenario in preset] == [name]
    assert scenarios(["late", "demo"])[0].name == "late"
    assert len(scenarios(["demo", "late", "missing"])) == len(scenarios(["demo"])) + 1


def test_the_demo_changes_three_segments_enough_to_be_seen() -> None:
    truth = run(*scenarios(["demo"]), inferences=3000)[2]
    assert len({change.segment for change in truth.changes}) == 3
    assert {metric for change in truth.changes for metric in change.scenario.metrics} == {
        *("duration_s", "error", "output_tokens", "output_chars"),
    }
    assert all(change.responses > 80 and (change.ordinal or 0) > 250 for change in truth.changes)


def test_an_unknown_scenario_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UnknownScenario, match=r"'storm'.*quiet, demo, outage, latency-step"):
        scenarios(["demo", "storm"])
