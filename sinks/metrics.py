"""Every metric that Sluice shows, declared once: its name, kind, labels and unit, what it means, and what to do.

docs/metrics.md is written from these declarations (`sluice metrics`); dashboards and alerts are tested against them.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """One metric. A counter's series end in `_total`, a histogram's in `_bucket`, `_count` and `_sum`.

    `unit` is in words, for people; `remedy` says what a number out of the ordinary asks for, and `runbook` names the
    page of docs/runbooks that has more. Label values come from
    short lists of our own, are names of topics, or segments and the like up to a limit: none is what a record says.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    meaning: str
    remedy: str = ""
    buckets: tuple[float, ...] = ()
    runbook: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """The names that its samples have."""
        if self.kind == "histogram":
            return f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum"
        return (f"{self.name}_total",) if self.kind == "counter" else (self.name,)


STAGE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ANSWER_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120)
FIRST_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2, 3, 5, 10, 30)

# --- the walk ---

RECORDS = Metric(
    "sluice_records",
    "counter",
    ("topic", "outcome"),
    "records",
    "Records confirmed, by what became of them: written, or dead.",
    "Look when there are none for minutes while the gateways are busy.",
    runbook="no-data",
)
EVENTS = Metric("sluice_events", "counter", ("format", "kind"), "events", "Events read.")
DEAD_LETTERS = Metric(
    "sluice_dead_letters",
    "counter",
    ("topic", "reason"),
    "dead letters",
    "Records, or items of them, set aside.",
    "A sender changed its format, or a topic is said to hold another.",
    runbook="dead-letters",
)
ERASED_AGAIN = Metric(
    "sluice_erased_again",
    "counter",
    (),
    "events",
    "Events of erased inferences or users that were delivered again, and not stored.",
)
REDACTIONS = Metric(
    "sluice_redactions", "counter", ("kind",), "pieces of text", "Pieces of text taken out before storing."
)
LAG_RECORDS = Metric(
    "sluice_lag_records",
    "gauge",
    ("topic", "partition"),
    "records",
    "Records of an assigned partition that are written and not yet confirmed.",
    "It grows: add workers, up to one a partition.",
    runbook="lag",
)
LAG_SECONDS = Metric(
    "sluice_lag_seconds",
    "gauge",
    ("topic", "partition"),
    "seconds",
    "How long ago the log of an assigned partition ended where it is confirmed to now; 0 without lag.",
    runbook="lag",
)
STALLED_SECONDS = Metric(
    "sluice_stalled_seconds",
    "gauge",
    ("topic", "partition"),
    "seconds",
    "For how long a partition has had lag and not moved at all; 0 while it moves.",
    "Liveness fails at SLUICE_STALLED_SECONDS: whoever supervises the worker should start it anew.",
    runbook="stalled",
)
LEDGER_GAP = Metric(
    "sluice_ledger_gap_offsets",
    "gauge",
    (),
    "offsets",
    "Offsets that are committed and neither written nor set aside, as the leader counts them each minute.",
    "It must be 0. `sluice ledger` says which.",
    runbook="ledger-gap",
)
BLOCK_RECORDS = Metric(
    "sluice_block_records",
    "histogram",
    (),
    "records",
    "Records in a block.",
    buckets=(1, 10, 100, 1_000, 10_000, 100_000),
)
STAGE = Metric(
    "sluice_stage_seconds", "histogram", ("stage",), "seconds", "Time of a block in a stage.", buckets=STAGE_SECONDS
)
SINK_BUSY = Metric(
    "sluice_sink_busy",
    "counter",
    ("sink",),
    "refusals",
    "Blocks that a sink refused for the moment; each is offered again.",
    runbook="sink-down",
)
SINK_WAITING = Metric(
    "sluice_sink_waiting_seconds",
    "gauge",
    (),
    "seconds",
    "For how long a block has been offered to a sink in vain; 0 while it takes them.",
    "Partitions are paused and nothing is lost.",
    runbook="sink-down",
)
EVENT_TIME = Metric(
    "sluice_event_time_seconds",
    "gauge",
    (),
    "seconds since 1970",
    "Greatest event time confirmed.",
    "Look when it is far behind the clock.",
    runbook="lag",
)
RECEIVED = Metric(
    "sluice_received",
    "counter",
    ("format", "status"),
    "requests",
    "Requests to the receiver, by class of answer.",
)
RECEIVED_BYTES = Metric(
    "sluice_received_bytes",
    "counter",
    ("format",),
    "bytes",
    "Bytes of bodies that are in Kafka, decompressed.",
)

