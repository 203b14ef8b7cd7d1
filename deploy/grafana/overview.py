"""Overview: is it healthy, is the model healthy, is the loop turning; on one screen, without scrolling."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.frame import laid, of_prometheus
from deploy.grafana.panels import ANY_IS_BAD, above, lines, number
from deploy.grafana.queries import known, now, over_time

MINUTE_S, DAY_S = 60, 86_400
FAILED = 'rate(sluice_inferences_total{status!="ok"}[$__rate_interval])'
ANSWERED = "rate(sluice_inferences_total[$__rate_interval])"
DURATIONS = "rate(sluice_inference_duration_seconds_bucket[$__rate_interval])"
FIRST = "rate(sluice_time_to_first_chunk_seconds_bucket[$__rate_interval])"
FAILURES = f"(sum by (segment) ({FAILED}) or 0 * sum by (segment) ({ANSWERED})) / sum by (segment) ({ANSWERED})"
SLOWEST = f"histogram_quantile(0.95, sum by (segment, le) ({DURATIONS}))"
TODAY = "max by (rater_kind, joined) (sluice_feedback_recent)"
JOINED = 'max by (rater_kind) (sluice_feedback_recent{joined="yes"})'
DEAD = 'rate(sluice_records_total{outcome="dead"}[$__rate_interval])'

HEALTH = (
    number(
        "Workers",
        "Workers that answer Prometheus. None: `sluice worker` is not running, see docs/runbooks/no-data.md.",
        [now("count(sluice_event_time_seconds) or vector(0)")],
        "none",
        {0: "red", 1: "green"},
    ),
    number(
        "Records",
        "Records confirmed a second: written to ClickHouse, or set aside.",
        [now("sum(rate(sluice_records_total[$__rate_interval]))")],
        "cps",
    ),
    number(
        "Furthest behind",
        "How far the slowest partition is behind its log. See docs/runbooks/lag.md.",
        [now("max(sluice_lag_seconds)")],
        "s",
        above(MINUTE_S, 2 * MINUTE_S),
    ),
    number(
        "Set aside",
        "Share of records that cannot be read: a sender changed its format. See docs/runbooks/dead-letters.md.",
        [now(known(f"sum({DEAD}) / sum(rate(sluice_records_total[$__rate_interval]))"))],
        "percentunit",
        above(0.01, 0.05),
    ),
    number(
        "ClickHouse refuses",
        "For how long blocks have been offered in vain. Nothing is lost. See docs/runbooks/sink-down.md.",
        [now("max(sluice_sink_waiting_seconds)")],
        "s",
        above(5, 20),
    ),
    number(
        "Unaccounted for",
        "Offsets that are committed and neither written nor set aside; must be 0. See docs/runbooks/ledger-gap.md.",
        [now("max(sluice_ledger_gap_offsets)")],
        "short",
        ANY_IS_BAD,
    ),
)
MODELS = (
    number("Answers", "Answers watched a second, of all segments.", [now(f"sum({ANSWERED})")], "reqps"),
    number(
        "Failed",
        "Share of answers that failed or timed out; the objective is 3%. See docs/runbooks/model-errors.md.",
        [now(known(f"(sum({FAILED}) or vector(0)) / sum({ANSWERED})"))],
        "percentunit",
        above(0.03, 0.3),
    ),
    number(
        "19 of 20 within",
        "95th percentile of the durations, where they are known; 8 s is the objective: docs/runbooks/model-latency.md.",
        [now(known(f"histogram_quantile(0.95, sum by (le) ({DURATIONS}))"))],
        "s",
        above(8, 20),
    ),
    number(
        "First chunk within",
        "95th percentile of the times to the first chunk of streamed answers.",
        [now(known(f"histogram_quantile(0.95, sum by (le) ({FIRST}))"))],
        "s",
        above(2, 5),
    ),
    number(
        "Cost",
        "US dollars an hour, where gateways say what an answer cost. See docs/runbooks/cost.md.",
        [now("sum(rate(sluice_cost_usd_total[$__rate_interval])) * 3600")],
        "currencyUSD",
    ),
    number(
        "Segments with findings",
        "Segments of which something has changed and is not over yet; *Drift and findings* lists it. See "
        "docs/runbooks/finding.md.",
        [now("count(sum by (segment) (sluice_findings_open) > 0) or vector(0)")],
        "short",
        {1: "orange"},
    ),
)
LOOP = (
    number(
        "Weeks to cut",
        "Weeks that are closed and not cut yet. The schedule cuts them; see docs/runbooks/cut-overdue.md.",
        [now("max(sluice_cuts_due)")],
        "short",
        above(1, 2),
    ),
    number(
        "Batches with people",
        "Review batches that were cut and are neither signed off nor rejected.",
        [now('sum(max by (state) (sluice_batches{state=~"cut|exported|in_review|decided"}))')],
        "short",
    ),
    number(
        "Oldest waits",
        "How long ago the oldest of these weeks closed. Two weeks are too long: docs/runbooks/review-overdue.md.",
        [now("max(sluice_review_waiting_seconds)")],
        "dtdurations",
        above(7 * DAY_S, 14 * DAY_S),
    ),
    number(
        "Released",
        "Batches of which something was released, each with a person's signature.",
        [now('max(sluice_batches{state="released"})')],
        "short",
    ),
    number(
        "Feedback today",
        "Pieces of feedback of the last day, from people, programs and models.",
        [now(f"sum({TODAY}) or vector(0)")],
        "short",
    ),
    number(
        "Inference known",
        "Share of that feedback whose inference is known. Low: the sender names ids that no gateway sends.",
        [now(known(f"sum({JOINED}) / sum({TODAY})"))],
        "percentunit",
        {0: "red", 0.5: "orange", 0.8: "green"},
    ),
)
COURSES = (
    lines(
        "Most failures",
        "Share of failed answers, of the five segments where it is greatest. *Model health* has them all.",
        [over_time(f"topk(5, {known(FAILURES)})", "{{segment}}")],
        "percentunit",
        {0.03: "orange"},
        width=8,
        most=1,
    ),
    lines(
        "Slowest segments",
        "95th percentile of the durations, of the five slowest segments.",
        [over_time(f"topk(5, {known(SLOWEST)})", "{{segment}}")],
        "s",
        {8: "orange"},
        width=8,
    ),
    lines(
        "Behind",
        "How far each topic's slowest partition is behind its log.",
        [over_time("max by (topic) (sluice_lag_seconds)", "{{topic}}")],
        "s",
        {2 * MINUTE_S: "orange"},
        width=8,
    ),
)


def dashboard() -> Dashboard:
    said = (
        "Is it healthy, is the model healthy, is the loop turning? Numbers with a limit are green while they keep it."
    )
    page = of_prometheus("overview", "Sluice: overview", said).refresh("10s").time("now-1h", "now")
    sections = (
        ("Is it healthy?", HEALTH),
        ("Is the model healthy?", MODELS),
        ("Is the loop turning? People decide there, in batches: nothing in it is real time.", LOOP),
        ("The last hour", COURSES),
    )
    return laid(page, sections)
