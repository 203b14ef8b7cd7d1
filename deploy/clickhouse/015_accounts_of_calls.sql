-- Who told of a call, by the five minutes of event time in which it was told (`slot`, counted from 1970): another account of
-- it is looked for in the minutes around, however much was ever stored. `call` is a hash of the response id as its alias
-- says it; that two of the same quarter of an hour have the same by chance does not happen in the life of a cluster.
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
ORDER BY (slot, call, inference_id)
TTL stored_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS accounts_of_parts TO accounts AS
SELECT
    intDiv(toUnixTimestamp64Milli(time), 300000) AS slot,
    arrayJoin(arrayDistinct(arrayMap(alias -> sipHash64(alias), arrayFilter(
        alias -> startsWith(alias, 'resp:'),
        arrayConcat(aliases, if(ifNull(response_id, '') = '', [], ['resp:' || assumeNotNull(response_id)])))))) AS call,
    inference_id,
    time,
    service,
    source_format
FROM inference_parts
WHERE request_time IS NOT NULL OR response_time IS NOT NULL;

-- Of before there was this table: what the last day told, in which accounts may still find one another.
INSERT INTO accounts (slot, call, inference_id, time, service, source_format)
SELECT intDiv(toUnixTimestamp64Milli(time), 300000), sipHash64(alias), inference_id, time, service, source_format
FROM aliases
WHERE startsWith(alias, 'resp:') AND stored_at > now() - INTERVAL 1 DAY;
