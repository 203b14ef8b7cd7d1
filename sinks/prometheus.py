"""The door to Prometheus: every metric that Sluice shows, declared once with its labels and meaning."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sinks.joins import Joined
from streams.events import DeadLetter, Finding, LedgerRow

CONTENT_TYPE = "text/plain; version=0.0.4"
NAMES = 200  # of feedback that are shown apart: whoever sends it chooses them
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one worker, in a registry of their own, so that two workers in one test do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.records = Counter(
            "sluice_records", "Records confirmed, by what became of them.", ["topic", "outcome"], registry=own
        )
        self.dead_letters = Counter(
            "sluice_dead_letters", "Records, or items of them, set aside.", ["topic", "reason"], registry=own
        )
        self.events = Counter("sluice_events", "Events read.", ["format", "kind"], registry=own)
        self.redactions = Counter("sluice_redactions", "Pieces of text taken out.", ["kind"], registry=own)
        self.feedback = Counter(
            "sluice_feedback",
            "Feedback read; raters of different kinds never share a series.",
            ["name", "rater_kind"],
            registry=own,
        )
        self.feedback_recent = Gauge(
            "sluice_feedback_recent",
            "Feedback of the last day, by whether its inference is known.",
            ["rater_kind", "joined"],
            registry=own,
        )
        self.feedback_delay = Gauge(
            "sluice_feedback_delay_seconds",
            "From answer to feedback, over the last day.",
            ["rater_kind", "quantile"],
            registry=own,
        )
        self.timeouts = Counter("sluice_timeouts", "Requests found without a response in time.", registry=own)
        self.block_records = Histogram(
            "sluice_block_records", "Records in a block.", buckets=(1, 10, 100, 1_000, 10_000, 100_000), registry=own
        )
        self.stage_seconds = Histogram(
            "sluice_stage_seconds", "Time of a block in a stage.", ["stage"], buckets=SECONDS, registry=own
        )
        self.sink_busy = Counter(
            "sluice_sink_busy", "Blocks that a sink refused for the moment.", ["sink"], registry=own
        )
        self.event_time = Gauge(
            "sluice_event_time_seconds", "Greatest event time confirmed, seconds since 1970.", registry=own
        )
        self.inferences = Counter(
            "sluice_inferences", "Answered inferences watched.", ["segment", "status"], registry=own
        )
        self.findings = Counter(
            "sluice_findings", "Findings that opened.", ["segment", "metric", "direction"], registry=own
        )
        self.segments = Gauge("sluice_segments", "Segments that this worker watches.", registry=own)
        self.held = Gauge(
            "sluice_held_rows", "Answers that wait to be watched until all partitions have come as far.", registry=own
        )
        self.state_refused = Counter(
            "sluice_state_refused", "Detector states not taken over: wrong signature or version.", registry=own
        )
        self.batches_cut = Counter("sluice_batches_cut", "Review batches cut by this worker.", registry=own)
        self.cuts_failed = Counter(
            "sluice_cuts_failed", "Scheduled cuts that were refused or broke off; the log says why.", registry=own
        )
        self.received = Counter(
            "sluice_received", "Requests to the receiver, by class of answer.", ["format", "status"], registry=own
        )
        self.received_bytes = Counter(
            "sluice_received_bytes", "Bytes of bodies that are in Kafka, decompressed.", ["format"], registry=own
        )
        self._latest_ns = 0
        self._names: set[str] = set()
        self._open: set[str] = set()

    def confirmed(self, ledger: list[LedgerRow]) -> None:
        """Count a block that every sink has confirmed."""
        for row in ledger:
            self.records.labels(row.topic, "written").inc(row.written)
            self.records.labels(row.topic, "dead").inc(row.dead)
        self.block_records.observe(sum(row.records for row in ledger))

    def read(self, events: Mapping[tuple[str, str], int], feedback: Mapping[tuple[str, str], int]) -> None:
        """Count events by format and kind, and feedback by name and kind of rater, up to NAMES names."""
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
        """Show how the last day's feedback was joined."""
        for each in feedback:
            self.feedback_recent.labels(each.rater_kind, "yes").set(each.joined)
            self.feedback_recent.labels(each.rater_kind, "no").set(each.feedback - each.joined)
            for quantile, seconds in zip(("0.5", "0.9"), each.delay_s, strict=True):
                self.feedback_delay.labels(each.rater_kind, quantile).set(seconds)

    def set_aside(self, letters: list[DeadLetter]) -> None:
        for letter in letters:
            self.dead_letters.labels(letter.topic, letter.reason).inc()

    def answered(self, inferences: Mapping[tuple[str, str], int], latest_ns: int) -> None:
        """Count answered inferences by segment and status; `latest_ns` is the greatest event time among all events."""
        for (segment, status), count in inferences.items():
            self.inferences.labels(segment, status).inc(count)
        self._latest_ns = max(self._latest_ns, latest_ns)
        self.event_time.set(self._latest_ns / 1e9)

    def found(self, finding: Finding) -> None:
        """Count a finding when it opens; what else is said of it is no other finding."""
        if finding.state == "closed":
            self._open.discard(finding.finding_id)
        elif finding.said_unix_nano == finding.time_unix_nano and finding.finding_id not in self._open:
            self._open.add(finding.finding_id)
            self.findings.labels(finding.segment, finding.metric, finding.direction).inc()

    def exposition(self) -> bytes:
        """Return what /metrics answers, in Prometheus's text format."""
        return generate_latest(self.registry)
