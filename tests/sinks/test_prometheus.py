"""What /metrics answers: every metric with its meaning, a bounded number of series, and the numbers of the walk."""

from math import nan

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from sinks.joins import Joined
from sinks.metrics import ALL
from sinks.prometheus import Metrics
from streams.events import DeadLetter, InferenceResponse, LedgerRow, Moved
from tests.sinks.found import found, over

FINDING = found("f", segment='chat|"quoted"\n|-|-', metric="duration_s")
# What may stand in a label: names of topics, a few words of our own, and segments, which are limited in number.
LABELS = {label for metric in ALL for label in metric.labels} | {"le"}


def _letter(offset: int, reason: str) -> DeadLetter:
    return DeadLetter("inference.requests", 0, offset, 0, 0, reason, f"detail {offset}", b"key", b"value", ())


def _answer(status: str) -> InferenceResponse:
    said = {
        "kind": "response",
        "event_id": "e",
        "inference_id": "i",
        "time_unix_nano": 1_763_726_402_500_000_000,
        "status": status,
        "gen_ai.usage.input_tokens": 10,
        "cost_usd": 0.5,
    }
    return InferenceResponse.model_validate(said)


def _busy() -> Metrics:
    metrics = Metrics()
    metrics.confirmed(
        [LedgerRow("inference.requests", 0, 0, 9, 10, 8, 2, 8, 2), LedgerRow("t", 1, 5, 5, 1, 1, 0, 1, 0)]
    )
    metrics.set_aside([_letter(offset, "not_json") for offset in range(50)] + [_letter(50, "empty")])
    served = [(_answer("ok"), 0.3)] * 3 + [(_answer("error"), None)]
    metrics.answered({"chat": served}, latest_ns=1_763_726_402_500_000_000)
    metrics.found(FINDING)
    metrics.stage_seconds.labels("read").observe(0.2)
    metrics.sink_busy.labels("clickhouse").inc()
    metrics.received.labels("litellm", "2xx").inc()
    metrics.received_bytes.labels("litellm").inc(12_000)
    return metrics


def test_the_exposition_parses_and_every_metric_says_what_it_is() -> None:
    for metrics in (Metrics(), _busy()):
        families = list(text_string_to_metric_families(metrics.exposition()[0].decode()))
        assert len(families) >= 13
        for family in families:
            assert family.name.startswith("sluice_"), family.name
            assert family.documentation.endswith("."), family.name
            assert family.type in ("counter", "gauge", "histogram"), family.name


def test_labels_are_of_few_kinds_and_never_what_a_record_says() -> None:
    samples = [
        sample
        for family in text_string_to_metric_families(_busy().exposition()[0].decode())
        for sample in family.samples
    ]
    assert {label for sample in samples for label in sample.labels} <= LABELS
    letters = [sample.labels for sample in samples if sample.name == "sluice_dead_letters_total"]
    assert letters == [
        {"topic": "inference.requests", "reason": "not_json"},
        {"topic": "inference.requests", "reason": "empty"},
    ], "one series a reason, however many records and details"


def test_numbers_are_those_of_the_walk() -> None:
    metrics = _busy()

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert value("sluice_records_total", topic="inference.requests", outcome="written") == 8
    assert value("sluice_records_total", topic="inference.requests", outcome="dead") == 2
    assert value("sluice_block_records_sum") == 11
    assert value("sluice_inferences_total", segment="chat", status="error") == 1
    assert value("sluice_findings_total", segment=FINDING.segment, metric="duration_s", direction="up") == 1
    assert value("sluice_event_time_seconds") == 1_763_726_402.5
    metrics.answered({}, latest_ns=5)  # late events do not turn the clock back
    assert value("sluice_event_time_seconds") == 1_763_726_402.5


def test_two_workers_of_one_process_do_not_meet() -> None:
    one, other = _busy(), Metrics()
    assert one.exposition() != other.exposition()
    assert other.registry.get_sample_value("sluice_sink_busy_total", {"sink": "clickhouse"}) is None