# --- the models ---

INFERENCES = Metric(
    "sluice_inferences",
    "counter",
    ("segment", "status"),
    "inferences",
    "Answered inferences watched, by how they ended.",
    runbook="model-errors",
)
DURATION = Metric(
    "sluice_inference_duration_seconds",
    "histogram",
    ("segment",),
    "seconds",
    "From request to last byte, where it is known; exemplars name inferences.",
    buckets=ANSWER_SECONDS,
    runbook="model-latency",
)
FIRST_CHUNK = Metric(
    "sluice_time_to_first_chunk_seconds",
    "histogram",
    ("segment",),
    "seconds",
    "From request to first chunk of streamed answers, where it is known; exemplars name inferences.",
    buckets=FIRST_SECONDS,
    runbook="model-latency",
)
TOKENS = Metric(
    "sluice_tokens", "counter", ("segment", "direction"), "tokens", "Tokens read (input) and written (output)."
)
COST = Metric(
    "sluice_cost_usd",
    "counter",
    ("segment",),
    "US dollars",
    "Cost of the answers, where gateways say it.",
    runbook="cost",
)
TIMEOUTS = Metric(
    "sluice_timeouts",
    "counter",
    (),
    "requests",
    "Requests found without a response in time.",
    runbook="model-errors",
)
FEEDBACK = Metric(
    "sluice_feedback",
    "counter",
    ("name", "rater_kind"),
    "pieces of feedback",
    "Feedback read; raters of different kinds never share a series.",
)
FEEDBACK_RECENT = Metric(
    "sluice_feedback_recent",
    "gauge",
    ("rater_kind", "joined"),
    "pieces of feedback",
    "Feedback of the last day, by whether its inference is known.",
    "Much is not joined: the sender names ids that no gateway sends; docs/gateways.md.",
)
FEEDBACK_DELAY = Metric(
    "sluice_feedback_delay_seconds",
    "gauge",
    ("rater_kind", "quantile"),
    "seconds",
    "From answer to feedback, over the last day.",
)

# --- detection ---

FINDINGS = Metric(
    "sluice_findings",
    "counter",
    ("segment", "metric", "direction"),
    "findings",
    "Findings that opened.",
    "`sluice findings`.",
    runbook="finding",
)
FINDINGS_OPEN = Metric(
    "sluice_findings_open",
    "gauge",
    ("segment", "metric"),
    "findings",
    "Findings that are not over yet, seen or not, under each metric that they name.",
    "`sluice findings`.",
    runbook="finding",
)
EVIDENCE = Metric(
    "sluice_finding_evidence",
    "gauge",
    ("segment", "metric"),
    "powers of ten",
    "Evidence of an open finding: a stream at rest claims 10^x in an event with chance 10^-x at most.",
)
FALSE_ALARMS = Metric(
    "sluice_false_alarms_accepted",
    "gauge",
    (),
    "a week",
    "False alarms a week that SLUICE_FALSE_ALARMS accepts, over all segments and metrics; what opened beside it tells "
    "how much of that is spent at most.",
    "docs/detection.md says what the knob means.",
)
SEGMENTS = Metric("sluice_segments", "gauge", (), "segments", "Segments that this worker watches.")
WATCHED_SHARE = Metric(
    "sluice_segment_watched_share",
    "gauge",
    ("segment",),
    "share",
    "Share of a hot segment's inferences that is watched: what SLUICE_SEGMENT_SHARES says of it.",
    "docs/scaling.md says when to choose it, and what it costs.",
)
REFERENCES = Metric(
    "sluice_references",
    "gauge",
    ("state",),
    "references",
    "References said by this worker since its start, by their last state: learning, rolling or pinned.",
)
HELD = Metric(
    "sluice_held_rows",
    "gauge",
    (),
    "rows",
    "Answers that wait to be watched until all partitions have come as far.",
    "It grows: a partition is far behind the others.",
    runbook="lag",
)
STATE_REFUSED = Metric(
    "sluice_state_refused",
    "counter",
    (),
    "states",
    "Detector states not taken over: wrong signature or version.",
    "Segments are learned anew. Is SLUICE_STATE_KEY the same on all workers?",
)
LOST = Metric(
    "sluice_lost_at_start",
    "gauge",
    ("what",),
    "losses",
    "What was there when workers ran last and was gone or torn when this one started: state, ledger, batch.",
    "The worker's log has a sentence on each, with the cure.",
)

