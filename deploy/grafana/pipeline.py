"""Pipeline: from Kafka through the walk to ClickHouse, and the detectors' own state."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.frame import laid, of_prometheus
from deploy.grafana.panels import ANY_IS_BAD, above, bars, lines, number, stacked
from deploy.grafana.queries import known, now, over_time

MINUTE_S, WEEK_S = 60, 7 * 86_400

DEAD = "sum by (topic, reason) (rate(sluice_dead_letters_total[$__rate_interval]))"
RECEIVED = "sum by (format, status) (rate(sluice_received_total[$__rate_interval]))"
BLOCK = "sum(increase(sluice_block_records_sum[$__range])) / sum(increase(sluice_block_records_count[$__range]))"
STAGES = "sum by (stage, le) (rate(sluice_stage_seconds_bucket[$__rate_interval]))"
BUSY = "sum by (stage) (rate(sluice_stage_seconds_sum[$__rate_interval])) / scalar(count(sluice_event_time_seconds))"

IN = (
    lines(
        "Records",
        "Records confirmed a second, by topic, and what became of them. See docs/runbooks/no-data.md when none come.",
        [over_time("sum by (topic, outcome) (rate(sluice_records_total[$__rate_interval]))", "{{topic}}: {{outcome}}")],
        "cps",
    ),
    lines(
        "Events",
        "Events read a second, by the format of their source and their kind.",
        [over_time("sum by (format, kind) (rate(sluice_events_total[$__rate_interval]))", "{{format}}: {{kind}}")],
        "cps",
    ),
    stacked(
        "Set aside",
        "Dead letters a second, by reason. They can be replayed once mended: docs/runbooks/dead-letters.md.",
        [over_time(f"{DEAD} or vector(0)", "{{topic}}: {{reason}}")],
        "cps",
    ),
    stacked(
        "Taken out before storing",
        "Pieces of text that were redacted a second, by kind.",
        [over_time("sum by (kind) (rate(sluice_redactions_total[$__rate_interval])) or vector(0)", "{{kind}}")],
        "cps",
    ),
    lines(
        "Erased, and delivered again",
        "Events a second of erased inferences or users that came again, and were not stored.",
        [over_time("sum(rate(sluice_erased_again_total[$__rate_interval]))", "events")],
        "cps",
        width=24,
    ),
    stacked(
        "Received over HTTP",
        "Requests to the receiver a second, by class of answer. Without a token it takes nothing.",
        [over_time(f"{RECEIVED} or vector(0)", "{{format}}: {{status}}")],
        "reqps",
    ),
    lines(
        "Bytes over HTTP",
        "Bytes of bodies that reached Kafka through the receiver, a second, decompressed.",
        [over_time("sum by (format) (rate(sluice_received_bytes_total[$__rate_interval])) or vector(0)", "{{format}}")],
        "Bps",
    ),
)
PACE = (
    lines(
        "Records behind",
        "Records that are written and not yet confirmed. It grows: add workers, up to one a partition.",
        [over_time("sum by (topic) (sluice_lag_records)", "{{topic}}")],
        "short",
    ),
    lines(
        "Seconds behind",
        "How far each partition is behind its log. See docs/runbooks/lag.md.",
        [over_time("max by (topic, partition) (sluice_lag_seconds)", "{{topic}} {{partition}}")],
        "s",
        {MINUTE_S: "orange", 2 * MINUTE_S: "red"},
    ),
    lines(
        "Stands still",
        "For how long a partition has had work and not moved at all. See docs/runbooks/stalled.md.",
        [over_time("max by (topic, partition) (sluice_stalled_seconds)", "{{topic}} {{partition}}")],
        "s",
        {MINUTE_S: "red"},
    ),
    lines(
        "Events are this old",
        "From the greatest event time that is confirmed to now. Days, where a past week is replayed.",
        [over_time("time() - max(sluice_event_time_seconds)", "newest event")],
        "s",
    ),
)
OUT = (
    number(
        "Unaccounted for",
        "Offsets that are committed and neither written nor set aside. See docs/runbooks/ledger-gap.md.",
        [now("max(sluice_ledger_gap_offsets)")],
        "short",
        ANY_IS_BAD,
        width=6,
    ),
    number(
        "Refuses for",
        "For how long ClickHouse has taken nothing. Partitions wait, nothing is lost: docs/runbooks/sink-down.md.",
        [now("max(sluice_sink_waiting_seconds)")],
        "s",
        above(5, 20),
        width=6,
    ),
    number(
        "Refusals",
        "Blocks that a sink refused for the moment within the time range; each is offered again.",
        [now("sum(increase(sluice_sink_busy_total[$__range]))")],
        "short",
        width=6,
    ),
    number(
        "Records in a block",
        "Mean of the time range. Larger blocks cost less a record, and take longer to come.",
        [now(known(BLOCK))],
        "short",
        width=6,
    ),
    lines(
        "Time of a stage",
        "95th percentile of the time that a block spends in each stage. The longest is where to look.",
        [over_time(f"histogram_quantile(0.95, {STAGES})", "{{stage}}")],
        "s",
    ),
    lines(
        "Share of the time",
        "How much of its time a worker spends in each stage; near 100%, it is the bottleneck.",
        [over_time(BUSY, "{{stage}}")],
        "percentunit",
        {0.8: "orange"},
    ),
)
WATCH = (
    number(
        "Segments",
        "Segments that the workers watch apart, and how many of them by a sample: SLUICE_SEGMENT_SHARES.",
        [
            now("sum(sluice_segments)", "watched"),
            now("count(max by (segment) (sluice_segment_watched_share)) or vector(0)", "by a sample", "B"),
        ],
        "short",
        width=5,
    ),
    number(
        "Rows that wait",
        "Answers that wait until all partitions have come as far. It grows: one partition is far behind.",
        [now("sum(sluice_held_rows)")],
        "short",
        above(50_000, 500_000),
        width=5,
    ),
    number(
        "States refused",
        "Detector states with a wrong signature or version since the start; their segments are learned anew.",
        [now("sum(increase(sluice_state_refused_total[$__range]))")],
        "short",
        {1: "orange"},
        width=5,
    ),
    number(
        "Lost at start",
        "What was there when workers ran last and was gone or torn at a start: see the worker's log.",
        [now("sum(sluice_lost_at_start)")],
        "short",
        {1: "red"},
        width=5,
    ),
    number(
        "False alarms accepted",
        "Of those that open in a week, so many may be false at most: SLUICE_FALSE_ALARMS, docs/detection.md.",
        [now("max(sluice_false_alarms_accepted)")],
        "short",
        width=4,
    ),
    lines(
        "Findings opened in a week",
        "Findings of the seven days before, beside the false alarms that are accepted in a week.",
        [
            over_time("sum(increase(sluice_findings_total[7d])) or vector(0)", "opened", "A"),
            over_time("max(sluice_false_alarms_accepted)", "accepted", "B"),
        ],
        "short",
    ),
    lines(
        "Evidence of open findings",
        "How sure it is that something changed: a stream at rest claims 10^x at an event with chance 10^-x at most.",
        [over_time("max by (segment, metric) (sluice_finding_evidence) or vector(0)", "{{metric}} of {{segment}}")],
        "short",
    ),
    lines(
        "Annotations that Grafana did not take",
        "Annotations of findings that were refused or did not arrive. Check SLUICE_GRAFANA_URL and what its token may.",
        [over_time("sum(increase(sluice_grafana_failures_total[$__rate_interval]))", "failures")],
        "short",
    ),
    bars(
        "References",
        "What is expected of each metric, by how it is known: learning, rolling, or pinned by a person.",
        [now("sum by (state) (sluice_references)", "{{state}}")],
        "short",
    ),
)


def dashboard() -> Dashboard:
    said = "From Kafka through the walk to ClickHouse, and the detectors' own state."
    page = of_prometheus("pipeline", "Sluice: pipeline", said).refresh("30s").time("now-3h", "now")
    sections = (
        ("What comes", IN),
        ("Whether it keeps up", PACE),
        ("What is written", OUT),
        ("What watches", WATCH),
    )
    return laid(page, sections)
