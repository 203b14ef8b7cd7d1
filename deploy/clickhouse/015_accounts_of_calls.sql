-- Who told of a call, by the five minutes of event time in which it began as they tell it (`slot`, counted from 1970): another
-- account of it is looked for in the minutes around, however much was ever stored. A row is a function of one answer, so
-- that it does not matter what else is looked at with it. `call` is a hash of the response id as its alias says it; that two
-- of the same quarter of an hour have the same by chance does not happen in the life of a cluster.
CREATE TABLE IF NOT EXISTS accounts
(
    slot Int64,
    call UInt64,
    inference_id String,
    time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    service SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    source_format SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
    stored_at SimpleAggregateFunction(max, DateTime) DEFAULT now()
)
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(slot, 2016)
ORDER BY (slot, call, inference_id)
TTL stored_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS accounts_of_parts TO accounts AS
SELECT
    intDiv(began, 300000000000) AS slot,
    arrayJoin(arrayDistinct(arrayMap(alias -> sipHash64(alias), arrayFilter(
        alias -> startsWith(alias, 'resp:'),
        arrayConcat(aliases, if(ifNull(response_id, '') = '', [], ['resp:' || assumeNotNull(response_id)])))))) AS call,
    inference_id,
    fromUnixTimestamp64Nano(began, 'UTC') AS time,
    service,
    source_format
FROM (
    SELECT
        toUnixTimestamp64Nano(assumeNotNull(response_time)) - if(ifNull(duration_s, 0) < 1000000, toInt64(ifNull(duration_s, 0) * 1000000000), 0) AS began,
        aliases, response_id, inference_id, service, source_format
    FROM inference_parts
    WHERE response_time IS NOT NULL
);

-- Of before there was this table: what the last day told, in which accounts may still find one another.
INSERT INTO accounts (slot, call, inference_id, time, service, source_format)
SELECT
    intDiv(began, 300000000000), sipHash64('resp:' || assumeNotNull(response_id)), inference_id,
    fromUnixTimestamp64Nano(began, 'UTC'), service, source_format
FROM (
    SELECT
        toUnixTimestamp64Nano(assumeNotNull(response_time)) - if(ifNull(duration_s, 0) < 1000000, toInt64(ifNull(duration_s, 0) * 1000000000), 0) AS began,
        response_id, inference_id, service, source_format
    FROM inference_parts
    WHERE week >= toMonday(now() - INTERVAL 8 DAY) AND ingest_time > now() - INTERVAL 1 DAY
      AND response_time IS NOT NULL AND ifNull(response_id, '') != ''
);