def test_a_finding_counts_when_it_opens_and_however_often_that_is_said_once() -> None:
    metrics = Metrics()

    def counted() -> float | None:
        labels = {"segment": FINDING.segment, "metric": "duration_s", "direction": "up"}
        return metrics.registry.get_sample_value("sluice_findings_total", labels)

    joined = FINDING.model_copy(update={"said_unix_nano": FINDING.said_unix_nano + 1})
    for said in (FINDING, FINDING, joined, over(FINDING, 60), over(FINDING, 60)):
        metrics.found(said)
        assert counted() == 1
    metrics.found(FINDING.model_copy(update={"finding_id": "g"}))
    assert counted() == 2
    started = Metrics()
    started.found(joined)
    assert b"sluice_findings_total{" not in started.exposition()[0], "it opened in another worker"


def test_what_is_declared_is_what_is_shown() -> None:
    shown = {family.name: family for family in Metrics().registry.collect()}
    assert shown.keys() == {metric.name for metric in ALL}
    for metric in ALL:
        assert (shown[metric.name].type, shown[metric.name].documentation) == (metric.kind, metric.meaning)
        assert metric.meaning.endswith("."), metric.name
        assert metric.unit, metric.name
        assert not metric.remedy or metric.remedy.endswith((".", "?")), metric.name


def test_findings_that_stand_are_those_of_the_segments_that_this_worker_has() -> None:
    metrics = Metrics()
    labels = {"segment": FINDING.segment, "metric": FINDING.metric}

    def shown(name: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    metrics.found(FINDING)
    metrics.found(FINDING.model_copy(update={"finding_id": "g", "log10_e": 99.0}))
    assert (shown("sluice_findings_open"), shown("sluice_finding_evidence")) == (2, 99.0)
    metrics.found(over(FINDING, 60))
    assert shown("sluice_findings_open") == 1
    metrics.standing([])
    assert shown("sluice_findings_open") is None, "its segment has gone to another worker"


def test_a_metric_that_joins_a_finding_is_shown_as_open_too() -> None:
    metrics = Metrics()
    joined = Moved(metric="error", direction="up", before=0.02, after=0.3)
    metrics.found(FINDING.model_copy(update={"also": [joined]}))
    for metric in (FINDING.metric, "error"):
        place = {"segment": FINDING.segment, "metric": metric}
        assert metrics.registry.get_sample_value("sluice_findings_open", place) == 1


def test_raters_who_said_nothing_in_the_last_day_are_not_shown_as_they_were() -> None:
    metrics = Metrics()
    metrics.joined([Joined("human", 3, 2, (1.0, 2.0)), Joined("llm", 1, 0, (nan, nan))])
    metrics.joined([Joined("llm", 5, 4, (3.0, 4.0))])
    shown = {
        (sample.name, *sorted(sample.labels.values()), sample.value)
        for family in text_string_to_metric_families(metrics.exposition()[0].decode())
        for sample in family.samples
        if sample.name in ("sluice_feedback_recent", "sluice_feedback_delay_seconds")
    }
    assert shown == {
        ("sluice_feedback_recent", "llm", "yes", 4.0),
        ("sluice_feedback_recent", "llm", "no", 1.0),
        ("sluice_feedback_delay_seconds", "0.5", "llm", 3.0),
        ("sluice_feedback_delay_seconds", "0.9", "llm", 4.0),
    }


def test_openmetrics_names_an_inference_in_each_bucket() -> None:
    body, content_type = _busy().exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = openmetrics_families(body.decode())  # type: ignore[no-untyped-call]  # its sibling has types
    (family,) = [family for family in families if family.name == "sluice_inference_duration_seconds"]
    examples = {sample.labels["le"]: sample.exemplar for sample in family.samples if sample.exemplar}
    assert list(examples) == ["0.5"]
    assert (examples["0.5"].labels, examples["0.5"].value) == ({"inference_id": "i"}, 0.3)
    assert [sample.value for sample in family.samples if sample.name.endswith("_count")] == [3], "one is not known"
