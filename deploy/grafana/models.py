"""Model health: how each segment answers, how fast, at what cost, and what people say of it."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from deploy.grafana.frame import laid, of_prometheus
from deploy.grafana.panels import MODEL_HEALTH, column, led, lines, rows, stacked
from deploy.grafana.queries import known, over_time, row_each

CHOSEN = '{segment=~"$segment"}[$__rate_interval]'
ANSWERED = f"sum by (segment) (rate(sluice_inferences_total{CHOSEN}))"
FAILED = 'sum by (segment) (rate(sluice_inferences_total{segment=~"$segment", status!="ok"}[$__rate_interval]))'
FAILED_SHARE = f"({FAILED} or 0 * {ANSWERED}) / {ANSWERED}"
DURATIONS = f"rate(sluice_inference_duration_seconds_bucket{CHOSEN})"
IN_TIME = 'rate(sluice_inference_duration_seconds_bucket{segment=~"$segment", le="8.0"}[$__rate_interval])'
SLOW_SHARE = (
    f"1 - sum by (segment) ({IN_TIME}) / sum by (segment) (rate(sluice_inference_duration_seconds_count{CHOSEN}))"
)
FIRST = f"rate(sluice_time_to_first_chunk_seconds_bucket{CHOSEN})"
TOKENS = f"rate(sluice_tokens_total{CHOSEN})"
WRITTEN = 'rate(sluice_tokens_total{segment=~"$segment", direction="output"}[$__rate_interval])'
COST = f"sum by (segment) (rate(sluice_cost_usd_total{CHOSEN})) * 3600"
FEEDBACK = "sum by (rater_kind, name) (rate(sluice_feedback_total[$__rate_interval]))"


def _quantile(quantile: float) -> str:
    return f"histogram_quantile({quantile}, sum by (segment, le) ({DURATIONS}))"


SEGMENTS = (
    rows(
        "Segments",
        "What each segment does now. A segment is service | route | model | environment; over a limit it is `other`.",
        [
            row_each(ANSWERED, "A"),
            row_each(known(FAILED_SHARE), "B"),
            row_each(known(_quantile(0.5)), "C"),
            row_each(known(_quantile(0.95)), "D"),
            row_each(COST, "E"),
        ],
    )
    .with_transformation(DataTransformerConfig(id_val="merge", options={}))
    .with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": {"Time": True}}))
    .override_by_name(
        "segment", led({"This segment alone": MODEL_HEALTH}) + column(displayName="Segment", custom_minWidth=320)
    )
    .override_by_name("Value #A", column(displayName="Answers a second", unit="reqps"))
    .override_by_name("Value #B", column(displayName="Failed", unit="percentunit"))
    .override_by_name("Value #C", column(displayName="Half within", unit="s"))
    .override_by_name("Value #D", column(displayName="19 of 20 within", unit="s"))
    .override_by_name("Value #E", column(displayName="Dollars an hour", unit="currencyUSD")),
)
ANSWERS = (
    lines("Answers", "Answers watched a second.", [over_time(ANSWERED, "{{segment}}")], "reqps"),
    lines(
        "Failed",
        "Share of answers that failed or timed out. The objective is 3%: see docs/runbooks/model-errors.md.",
        [over_time(FAILED_SHARE, "{{segment}}")],
        "percentunit",
        {0.03: "orange", 0.3: "red"},
        most=1,
    ),
    stacked(
        "How they ended",
        "Answers a second by how they ended: ok, partial, error, or timeout_no_response.",
        [over_time(f"sum by (status) (rate(sluice_inferences_total{CHOSEN}))", "{{status}}")],
        "reqps",
    ),
    lines(
        "Without a response",
        "Requests a second that stayed without a response for SLUICE_RESPONSE_TIMEOUT_SECONDS; of all segments.",
        [over_time("sum(rate(sluice_timeouts_total[$__rate_interval]))", "requests")],
        "reqps",
    ),
)
TIMES = (
    lines(
        "Half of the answers within",
        "Median of the durations, from request to last byte, where they are known.",
        [over_time(_quantile(0.5), "{{segment}}")],
        "s",
    ),
    lines(
        "19 of 20 answers within",
        "95th percentile of the durations. Where it jumps, see docs/runbooks/model-latency.md.",
        [over_time(_quantile(0.95), "{{segment}}")],
        "s",
        {8: "orange"},
    ),
    lines(
        "Slower than 8 s",
        "Share of answers that took longer than 8 s; the objective is 5%.",
        [over_time(SLOW_SHARE, "{{segment}}")],
        "percentunit",
        {0.05: "orange", 0.3: "red"},
        most=1,
    ),
    lines(
        "First chunk within",
        "95th percentile of the times to the first chunk of streamed answers.",
        [over_time(f"histogram_quantile(0.95, sum by (segment, le) ({FIRST}))", "{{segment}}")],
        "s",
    ),
)
USE = (
    lines(
        "Tokens",
        "Tokens read (input) and written (output) a second.",
        [over_time(f"sum by (direction) ({TOKENS})", "{{direction}}")],
        "cps",
    ),
    lines(
        "Tokens in an answer",
        "Tokens written, over all answers. A new version that talks more shows here first.",
        [over_time(f"sum by (segment) ({WRITTEN}) / {ANSWERED}", "{{segment}}")],
        "short",
    ),
    lines(
        "Cost",
        "US dollars an hour, where gateways say what an answer cost. See docs/runbooks/cost.md.",
        [over_time(COST, "{{segment}}")],
        "currencyUSD",
        width=24,
    ),
)
SAID = (
    stacked(
        "Feedback",
        "Pieces of feedback a second, by who gave it: people, programs and models never share a series. All segments.",
        [over_time(FEEDBACK, "{{rater_kind}}: {{name}}")],
        "cps",
    ),
    lines(
        "From answer to feedback",
        "Half and nine of ten pieces of the last day's feedback came within this time of the answer.",
        [over_time("max by (rater_kind, quantile) (sluice_feedback_delay_seconds)", "{{rater_kind}}, {{quantile}}")],
        "s",
    ),
)


def dashboard() -> Dashboard:
    said = "How each segment answers, how fast, at what cost, and what people say of it."
    page = of_prometheus("models", "Sluice: model health", said, segments=True).refresh("30s").time("now-6h", "now")
    sections = (
        ("Now", SEGMENTS),
        ("Answers", ANSWERS),
        ("Times", TIMES),
        ("Use", USE),
        ("What is said of them", SAID),
    )
    return laid(page, sections)
