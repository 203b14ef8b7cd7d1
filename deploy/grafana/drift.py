"""Drift and findings: what has changed, where, since when, how sure, and the way to its examples and runbook."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.frame import laid, of_clickhouse
from deploy.grafana.panels import ANY_IS_BAD, MODEL_HEALTH, coloured, column, led, number, rows, stacked
from deploy.grafana.queries import CLICKHOUSE, SEGMENT, Sql

IN_RANGE = "$__timeFilter(time)"
FOUND = f"FROM findings WHERE {SEGMENT}"
WAIT_S = "ifNotFinite(median(dateDiff('millisecond', since, time)) / 1000, 0)"

EVERY_BAR = f"""
SELECT $__timeInterval(findings.time) AS at, metric, toFloat64(count()) AS found
{FOUND} AND {IN_RANGE}
GROUP BY at, metric
ORDER BY at
"""
# What is open stays in sight, however old.
EVERY_FINDING = f"""
SELECT
    state, finding_id, since, findings.time AS noticed, segment, metric, direction, mean_before, mean_after, log10_e,
    arrayStringConcat(arrayMap(part -> part.dimension || '=' || part.value, arraySlice(slices, 1, 2)), ', ') AS carried,
    arrayStringConcat(versions, ', ') AS new_versions, ifNull(acknowledged_by, '') AS seen_by
{FOUND} AND (state != 'closed' OR {IN_RANGE})
ORDER BY indexOf(['open', 'acknowledged', 'closed'], state), noticed DESC
LIMIT 500
"""
EVERY_INCIDENT = """
SELECT
    incident_id, state, since, opened, segments, segments_watched, findings, arrayStringConcat(metrics, ', ') AS what,
    arrayStringConcat(arrayMap(part -> part.1 || '=' || part.2, arraySlice(carried, 1, 2)), ', ') AS in_common
FROM incidents
WHERE state != 'closed' OR $__timeFilter(opened)
ORDER BY opened DESC
LIMIT 100
"""
EVERY_REFERENCE = f"""
SELECT
    segment, metric, references.state AS state, weeks, events, said, unit,
    round(arrayAvg(arrayFilter(value -> isFinite(value), expected)), 4) AS expected_mean
FROM references FINAL
WHERE {SEGMENT}
ORDER BY segment, metric
LIMIT 1000
"""  # noqa: S608  # the data source's macros, no values

STATES = {"open": "red", "acknowledged": "orange", "closed": "green"}
PAGE = "${pages_url:raw}/findings/${__value.raw}"
TO_A_FINDING = {"Examples before and after": f"{PAGE}#examples", "What to do, and its runbook": f"{PAGE}#do"}


COUNTS = (
    number(
        "Open",
        "Findings that are not over and that nobody has acknowledged. See docs/runbooks/finding.md.",
        [Sql(f"SELECT countIf(state = 'open') AS open {FOUND}")],
        "short",
        ANY_IS_BAD,
        width=6,
        kind=CLICKHOUSE,
    ),
    number(
        "Somebody is on it",
        "Findings that are not over and that somebody has acknowledged: `sluice findings ack`.",
        [Sql(f"SELECT countIf(state = 'acknowledged') AS acknowledged {FOUND}")],
        "short",
        width=6,
        kind=CLICKHOUSE,
    ),
    number(
        "Noticed",
        "Findings that were noticed within the time range.",
        [Sql(f"SELECT count() AS noticed {FOUND} AND {IN_RANGE}")],
        "short",
        width=6,
        kind=CLICKHOUSE,
    ),
    number(
        "Time to notice",
        "Median of the times from the estimated beginning of a change to its finding, within the time range.",
        [Sql(f"SELECT {WAIT_S} AS seconds {FOUND} AND {IN_RANGE}")],
        "s",
        width=6,
        kind=CLICKHOUSE,
    ),
)
WHEN = stacked(
    "Findings noticed",
    "When findings were noticed, by the metric that they are about.",
    [Sql(EVERY_BAR, "timeseries")],
    "short",
    width=24,
    kind=CLICKHOUSE,
)
TABLES = (
    rows(
        "Findings",
        "What is open, whenever it began, and what was noticed within the time range. An id leads to the examples "
        "before and after, and to what to do; a segment leads to its model's health.",
        [Sql(EVERY_FINDING)],
        height=12,
        kind=CLICKHOUSE,
    )
    .override_by_name("state", coloured(STATES))
    .override_by_name("finding_id", led(TO_A_FINDING) + column(displayName="Finding"))
    .override_by_name("since", column(displayName="Since (estimated)", unit="dateTimeAsLocal"))
    .override_by_name("noticed", column(unit="dateTimeAsLocal"))
    .override_by_name("segment", led({"Model health": MODEL_HEALTH}))
    .override_by_name("mean_before", column(displayName="Before"))
    .override_by_name("mean_after", column(displayName="After"))
    .override_by_name("log10_e", column(displayName="Evidence (10^x)"))
    .override_by_name("carried", column(displayName="Carried by"))
    .override_by_name("new_versions", column(displayName="New versions"))
    .override_by_name("seen_by", column(displayName="Seen by")),
    rows(
        "Incidents",
        "Findings of several segments that began together, and what these segments have in common and others do not.",
        [Sql(EVERY_INCIDENT)],
        height=7,
        kind=CLICKHOUSE,
    )
    .override_by_name("state", coloured(STATES))
    .override_by_name("incident_id", led(TO_A_FINDING) + column(displayName="Incident, by its first finding"))
    .override_by_name("in_common", column(displayName="In common")),
    rows(
        "What is expected",
        "What each metric of a segment is at rest, and how well that is known; `sluice reference show` draws one.",
        [Sql(EVERY_REFERENCE)],
        kind=CLICKHOUSE,
    )
    .override_by_name("said", column(displayName="Learned until", unit="dateTimeAsLocal"))
    .override_by_name("expected_mean", column(displayName="Expected, over the week"))
    .override_by_name("weeks", column(displayName="Weeks learned")),
)


def dashboard() -> Dashboard:
    said = "What has changed, where, since when, how sure, and the way to its examples and what to do."
    page = of_clickhouse("drift", "Sluice: drift and findings", said).refresh("30s").time("now-7d", "now")
    return laid(page, (("Now", (*COUNTS, WHEN)), ("What changed, and where to look", TABLES)))
