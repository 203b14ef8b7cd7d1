-- Who is meant: every id by which an inference may be known, its own columns' included. Feedback finds its inference here.
-- A set, so that twice is once. Two accounts of one call find one another in 015_accounts_of_calls.sql.
CREATE TABLE IF NOT EXISTS aliases
(
    alias String,
    inference_id String,
    time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    service SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    source_format SimpleAggregateFunction(max, LowCardinality(Nullable(String)))
)
ENGINE = AggregatingMergeTree
ORDER BY (alias, inference_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS aliases_of_parts TO aliases AS
SELECT
    arrayJoin(arrayDistinct(arrayConcat(
        aliases,
        arrayFilter(alias -> isNotNull(alias), [
            'call:' || inference_id,
            'resp:' || nullIf(response_id, ''),
            'trace:' || nullIf(trace_id, ''),
            'span:' || nullIf(span_id, ''),
            'sess:' || nullIf(conversation_id, '')
        ])::Array(String)
    ))) AS alias,
    inference_id,
    time,
    service,
    source_format
FROM inference_parts
WHERE request_time IS NOT NULL OR response_time IS NOT NULL;

-- Which inferences each piece of feedback is about: the id that it names, where there is such an inference; else by the
-- most telling of its aliases: one call, then a trace, then a session. What is missing here is an orphan.
CREATE VIEW IF NOT EXISTS feedback_targets AS
WITH known AS (
    SELECT feedback_id, inference_id AS named, 0 AS breadth
    FROM feedback_events FINAL
    WHERE NOT deleted AND inference_id IN (
        SELECT inference_id FROM inference_parts
        WHERE inference_id IN (SELECT assumeNotNull(inference_id) FROM feedback_events WHERE inference_id IS NOT NULL)
    )
    UNION ALL
    SELECT feedback_id, toNullable(aliases.inference_id), multiIf(startsWith(alias, 'sess:'), 3, startsWith(alias, 'trace:'), 2, 1)
    FROM (
        SELECT feedback_id, arrayJoin(arrayConcat(aliases, if(conversation_id IS NULL, [], ['sess:' || assumeNotNull(conversation_id)]))) AS alias
        FROM feedback_events FINAL
        WHERE NOT deleted
    ) AS said
    INNER JOIN aliases USING (alias)
), closest AS (
    SELECT feedback_id, assumeNotNull(named) AS inference_id
    FROM known
    WHERE (feedback_id, breadth) IN (SELECT feedback_id, min(breadth) FROM known GROUP BY feedback_id)
)
SELECT DISTINCT feedback_id, toNullable(ifNull(shadows.shadowed_by, closest.inference_id)) AS target
FROM closest
LEFT JOIN (
    SELECT inference_id, max(shadowed_by) AS shadowed_by
    FROM inference_parts
    WHERE inference_id IN (SELECT inference_id FROM closest)
    GROUP BY inference_id
) AS shadows ON shadows.inference_id = closest.inference_id;

-- What everyone reads: a row for each piece of feedback that holds, and each inference that it is about; `targets` counts
-- these, 0 for an orphan, whose inference_id is what the sender said.
CREATE VIEW IF NOT EXISTS feedback AS
SELECT * EXCEPT (target) REPLACE (ifNull(target, inference_id) AS inference_id)
FROM (SELECT * FROM feedback_events FINAL WHERE NOT deleted) AS events
LEFT JOIN (
    SELECT feedback_id, target, count() OVER (PARTITION BY feedback_id) AS targets FROM feedback_targets
) AS joined USING (feedback_id);

-- Requests of senders that send the response apart: what has none after a while did not get one. By the time of coming,
-- so that a look at the last minutes reads no more than these.
CREATE TABLE IF NOT EXISTS awaited
(
    ingest_time DateTime64(3, 'UTC'),
    inference_id String
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ingest_time)
ORDER BY (ingest_time, inference_id)
TTL toDate(ingest_time) + INTERVAL 3 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS awaited_of_parts TO awaited AS
SELECT ingest_time, inference_id
FROM inference_parts
WHERE request_time IS NOT NULL AND response_time IS NULL AND source_format IN ('native', 'kserve_ce');

-- Up to when it has been looked for them.
CREATE TABLE IF NOT EXISTS timeouts_found (until DateTime64(3, 'UTC')) ENGINE = ReplacingMergeTree(until) ORDER BY tuple();
