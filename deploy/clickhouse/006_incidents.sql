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
-- segments have it, how many of those watched on the day or the day before, how many of its findings. The rank is
-- p log2(p / q) bits, p being the share of the incident's segments and q that of the watched: the surprise of Adtributor
-- (Bhagwan et al., NSDI 2014). The dimension '' counts all.
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
), counted AS (
    SELECT incident_id, part.1 AS dimension, part.2 AS value, uniqExact(segment) AS hits, count() AS finds
    FROM (
        SELECT incident_id, segment, arrayJoin(arrayConcat([('', '')], if(length(splitByChar('|', segment::String)) = 4, arrayZip(['service', 'route', 'model', 'environment'], arrayResize(splitByChar('|', segment::String), 4)), []))) AS part
        FROM findings_of_incidents
    )
    GROUP BY incident_id, dimension, value
    HAVING hits > 1
), watched AS (
    SELECT on, part.1 AS of_dimension, part.2 AS of_value, count() AS watching
    FROM (
        SELECT on, arrayJoin(arrayConcat([('', '')], if(length(splitByChar('|', name)) = 4, arrayZip(['service', 'route', 'model', 'environment'], arrayResize(splitByChar('|', name), 4)), []))) AS part
        FROM (
            SELECT DISTINCT arrayJoin([day, day + 1])::Date AS on, segment::String AS name
            FROM segments
            WHERE day IN (SELECT arrayJoin([toDate(began), toDate(began) - 1])::Date FROM told)
        )
    )
    GROUP BY on, of_dimension, of_value
), ranked AS (
    SELECT
        told.incident_id AS incident_id, hit, dimension, value, hits, finds,
        greatest(watching, hits) AS of,
        max(if(dimension = '', of, 0)) OVER (PARTITION BY incident_id) AS of_all,
        (hits / hit) * log2((hits / hit) / (of / of_all)) AS bits
    FROM counted
    INNER JOIN told ON told.incident_id = counted.incident_id
    LEFT JOIN watched ON on = toDate(began) AND of_dimension = dimension AND of_value = value
)
SELECT
    told.incident_id AS incident_id, began AS since, opened, if(over = found, last, NULL) AS closed,
    multiIf(over = found, 'closed', open > 0, 'open', 'acknowledged') AS state,
    found AS findings, hit AS segments, segments_watched, metrics, finding_ids, carried
FROM told
INNER JOIN (
    SELECT
        incident_id, any(of_all) AS segments_watched,
        arrayMap(x -> x.2, arraySort(
            x -> (-x.1, indexOf(['service', 'route', 'model', 'environment'], (x.2).1), (x.2).2),
            groupArrayIf((bits, (dimension, value, hits, of, finds)::Tuple(String, String, UInt64, UInt64, UInt64)), dimension != '' AND bits > 0)
        )) AS carried
    FROM ranked
    GROUP BY incident_id
) AS common ON common.incident_id = told.incident_id;
