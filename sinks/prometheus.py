"""The door to Prometheus: every metric that Sluice shows, declared once with its labels and meaning."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.events import DeadLetter, Finding, LedgerRow

CONTENT_TYPE = "text/plain; version=0.0.4"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one worker, in a registry of their own, so that two workers in one test do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.records = Counter(
            "sluice_records", "Records confirmed, by what became of them.", ["topic", "outcome"], registry=own
        )
        self.dead_letters = Counter("sluice_dead_letters", "Records set aside.", ["topic", "reason"], registry=own)
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
        self.findings = Counter("sluice_findings", "Findings.", ["segment", "metric", "direction"], registry=own)
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
        self._latest_ns = 0

    def confirmed(self, ledger: list[LedgerRow]) -> None:
        """Count a block that every sink has confirmed."""
        for row in ledger:
            self.records.labels(row.topic, "written").inc(row.written)
            self.records.labels(row.topic, "dead").inc(row.dead)
        self.block_records.observe(sum(row.records for row in ledger))

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
        self.findings.labels(finding.segment, finding.metric, finding.direction).inc()

    def exposition(self) -> bytes:
        """Return what /metrics answers, in Prometheus's text format."""
        return generate_latest(self.registry)
