"""The door to Prometheus: what the walk tells of itself becomes the samples of the metrics that are declared."""

from collections import Counter as Count
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from operator import itemgetter
from typing import TypeVar

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from sinks import metrics
from sinks.histograms import ArrayHistogram
from sinks.joins import Joined
from sinks.metrics import Metric
from streams.events import DeadLetter, Finding, InferenceResponse, LedgerRow, ReferenceRow

NAMES = 200  # of feedback that are shown apart: whoever sends it chooses them
# What is told of each answer, out of its own dictionary: a third of the cost of its attributes.
_ANSWERED = itemgetter(
    *("inference_id", "status", "time_to_first_chunk_s", "input_tokens", "output_tokens", "cost_usd")
)

M = TypeVar("M", Counter, Gauge)


@dataclass
class Tally:
    """The sums of a worker since its start, over all labels: what its status page takes differences of.

    `failed` are the answers that are not ok; `served` has answers and failed ones of each segment.
    """

    events: int = 0
    dead_letters: int = 0
    answers: int = 0
    failed: int = 0
    found: int = 0
    served: dict[str, tuple[int, int]] = field(default_factory=dict)


class Metrics:
    """The metrics of one worker, in a registry of their own, so that two workers in one test do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tally = Tally()
        self.records = self._made(Counter, metrics.RECORDS)
        self.events = self._made(Counter, metrics.EVENTS)
        self.dead_letters = self._made(Counter, metrics.DEAD_LETTERS)
        self.erased_again = self._made(Counter, metrics.ERASED_AGAIN)
        self.redactions = self._made(Counter, metrics.REDACTIONS)
        self.lag_records = self._made(Gauge, metrics.LAG_RECORDS)
        self.lag_seconds = self._made(Gauge, metrics.LAG_SECONDS)
        self.stalled = self._made(Gauge, metrics.STALLED_SECONDS)
        self.ledger_gap = self._made(Gauge, metrics.LEDGER_GAP)
        self.block_records = self._histogram(metrics.BLOCK_RECORDS)
        self.stage_seconds = self._histogram(metrics.STAGE)
        self.sink_busy = self._made(Counter, metrics.SINK_BUSY)
        self.sink_waiting = self._made(Gauge, metrics.SINK_WAITING)
        self.event_time = self._made(Gauge, metrics.EVENT_TIME)
        self.received = self._made(Counter, metrics.RECEIVED)
        self.received_bytes = self._made(Counter, metrics.RECEIVED_BYTES)
        self.inferences = self._made(Counter, metrics.INFERENCES)
        self.durations = self._array_histogram(metrics.DURATION)
        self.first_chunks = self._array_histogram(metrics.FIRST_CHUNK)
        self.tokens = self._made(Counter, metrics.TOKENS)
        self.cost = self._made(Counter, metrics.COST)
        self.timeouts = self._made(Counter, metrics.TIMEOUTS)
        self.feedback = self._made(Counter, metrics.FEEDBACK)
        self.feedback_recent = self._made(Gauge, metrics.FEEDBACK_RECENT)
        self.feedback_delay = self._made(Gauge, metrics.FEEDBACK_DELAY)
        self.findings = self._made(Counter, metrics.FINDINGS)
        self.findings_open = self._made(Gauge, metrics.FINDINGS_OPEN)
        self.evidence = self._made(Gauge, metrics.EVIDENCE)
        self.false_alarms = self._made(Gauge, metrics.FALSE_ALARMS)
        self.segments = self._made(Gauge, metrics.SEGMENTS)
        self.watched_share = self._made(Gauge, metrics.WATCHED_SHARE)
        self.references = self._made(Gauge, metrics.REFERENCES)
        self.held = self._made(Gauge, metrics.HELD)
        self.lost = self._made(Gauge, metrics.LOST)
        self.state_refused = self._made(Counter, metrics.STATE_REFUSED)
        self.grafana_failures = self._made(Counter, metrics.GRAFANA_FAILURES)
        self.batches_cut = self._made(Counter, metrics.BATCHES_CUT)
        self.cuts_failed = self._made(Counter, metrics.CUTS_FAILED)
        self.cuts_due = self._made(Gauge, metrics.CUTS_DUE)
        self.batches = self._made(Gauge, metrics.BATCHES)
        self.review_spent = self._made(Gauge, metrics.REVIEW_SPENT)
        self.to_release = self._made(Gauge, metrics.TO_RELEASE)
        self.review_items = self._made(Gauge, metrics.REVIEW_ITEMS)
        self.review_waiting = self._made(Gauge, metrics.REVIEW_WAITING)
        self._latest_ns = 0
        self._names: set[str] = set()
        self._open: dict[str, Finding] = {}
        self._reference_states: dict[tuple[str, str], str] = {}

    def _made(self, kind: type[M], metric: Metric) -> M:
        return kind(metric.name, metric.meaning, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=self.registry)

    def _array_histogram(self, metric: Metric) -> ArrayHistogram:
        histogram = ArrayHistogram(metric)
        self.registry.register(histogram)
        return histogram

    def expect(self, topics: Iterable[str]) -> None:
        """Show that nothing has come from these yet: a rate that was never there raises no alert."""
        for topic in topics:
            self.records.labels(topic, "written")

    def leads_no_more(self) -> None:
        """Show nothing any more of what the leader shows: what it was last would stand beside what it is."""
        for gauge in (self.ledger_gap, self.cuts_due, self.review_waiting, self.review_spent, self.to_release):
            gauge.set(nan)
        for labelled in (self.batches, self.review_items, self.feedback_recent, self.feedback_delay):
            labelled.clear()

    def confirmed(self, ledger: list[LedgerRow]) -> None:
        """Count a block that every sink has confirmed."""
        for row in ledger:
            self.records.labels(row.topic, "written").inc(row.written)
            self.records.labels(row.topic, "dead").inc(row.dead)
        self.block_records.observe(sum(row.records for row in ledger))

    def read(self, events: Mapping[tuple[str, str], int], feedback: Mapping[tuple[str, str], int]) -> None:
        """Count events by format and kind, and feedback by name and kind of rater, up to NAMES names."""
        self.tally.events += sum(events.values())
        for (source_format, kind), count in events.items():
            self.events.labels(source_format, kind).inc(count)
        for (name, rater_kind), count in feedback.items():
            if name not in self._names and len(self._names) < NAMES:
                self._names.add(name)
            self.feedback.labels(name if name in self._names else "other", rater_kind).inc(count)

    def redacted(self, counts: Mapping[str, int]) -> None:
        for kind, count in counts.items():
            self.redactions.labels(kind).inc(count)

    def joined(self, feedback: Iterable[Joined]) -> None:
        """Show how the last day's feedback was joined; of raters who said nothing in it, nothing."""
        self.feedback_recent.clear()
        self.feedback_delay.clear()
        for each in feedback:
            self.feedback_recent.labels(each.rater_kind, "yes").set(each.joined)
            self.feedback_recent.labels(each.rater_kind, "no").set(each.feedback - each.joined)
            for quantile, seconds in zip(("0.5", "0.9"), each.delay_s, strict=True):
                self.feedback_delay.labels(each.rater_kind, quantile).set(seconds)

    def set_aside(self, letters: list[DeadLetter]) -> None:
        self.tally.dead_letters += len(letters)
        for letter in letters:
            self.dead_letters.labels(letter.topic, letter.reason).inc()

    def answered(self, served: Mapping[str, Sequence[tuple[InferenceResponse, float | None]]], latest_ns: int) -> None:
        """Count answered inferences, each with its duration in seconds, by segment.

        `latest_ns` is the greatest event time among all events.
        """
        for segment, answers in served.items():
            responses, seconds = zip(*answers, strict=True)
            ids, said, first, read, written, cost = zip(*map(_ANSWERED, map(vars, responses)), strict=True)
            statuses = Count(said)
            for status, count in statuses.items():
                self.inferences.labels(segment, status).inc(count)
            self._tell(segment, len(responses), len(responses) - statuses["ok"])
            self.durations.observe(segment, np.array(seconds, np.float64), ids)
            self.first_chunks.observe(segment, np.array(first, np.float64), ids)
            self.tokens.labels(segment, "input").inc(sum(filter(None, read)))
            self.tokens.labels(segment, "output").inc(sum(filter(None, written)))
            self.cost.labels(segment).inc(sum(filter(None, cost)))
        self._latest_ns = max(self._latest_ns, latest_ns)
        self.event_time.set(self._latest_ns / 1e9)

    def _tell(self, segment: str, answers: int, failed: int) -> None:
        before, failed_before = self.tally.served.get(segment, (0, 0))
        self.tally.served[segment] = before + answers, failed_before + failed
        self.tally.answers += answers
        self.tally.failed += failed

    def found(self, finding: Finding) -> None:
        """Count a finding when it opens, and show it until it closes; what is said of it meanwhile is no other one."""
        opens = finding.said_unix_nano == finding.time_unix_nano
        if finding.state == "open" and opens and finding.finding_id not in self._open:
            self.findings.labels(finding.segment, finding.metric, finding.direction).inc()
            self.tally.found += 1
        others = [each for name, each in self._open.items() if name != finding.finding_id]
        self.standing([*others, finding] if finding.state == "open" else others)

    def standing(self, findings: Iterable[Finding]) -> None:
        """Show these findings as open, and no others: a worker shows those of the segments that it watches."""
        self._open = {finding.finding_id: finding for finding in findings}
        by_place: dict[tuple[str, str], list[float]] = {}
        for finding in self._open.values():
            # Of each metric: that a small finding stands must not hide what joins it from those who are to be told.
            for metric in dict.fromkeys([finding.metric, *(moved.metric for moved in finding.also)]):
                by_place.setdefault((finding.segment, metric), []).append(finding.log10_e)
        self.findings_open.clear()
        self.evidence.clear()
        for place, evidence in by_place.items():
            self.findings_open.labels(*place).set(len(evidence))
            self.evidence.labels(*place).set(max(evidence))

    def learned(self, references: Sequence[ReferenceRow]) -> None:
        """Show in which states the references are that this worker has said anything of."""
        self._reference_states |= {(row.segment, row.metric): row.state for row in references}
        self.references.clear()
        for state, count in Count(self._reference_states.values()).items():
            self.references.labels(state).set(count)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return what /metrics answers, and its content type: OpenMetrics, with exemplars, for those who accept it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
