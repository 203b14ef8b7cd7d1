-- Which segments had traffic on which day: what a finding's segments are held against. A set, so that twice is once.
CREATE TABLE IF NOT EXISTS segments
(
    segment LowCardinality(String),
    day Date
)
ENGINE = ReplacingMergeTree
ORDER BY (day, segment);

CREATE MATERIALIZED VIEW IF NOT EXISTS segments_of_parts TO segments AS
SELECT DISTINCT ifNull(segment, '') AS segment, toDate(time) AS day
FROM inference_parts
WHERE segment != '' AND NOT synthetic;

-- Findings with the incident that each belongs to: while one goes on, and for a quarter of an hour at most, whatever else
-- began is part of the same. An incident has the name of the finding in it that was noticed first.
CREATE VIEW IF NOT EXISTS findings_of_incidents AS
SELECT
    first_value(finding_id) OVER (PARTITION BY run ORDER BY time, finding_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS incident_id,
    finding_id, segment, metric, direction, state, time, said, since
FROM (
    SELECT *, sum(since > reached) OVER (ORDER BY since, finding_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM (
        SELECT
            finding_id, segment, metric, direction, state, time, said, since,
            max(if(state = 'closed', least(said, since + INTERVAL 15 MINUTE), since + INTERVAL 15 MINUTE)) OVER (ORDER BY since, finding_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
        FROM findings
    )
);

-- What everyone reads: findings of several segments that began together are one incident. `carried` ranks what the
-- segments have in common, in tuples: dimension (service, route, model or environment), value, how many of the incident's
-- segments have it, how many of those watched on its days, how many of its findings. The rank is p log2(p / q) bits, p being the share of the
-- incident's segments and q that of the watched: the surprise of Adtributor (Bhagwan et al., NSDI 2014).
CREATE VIEW IF NOT EXISTS incidents AS
WITH told AS (
    SELECT
        incident_id, min(since) AS began, min(time) AS opened, max(said) AS last,
        countIf(state = 'open') AS open, countIf(state = 'closed') AS over,
        count() AS found, uniqExact(segment) AS hit,
        arraySort(groupUniqArray(metric)) AS metrics, arraySort(groupArray((since, finding_id))).2 AS finding_ids
    FROM findings_of_incidents
    GROUP BY incident_id
    HAVING hit > 1
), watching AS (
    SELECT DISTINCT incident_id, segment
    FROM (
        SELECT incident_id, arrayJoin(range(toUInt16(toDate(began)) - 1, toUInt16(toDate(opened)) + 1))::UInt16 AS on
        FROM told
    ) AS days
    INNER JOIN (SELECT segment, toUInt16(day) AS on FROM segments) AS seen USING (on)
    UNION DISTINCT
    SELECT incident_id, segment FROM findings_of_incidents
), parts AS (
    SELECT
        watching.incident_id AS incident_id, watching.segment AS segment, in_it.findings AS findings,
        arrayJoin(arrayZip(['service', 'route', 'model', 'environment'], arrayResize(splitByChar('|', segment::String), 4))) AS part
    FROM watching
    LEFT JOIN (
        SELECT incident_id, segment, count() AS findings FROM findings_of_incidents GROUP BY incident_id, segment
    ) AS in_it ON in_it.incident_id = watching.incident_id AND in_it.segment = watching.segment
    WHERE length(splitByChar('|', segment::String)) = 4
), counted AS (
    SELECT
        incident_id, part.1 AS dimension, part.2 AS value,
        countIf(findings > 0) AS hits, count() AS all, sum(findings) AS finds
    FROM parts
    GROUP BY incident_id, dimension, value
    HAVING hits > 1
), watched AS (
    SELECT incident_id, count() AS watched FROM watching GROUP BY incident_id
)
SELECT
    told.incident_id AS incident_id, began AS since, opened, if(over = found, last, NULL) AS closed,
    multiIf(over = found, 'closed', open > 0, 'open', 'acknowledged') AS state,
    found AS findings, hit AS segments, watched AS segments_watched, metrics, finding_ids,
    ranked.carried AS carried
FROM told
INNER JOIN watched ON watched.incident_id = told.incident_id
LEFT JOIN (
    SELECT
        incident_id,
        arrayMap(x -> x.2, arraySort(x -> (-x.1, indexOf(['service', 'route', 'model', 'environment'], (x.2).1), (x.2).2), groupArray((
            (hits / hit) * log2((hits / hit) / (all / watched)),
            (dimension, value, hits, all, finds)::Tuple(String, String, UInt64, UInt64, UInt64)
        )))) AS carried
    FROM counted
    INNER JOIN told USING (incident_id)
    INNER JOIN watched USING (incident_id)
    WHERE hits / hit > all / watched
    GROUP BY incident_id
) AS ranked ON ranked.incident_id = told.incident_id;
