"""What a detector signals is what the finding says, under a name that only what was seen decides; and in one line."""

from dataclasses import replace
from typing import Any

import pytest

from detectors.base import Estimate, Moved, Signal, Slice
from detectors.episodes import SPREAD
from streams.events import Finding
from streams.findings import finding
from tests.sinks.found import FULL, SEGMENT, found, over

SIGNAL = Signal(
    state=FULL.state,
    metric=FULL.metric,
    detector=FULL.detector,
    subject="",
    direction=FULL.direction,
    before=Estimate(FULL.mean_before, FULL.low_before, FULL.high_before, FULL.count_before),
    after=Estimate(FULL.mean_after, FULL.low_after, FULL.high_after, FULL.count_after),
    log10_e=FULL.log10_e,
    seconded=FULL.seconded,
    learning=FULL.learning,
    event=FULL.event,
    since_event=FULL.since_event,
    time_unix_nano=FULL.time_unix_nano,
    said_unix_nano=FULL.said_unix_nano,
    since_unix_nano=FULL.since_unix_nano,
    inference_id=FULL.inference_id,
    examples_before=tuple(FULL.examples_before),
    examples_after=tuple(FULL.examples_after),
    slices=tuple(Slice(each.dimension, each.value, each.share) for each in FULL.slices),
    versions=tuple(FULL.versions),
    also=tuple(Moved(each.metric, each.direction, each.before, each.after) for each in FULL.also),
)


def named(segment: str = SEGMENT, **changes: Any) -> str:
    return finding(segment, replace(SIGNAL, **changes)).finding_id


def test_a_finding_says_all_that_the_signal_does() -> None:
    said = finding(SEGMENT, SIGNAL)
    assert said == found(said.finding_id)
    assert Finding.model_validate_json(said.model_dump_json()) == said


def test_all_statements_of_an_opening_have_one_name() -> None:
    name = named()
    assert name == named() == named(state="closed", said_unix_nano=2**62, log10_e=40.0)
    assert name == named(since_unix_nano=0, after=Estimate(0.2, 0.1, 0.3, 9), also=(), versions=("x",))
    assert name == "2618519e142625f382c306186f855bf0"  # as kept in every store: it may never change


def test_what_was_seen_elsewhere_has_another_name() -> None:
    others = [
        named("other"),
        named(metric="empty"),
        named(detector="adwin"),
        named(subject="stop"),
        named(inference_id="call-41708"),
        named(metric="error e-sr", detector=""),
        named(segment=f"{SEGMENT}\x1ferror", metric="e-sr", detector="", subject=""),
    ]
    assert len({named(), *others}) == 1 + len(others)


def test_a_line_says_what_where_since_when_how_much_how_sure_and_why() -> None:
    assert str(FULL) == (
        "error up in chat|/v1|aurora-large|production since 2026-11-09T12:00:00Z; "
        "2.26% (2.1% to 2.43%) → 10% (8% to 12.5%), 4.42 times; chance below 1 in 10^9, seconded; "
        "92% of it provider=azure; new before it: response_model aurora-5; with it: output_tokens down 241 → 154; "
        "finding 0123456789ab"
    )
    assert str(over(FULL, 60)).startswith("OVER: error up in ")
    learning = found("f", learning=True, seconded=False, direction="other", subject="stop", slices=[], also=[])
    assert str(learning).startswith("error stop changed in ")
    assert "1 in 10^9, still learning; new before it" in str(learning)


def test_a_line_about_a_spread_says_by_how_much_values_differ_and_one_about_texts_says_no_mean() -> None:
    sure = {"low_before": 0.5, "mean_before": 0.5, "high_before": 0.5, "low_after": 1, "mean_after": 1, "high_after": 1}
    scattered = str(found("f", metric="duration_s", detector=SPREAD, **sure))
    assert scattered.startswith("spread of duration_s up in ")
    assert "; 1.65 times → 2.72 times; chance" in scattered
    unknown = dict.fromkeys(sure, float("nan"))
    text = str(found("f", metric="output_text", subject="colons up", direction="other", **unknown))
    assert text.startswith(
        "output_text colons up changed in chat|/v1|aurora-large|production since 2026-11-09T12:00:00Z; chance"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0, 1e300, 5e-324, -1.0])
def test_a_line_has_words_for_every_number(value: float) -> None:
    for detector in ("e-sr", SPREAD):
        line = str(found("f", detector=detector, mean_before=value, low_after=value, mean_after=value, log10_e=value))
        assert "nan" not in line
        assert "inf" not in line


def test_a_line_is_one_line_and_obeys_nobody() -> None:
    hostile = "\x1b]0;owned\x07\n2026-11-09 CRITICAL sluice \u202e\x9b31m\u2028"
    also = [each.model_copy(update={"metric": hostile, "direction": hostile}) for each in FULL.also]
    slices = [each.model_copy(update={"dimension": hostile, "value": hostile}) for each in FULL.slices]
    line = str(
        found("f", segment=hostile, metric=hostile, subject=hostile, versions=[hostile], also=also, slices=slices)
    )
    assert line.isprintable()
    assert r"\x1b]0;owned\x07\n2026-11-09 CRITICAL sluice \u202e\x9b31m\u2028" in line