# --- the loop ---

BATCHES_CUT = Metric("sluice_batches_cut", "counter", (), "batches", "Review batches cut by this worker.")
CUTS_FAILED = Metric(
    "sluice_cuts_failed",
    "counter",
    (),
    "cuts",
    "Scheduled cuts that were refused or broke off; the log says why.",
    runbook="cut-overdue",
)
CUTS_DUE = Metric(
    "sluice_cuts_due",
    "gauge",
    (),
    "weeks",
    "Weeks that are closed and not cut, of the last four, as the leader sees it.",
    "The next schedule cuts them (SLUICE_CUT_SCHEDULE).",
    runbook="cut-overdue",
)
REVIEW_WAITING = Metric(
    "sluice_review_waiting_seconds",
    "gauge",
    (),
    "seconds",
    "How long ago the oldest window closed whose batch is neither signed off nor rejected; 0 where there is none.",
    "`sluice batch status` says what is next.",
    runbook="review-overdue",
)
BATCHES = Metric(
    "sluice_batches",
    "gauge",
    ("state",),
    "batches",
    "Review batches in the leader's folder, by where they stand: cut, exported, in_review, decided, signed_off, "
    "released or rejected.",
    "`sluice batch status` says what is next for each.",
)
REVIEW_ITEMS = Metric(
    "sluice_review_items",
    "gauge",
    ("stage",),
    "items",
    "The funnel over all batches in the leader's folder: inferences of their windows, those that were eligible, "
    "picked, decided, accepted (as they are, corrected or ranked), and released in the last version.",
    "It moves by the day: people decide. Accepted by decided is the yield.",
)
REVIEW_SPENT = Metric(
    "sluice_review_spent_seconds",
    "gauge",
    (),
    "seconds",
    "Time that people say they spent on decisions, over all batches in the leader's folder; not all say it.",
)
TO_RELEASE = Metric(
    "sluice_answer_to_release_seconds",
    "gauge",
    (),
    "seconds",
    "Median time from an answer to its release, in the batch that was released last; 0 before.",
    "Days to weeks are as it should be: people decide.",
)
GRAFANA_FAILURES = Metric(
    "sluice_grafana_failures",
    "counter",
    (),
    "annotations",
    "Times that Grafana did not take the annotation of a finding; the log says why. Those that can be are tried again.",
    "Is SLUICE_GRAFANA_URL right, and may the token of SLUICE_GRAFANA_TOKEN write annotations?",
)

GROUPS: dict[str, tuple[Metric, ...]] = {
    "The walk": (
        RECORDS,
        EVENTS,
        DEAD_LETTERS,
        ERASED_AGAIN,
        REDACTIONS,
        LAG_RECORDS,
        LAG_SECONDS,
        STALLED_SECONDS,
        LEDGER_GAP,
        LOST,
        BLOCK_RECORDS,
        STAGE,
        SINK_BUSY,
        SINK_WAITING,
        EVENT_TIME,
        RECEIVED,
        RECEIVED_BYTES,
    ),
    "The models": (
        INFERENCES,
        DURATION,
        FIRST_CHUNK,
        TOKENS,
        COST,
        TIMEOUTS,
        FEEDBACK,
        FEEDBACK_RECENT,
        FEEDBACK_DELAY,
    ),
    "Detection": (
        FINDINGS,
        FINDINGS_OPEN,
        EVIDENCE,
        FALSE_ALARMS,
        SEGMENTS,
        WATCHED_SHARE,
        REFERENCES,
        HELD,
        STATE_REFUSED,
        GRAFANA_FAILURES,
    ),
    "The review loop": (
        BATCHES_CUT,
        CUTS_FAILED,
        CUTS_DUE,
        BATCHES,
        REVIEW_ITEMS,
        REVIEW_SPENT,
        TO_RELEASE,
        REVIEW_WAITING,
    ),
}
ALL = tuple(metric for metrics in GROUPS.values() for metric in metrics)
